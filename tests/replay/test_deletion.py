"""A run that is deleted under those who use it: every call says so, whenever it happens, and nothing comes back."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from copa.config.schema import RedisSettings
from copa.errors import UnavailableError
from copa.replay import (
    ActorLease,
    Draw,
    Permit,
    Push,
    Replay,
    ReplayGoneError,
    Sampler,
    connect,
    inspect_run,
    reset_run,
)
from copa.replay.connection import Link
from copa.replay.server import running
from tests.replay.conftest import MakeReplay
from tests.replay.examples import some_segments

ROOT = Path(__file__).parents[2]


class Parts:
    """A run in use: a learner with a permit, an actor with a lease, segments in the ring."""

    def __init__(self, replay: Replay, folder: Path) -> None:
        self.replay = replay
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        """Take part in a run that is claimed."""
        self.number = 0
        self.lease: ActorLease = self.replay.lease_actor()
        self.replay.push(self.lease, self.next_push())
        self.permit: Permit = self.replay.permit(8)

    def next_push(self) -> Push:
        """Ten more segments."""
        self.number += 1
        segments = some_segments(self.replay.layout.spec, 4, 10)
        total = 10 * self.number
        return self.replay.layout.push(segments, sequence=self.number, steps_total=4 * total, segments_total=total)


def drawn(parts: Parts, **shares: float) -> Draw:
    return Sampler(parts.replay, np.random.default_rng(0), **shares).draw(parts.permit, 8)


CALLS: dict[str, Callable[[Parts], Any]] = {
    "lease_actor": lambda parts: parts.replay.lease_actor(),
    "renew_actor": lambda parts: parts.replay.admission(parts.lease),
    "admission": lambda parts: parts.replay.admission(),
    "lease_episodes": lambda parts: parts.replay.lease_episodes(4),
    "push": lambda parts: parts.replay.push(parts.lease, parts.next_push()),
    "permit": lambda parts: parts.replay.permit(8),
    "draw": lambda parts: drawn(parts),
    "draw rewarded": lambda parts: drawn(parts, rewarded_share=0.5),
    "draw by priority": lambda parts: drawn(parts, priority=0.6),
    "status": lambda parts: parts.replay.stats(),
    "counters": lambda parts: parts.replay.counters(),
    "export": lambda parts: parts.replay.export(parts.folder / "export"),
}
RELEASES: dict[str, Callable[[Parts], Any]] = {
    "release_owner": lambda parts: parts.replay.release(),
    "release_actor": lambda parts: parts.replay.release_actor(parts.lease),
}


def everything(client: redis.Redis, replay: Replay) -> None:
    client.delete(*client.scan_iter(match=replay.keys.prefix + "*"))


def only_the_state(client: redis.Redis, replay: Replay) -> None:
    client.delete(replay.keys.state)


def all_but_the_owner(client: redis.Redis, replay: Replay) -> None:
    found = client.scan_iter(match=replay.keys.prefix + "*")
    client.delete(*(name for name in found if name != replay.keys.owner.encode()))


def most_of_the_state(client: redis.Redis, replay: Replay) -> None:
    everything(client, replay)
    client.hset(replay.keys.state, mapping={"life": "none", "sampled": 8})


def by_reset(client: redis.Redis, replay: Replay) -> None:
    reset_run(client, replay.run, take_over=True)


DELETIONS = (everything, only_the_state, all_but_the_owner, most_of_the_state, by_reset)


@pytest.fixture
def parts(make_replay: MakeReplay, tmp_path: Path) -> Parts:
    return Parts(make_replay(), tmp_path)


def names(client: redis.Redis, replay: Replay) -> set[bytes]:
    return set(client.scan_iter(match=replay.keys.prefix + "*"))


@pytest.mark.parametrize("delete", DELETIONS, ids=lambda delete: delete.__name__)
def test_every_call_says_that_the_run_is_gone(
    client: redis.Redis, parts: Parts, delete: Callable[[redis.Redis, Replay], None]
) -> None:
    delete(client, parts.replay)
    left = names(client, parts.replay)
    for name in set(CALLS) - (
        {name for name in CALLS if name.startswith("draw")} if delete is only_the_state else set()
    ):
        with pytest.raises(
            ReplayGoneError, match=rf"Run '{parts.replay.run}' is not in Redis .*Start its learner again"
        ):
            pytest.fail(f"{name} answered {CALLS[name](parts)}")
    for release in RELEASES.values():
        release(parts)
    assert names(client, parts.replay) <= left, "a key came back"


def test_counters_cannot_be_restored_into_a_run_that_is_gone(client: redis.Redis, parts: Parts) -> None:
    counters = parts.replay.counters()
    everything(client, parts.replay)
    with pytest.raises(ReplayGoneError):
        parts.replay.restore_counters(counters)
    assert not names(client, parts.replay)


class Interrupted(Link):
    """A link before whose command number `last` + 1 the run is deleted."""

    def __init__(self, client: redis.Redis, delete: Callable[[], None], last: int) -> None:
        super().__init__(client, patience=2.0)
        self._delete = delete
        self._left = last

    def _patiently(self, do: Callable[[], Any]) -> Any:
        if self._left == 0:
            self._delete()
        self._left -= 1
        return super()._patiently(do)

    @property
    def came_to_it(self) -> bool:
        return self._left < 0


@pytest.mark.parametrize("name", CALLS)
def test_a_run_may_be_deleted_between_any_two_commands(client: redis.Redis, parts: Parts, name: str) -> None:
    for last in range(10):
        parts.replay.claim("tests")
        parts.begin()
        link = Interrupted(client, lambda: everything(client, parts.replay), last)
        usual, parts.replay.link = parts.replay.link, link
        try:
            CALLS[name](parts)
        except ReplayGoneError:
            assert link.came_to_it
        finally:
            parts.replay.link = usual
        if not link.came_to_it:
            return
    pytest.fail(f"{name} takes more than 10 commands")


def test_a_claim_makes_it_anew(client: redis.Redis, parts: Parts) -> None:
    for delete in DELETIONS:
        delete(client, parts.replay)
        assert parts.replay.claim("tests").created
        assert parts.replay.stats().steps == 0
        assert not parts.replay.permit(8).granted


def sampled(client: redis.Redis, run: str) -> int:
    """Segments drawn so far; 0 before there is a run."""
    try:
        return int(inspect_run(client, run)["state"]["sampled"])
    except UnavailableError:
        return 0


@pytest.fixture
def role(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    started: list[subprocess.Popen[bytes]] = []
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_") and name != "REDIS_URL"}
    own = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def begin(name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (tmp_path / f"{name}.txt").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", name, *arguments], cwd=tmp_path, stdout=said, stderr=said, env=kept | own
            )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_processes_end_with_a_line_that_says_it(role: Callable[..., "subprocess.Popen[bytes]"], tmp_path: Path) -> None:
    with running() as server, connect(RedisSettings(url=server.url)) as client:
        arguments = ("--preset", "smoke", "--method.name", "aqmix", "--run.name", "gone", "--redis.url", server.url)
        short = (*arguments, "--evaluator.seconds", "1", "--telemetry.tensorboard", "false", "--run.steps", "1000000")
        processes = {name: role(name, *short) for name in ("learner", "actor", "evaluator")}
        deadline = time.monotonic() + 240
        while sampled(client, "gone") < 500 or "ready" not in (tmp_path / "evaluator.txt").read_text():
            assert time.monotonic() < deadline, (tmp_path / "learner.txt").read_text()
            time.sleep(0.05)
        client.flushall()
        for name, process in processes.items():
            code = process.wait(120)
            text = (tmp_path / f"{name}.txt").read_text()
            assert code == 3, text
            assert text.splitlines()[-1].startswith("error: Run 'gone' is not in Redis at unix://"), text
            assert "Start its learner again" in text.splitlines()[-1]
            assert "Traceback" not in text
        assert not list(client.scan_iter(match="copa:{gone}:[^w]*")), "nothing but weights that were under way"
        assert list((tmp_path / "runs" / "gone" / "checkpoints").glob("*.safetensors")), "learning is kept"
