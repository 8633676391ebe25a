"""What a run is doing: asked of its processes, of the replay, and of metrics.jsonl."""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from copa.errors import CopaError
from copa.replay import Replay, ReplayStats
from copa.run_folder import RunFolder
from copa.supervisor.ask import base_url, fetch
from copa.supervisor.counters import Counters, parse

SECONDS = 1.0
"""Time between two looks."""

Expositions = Mapping[str, tuple[object, str | None]]
"""By name of a process: which incarnation of it this is, and what it answers on `/metrics`, if it does."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """How a team did without exploration."""

    mean: float
    """Of the returns."""
    outcomes: dict[str, float] = field(default_factory=dict)
    """See `TeamResult.outcomes`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The run at one moment; None where it is not known yet."""

    steps: int = 0
    steps_per_second: float = 0.0
    updates: int | None = None
    updates_per_second: float = 0.0
    episode_return: float | None = None
    """Mean over recent episodes, exploration on."""
    epsilon: float | None = None
    evaluation: dict[str, Evaluated] = field(default_factory=dict)
    """Of the newest evaluation, by team."""
    segments: int | None = None
    bytes: int | None = None
    lost: int = 0
    communication_rate: float | None = None
    """Strategies sent / agents present, at coach steps."""
    staleness: float | None = None
    """Versions between the weights a sampled segment was played with and the newest."""
    waits: dict[str, float] = field(default_factory=dict)
    """Share of the time that a side waits, by `side: reason`."""
    actors: int = 0
    """Actors that answer."""
    answered: frozenset[str] = frozenset()
    """Names of the processes that answer."""


def exposition(host: str, note: Mapping[str, Any]) -> tuple[object, str | None]:
    """What the process of this machine answers whose note in `processes/` is `note`."""
    return note.get("pid"), fetch(base_url(host, note["port"]) + "/metrics")


class Scraper:
    """Looks every second from a thread; `snapshot` is the newest picture."""

    def __init__(
        self, folder: RunFolder, expositions: Callable[[], Expositions], open_replay: Callable[[], Replay]
    ) -> None:
        self._expositions = expositions
        self._open_replay = open_replay
        self._replay: Replay | None = None
        self._counters = Counters()
        self._journal = JournalTail(folder)
        self._stop = threading.Event()
        self.snapshot = Snapshot()
        self._thread = threading.Thread(target=self._work, name="scraper", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking; the last snapshot stays."""
        self._stop.set()

    def total_steps(self) -> int:
        """Environment steps of the run as the replay counts them now, or as last seen where it does not answer."""
        stats = self._stats()
        return self.snapshot.steps if stats is None else stats.steps

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self.snapshot = self._look()
            except Exception:
                log.exception("the view of the run could not be renewed")
            self._stop.wait(SECONDS)

    def _look(self) -> Snapshot:
        counters = self._counters
        answered = set()
        for name, (incarnation, text) in self._expositions().items():
            if text is None:
                counters.gone(name)
            else:
                counters.put(name, incarnation, parse(text))
                answered.add(name)
        counters.mark(time.monotonic())
        self._journal.read()
        stats = self._stats()
        epsilons = counters.gauges("copa_epsilon").values()
        eligible = counters.increase("copa_strategies_eligible_total")
        actors = sum(name.startswith("actor") for name in answered)
        return Snapshot(
            steps=stats.steps if stats is not None else self.snapshot.steps,
            steps_per_second=counters.rate("copa_env_steps_total"),
            updates=self._journal.updates,
            updates_per_second=counters.rate("copa_updates_total"),
            episode_return=self._journal.episode_return,
            epsilon=sum(epsilons) / len(epsilons) if epsilons else None,
            evaluation=self._journal.evaluation,
            segments=stats.segments if stats is not None else None,
            bytes=stats.bytes if stats is not None else None,
            lost=stats.lost if stats is not None else self.snapshot.lost,
            communication_rate=counters.increase("copa_strategies_sent_total") / eligible if eligible else None,
            staleness=counters.mean("copa_weights_staleness_versions"),
            waits=self._waits(actors),
            actors=actors,
            answered=frozenset(answered),
        )

    def _waits(self, actors: int) -> dict[str, float]:
        waits = {}
        for side, count in (("actor", max(1, actors)), ("learner", 1)):
            for reason in self._counters.by_label("copa_limiter_wait_seconds_total", "reason"):
                share = self._counters.rate("copa_limiter_wait_seconds_total", side=side, reason=reason) / count
                if share >= 0.01:
                    waits[f"{side}: {reason}"] = min(1.0, share)
        return waits

    def _stats(self) -> ReplayStats | None:
        try:
            if self._replay is None:
                self._replay = self._open_replay()
            return self._replay.stats()
        except CopaError:
            return None


class JournalTail:
    """The newest of metrics.jsonl, read on from where the last look ended."""

    def __init__(self, folder: RunFolder) -> None:
        self._path = folder.metrics_file
        self._offset = 0
        self.updates: int | None = None
        self.evaluation: dict[str, Evaluated] = {}
        self._returns: dict[object, float] = {}

    @property
    def episode_return(self) -> float | None:
        """Mean over actors of what each told last."""
        return sum(self._returns.values()) / len(self._returns) if self._returns else None

    def read(self) -> None:
        """Take in the whole lines that were added."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                text, newline, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return
        self._offset += len(text) + len(newline)
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                self._take(entry)

    def _take(self, entry: dict[str, Any]) -> None:
        if entry.get("source") == "learner":
            self.updates = entry.get("updates", self.updates)
        elif entry.get("source") == "actor" and "return_mean" in entry:
            self._returns[entry.get("index")] = entry["return_mean"]
        elif entry.get("source") == "evaluation":
            self.evaluation = {
                team: Evaluated(values["mean"], values.get("outcomes", {}))
                for team, values in entry.get("teams", {}).items()
            }
