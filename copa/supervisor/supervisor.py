"""Starts the processes of a run, keeps them alive, shows them, and ends them together."""

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from copa.assembly import open_replay
from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.replay import connect
from copa.replay.server import EmbeddedServer
from copa.run_folder import RunFolder
from copa.supervisor.crew import Crew, Member
from copa.supervisor.processes import Child, Death, Program
from copa.supervisor.programs import finish_program, server_program
from copa.supervisor.scrape import Scraper
from copa.supervisor.view import Picture, ProcessState, View

LOOK_SECONDS = 0.1
SERVER_SECONDS = 60.0
"""Time an embedded server has to read its append-only file."""

LAGGARD_SECONDS = 10.0
"""Time actors have to see that the run is finished after the learner did."""

STOP_SECONDS = 8.5
"""Time from a stop to the kill of whatever is still there."""

ACTOR_STOP_SECONDS = 3.0
LEARNER_STOP_SECONDS = 7.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended."""

    state: Literal["finished", "interrupted", "failed"]
    exit_code: int
    death: Death | None = None
    """The child that ended a failed run."""


class Signals:
    """Counts requests to stop; the first asks nicely, the second does not."""

    def __init__(self) -> None:
        self.count = 0

    @contextlib.contextmanager
    def caught(self) -> Iterator[None]:
        """Catch SIGINT, SIGTERM and SIGHUP while the body runs."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._count) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


class Supervisor:
    """One run, whose folder and embedded server are on this machine; its roles are where `crew` starts them.

    `run` must be called from the main thread.
    """

    def __init__(self, folder: RunFolder, config: Config, view: View, crew: Crew) -> None:
        self._folder = folder
        self._config = config
        self._view = view
        self._crew = crew
        self._signals = Signals()
        self._children: list[Member] = []
        self._scraper: Scraper | None = None
        self._sockets: Path | None = None
        self._failure: Death | None = None
        self._phase = "starting"
        self._noted = time.monotonic()

    def run(self) -> Outcome:
        """Run until the end, a stop or a failure; nothing is left running when this returns.

        Raises:
            UnavailableError: Redis, or a telemetry port, is not to be had.
        """
        outcome = Outcome("failed", 1)
        self._remove_stale_sockets()
        self._clean_notes()
        try:
            with self._signals.caught():
                self._view.start()
                try:
                    outcome = self._outcome(self._whole())
                finally:
                    self._stop_all()
        finally:
            if self._scraper is not None:
                self._scraper.close()
            self._view.stop()
            self._clean_notes()
            if self._sockets is not None:
                shutil.rmtree(self._sockets, ignore_errors=True)
            self._folder.note_end(outcome.state)
        if outcome.state == "finished":
            shutil.rmtree(self._folder.redis, ignore_errors=True)
        return outcome

    def _outcome(self, complete: bool) -> Outcome:
        if self._failure is not None:
            code = self._failure.code
            return Outcome("failed", code if code > 0 else 1, self._failure)
        return Outcome("finished", 0) if complete else Outcome("interrupted", 130)

    def _whole(self) -> bool:
        """Play and learn, then finish; whether the run came to its end."""
        redis_url = self._start_server()
        if redis_url is None:
            return False
        self._start_roles(redis_url)
        self._phase = "training"
        if not self._watch_training():
            return False
        if self._scraper is not None:
            self._scraper.close()
        self._stop_all()
        self._phase = "final evaluation"
        return self._finish()

    def _start_server(self) -> str | None:
        """The URL of Redis: the one given, or that of an embedded server; None when told to stop meanwhile.

        Raises UnavailableError when it, or a shard, is not reached.
        """
        at_once = self._config.redis.model_copy(update={"patience": self._config.redis.timeout})
        for url in self._config.redis.shards:
            connect(at_once.model_copy(update={"url": url})).close()
        if self._config.redis.url is not None:
            connect(at_once).close()
            self._sockets = Path(tempfile.mkdtemp(prefix="copa-"))
            return self._config.redis.url
        self._folder.redis.mkdir(exist_ok=True)
        server = EmbeddedServer(self._folder.redis, self._config.replay.max_bytes)
        self._sockets = server.socket.parent
        child = self._add(server_program(server.command(), self._folder))
        give_up = time.monotonic() + SERVER_SECONDS
        while not self._signals.count and self._failure is None:
            with contextlib.suppress(UnavailableError):
                server.wait_ready(LOOK_SECONDS, lambda: child.alive)
                self._write_note(child, server.url)
                return server.url
            self._check_children()
            if time.monotonic() > give_up:
                raise UnavailableError(
                    f"the embedded server did not come up within {SERVER_SECONDS:.0f} s; see {child.program.log}"
                )
        return None

    def _start_roles(self, redis_url: str) -> None:
        config = self._config
        assert self._sockets is not None
        for member in self._crew.start(redis_url, self._sockets):
            self._children.append(member)
        redis = config.redis.model_copy(update={"url": redis_url, "patience": 1.0})
        reachable = config.model_copy(update={"redis": redis})
        self._scraper = Scraper(self._folder, self._crew.expositions, lambda: open_replay(reachable))
        self._scraper.start()

    def _watch_training(self) -> bool:
        """Wait until actors and learner have finished; False when told to stop, or when a child failed for good."""
        learner_ended: float | None = None
        while not self._signals.count and self._failure is None:
            self._check_children()
            self._show()
            self._note()
            workers = [child for child in self._children if child.role in ("actor", "learner")]
            if all(child.state == "finished" for child in workers):
                return True
            if all(child.state == "finished" for child in workers if child.role == "learner"):
                learner_ended = learner_ended or time.monotonic()
                if time.monotonic() - learner_ended > LAGGARD_SECONDS:
                    return True
            time.sleep(LOOK_SECONDS)
        return False

    def _finish(self) -> bool:
        child = Child(finish_program(self._folder))
        child.start()
        self._children = [child]
        while not self._signals.count:
            death = child.check(may_finish=True)
            if death is not None:
                self._failure = replace(death, delay=None)
                return False
            if child.state == "finished":
                return True
            self._show()
            time.sleep(LOOK_SECONDS)
        return False

    def _add(self, program: Program) -> Child:
        child = Child(program)
        child.start()
        self._children.append(child)
        return child

    def _check_children(self) -> None:
        for child in self._children:
            if child.state == "running" and child.alive:
                continue
            was = child.state
            death = child.check(may_finish=self._may_finish(child))
            if death is not None:
                self._tell_death(death)
            elif was == "waiting" and child.state == "running":
                if child.role == "redis":
                    self._write_note(child, None)
                again = " again" if child.restarts else ""
                self._view.say(f"{child.name} started{again}, as {child.place}")

    def _may_finish(self, child: Member) -> bool:
        if child.role not in ("actor", "learner") or self._scraper is None or child.state != "running":
            return False
        return self._scraper.total_steps() >= self._config.run.steps

    def _tell_death(self, death: Death) -> None:
        later = f" in {death.delay:.1f} s" if death.delay else " where there is a place"
        then = "given up" if death.delay is None else f"started again{later}"
        self._view.say(f"{death.name} died: {death.reason}; {then}")
        for line in death.lines[-3:]:
            self._view.say(f"    {line}")
        self._folder.append_metrics(
            {
                "source": "supervisor",
                "time": time.time(),
                "steps": self._scraper.snapshot.steps if self._scraper else 0,
                "event": "death",
                "name": death.name,
                "reason": death.reason,
                "lines": list(death.lines[-3:]),
            }
        )
        if death.delay is None:
            self._failure = death

    def _stop_all(self) -> None:
        """End all children, those that others need last; kill what is still there when the time is up."""
        began = time.monotonic()
        actors = [child for child in self._children if child.role in ("actor", "evaluator", "finish")]
        learners = [child for child in self._children if child.role == "learner"]
        coaches = [child for child in self._children if child.role == "coach"]
        servers = [child for child in self._children if child.role == "redis"]
        stages = [
            (actors, ACTOR_STOP_SECONDS),
            (learners, LEARNER_STOP_SECONDS),
            (coaches, LEARNER_STOP_SECONDS + 0.5),
            (servers, STOP_SECONDS),
        ]
        if _any_alive(self._children):
            self._phase = "stopping; Ctrl-C again kills at once" if self._signals.count else "stopping"
        for stage, seconds in stages:
            for child in stage:
                child.stop()
            while _any_alive(stage) and time.monotonic() - began < seconds:
                if self._signals.count > 1:
                    break
                self._show()
                time.sleep(LOOK_SECONDS / 2)
        for child in self._children:
            child.stop(signal.SIGKILL)
        for child in self._children:
            child.wait()

    def _show(self) -> None:
        if self._scraper is None:
            return
        snapshot = self._scraper.snapshot
        states = [
            ProcessState(
                child.name,
                child.state,
                child.pid,
                child.restarts,
                child.role in ("redis", "finish") or child.name in snapshot.answered,
            )
            for child in self._children
        ]
        self._view.show(
            Picture(
                title=f"COPA {self._config.run.name}  {self._folder.path}",
                phase=self._phase,
                total_steps=self._config.run.steps,
                capacity=self._config.replay.capacity,
                snapshot=snapshot,
                processes=states,
            )
        )

    def _note(self) -> None:
        """Append how fast the run goes to metrics.jsonl."""
        if self._scraper is None or time.monotonic() - self._noted < self._config.learner.log_seconds:
            return
        self._noted = time.monotonic()
        now = self._scraper.snapshot
        entry: dict[str, Any] = {
            "source": "supervisor",
            "time": time.time(),
            "steps": now.steps,
            "steps_per_second": now.steps_per_second,
            "updates_per_second": now.updates_per_second,
            "communication_rate": now.communication_rate,
            "staleness_versions": now.staleness,
            "waits": now.waits,
            "lost": now.lost,
        }
        self._folder.append_metrics(entry)

    def _write_note(self, child: Member, url: str | None) -> None:
        known = next((note for note in self._folder.notes() if note.get("role") == "redis"), {})
        self._folder.write_note("redis", 0, {"pid": child.pid, "url": url or known.get("url")})

    def _remove_stale_sockets(self) -> None:
        """Remove what a supervisor that was killed could not."""
        for note in self._folder.notes():
            url = str(note.get("url", ""))
            folder = Path(url.removeprefix("unix://")).parent
            if url.startswith("unix://") and folder.name.startswith("copa-"):
                shutil.rmtree(folder, ignore_errors=True)

    def _clean_notes(self) -> None:
        for path in self._folder.processes.glob("*.json"):
            path.unlink(missing_ok=True)


def _any_alive(children: Iterable[Member]) -> bool:
    return any(child.alive for child in children)
