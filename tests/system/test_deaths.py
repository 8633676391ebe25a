"""Killing the children of a run, one after the other."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from copa.assembly import open_replay
from copa.config.schema import Config
from copa.run_folder import RunFolder
from copa.segments import Segments
from tests.system.conftest import Start, inspected, lines, note, steps

LONG = ("--preset", "smoke", "--run.steps", "1000000", "--telemetry.tensorboard", "false")
LARGE_RING = ("--replay.capacity", "200000")
VICTIMS = ("actor-0", "learner-0", "coach-0", "evaluator-0", "redis-0")
"""The server last: what its death costs is counted, the others' deaths cost nothing that was acknowledged."""


@pytest.mark.timeout(900)
def test_a_run_outlives_its_children(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start(*LONG, *LARGE_RING, "--run-dir", str(folder))
    run.until(lambda: steps(folder) > 0, "some play")
    for victim in VICTIMS:
        if victim == "redis-0":
            segments, lost = everything_inserted(folder)
            assert lost == 0
            assert holes(segments) == 0
        before = run.until(lambda name=victim: note(folder, name), f"{victim} being up")
        kept = inspected(folder)["state"]
        os.kill(before["pid"], signal.SIGKILL)
        run.until(
            lambda name=victim, old=before: (now := note(folder, name)) and now["pid"] != old["pid"],
            f"{victim} coming back",
            seconds=240.0,  # the evaluator is polite to the others, and they may leave it little time to start
        )
        reached = inspected(folder)["state"]["steps"]
        state = run.until(
            lambda old=reached: (now := inspected(folder)["state"])["steps"] > old + 500 and now,
            f"play after the death of {victim}",
        )
        if victim == "redis-0":
            assert state["restarts"] == kept["restarts"] + 1
        else:
            assert state["inserted"] > kept["inserted"]
            assert state["steps"] > kept["steps"]
            assert state["restarts"] == 0
    segments, lost = everything_inserted(folder)
    assert holes(segments) <= lost
    os.kill(run.process.pid, signal.SIGINT)
    assert run.gone_within(10.0), run.said()
    assert run.wait() == 130

    deaths = [line for line in lines(folder, "supervisor") if line.get("event") == "death"]
    assert [death["name"] for death in deaths] == list(VICTIMS), deaths
    assert {death["reason"] for death in deaths} == {"killed by SIGKILL"}

    state = inspected(folder)["state"]
    assert state["steps"] >= max(line["steps"] for line in lines(folder, "learner")) - 4 * state["lost"]
    assert state["inserted"] * 4 <= state["steps"]
    assert state["sampled"] % state["batch"] == 0


def everything_inserted(folder: Path) -> tuple[Segments, int]:
    """All segments of a run whose ring has not come round yet, and how many the replay counts as lost."""
    server = note(folder, "redis-0")
    assert server is not None
    config = RunFolder.open(folder).config()
    redis = config.redis.model_copy(update={"url": server["url"]})
    return inserted(config.model_copy(update={"redis": redis}))


def inserted(config: Config) -> tuple[Segments, int]:
    """See `everything_inserted`; `config` says where Redis is."""
    replay = open_replay(config)
    replay.join()
    stats = replay.stats()
    assert stats.segments + stats.lost >= stats.inserted
    assert stats.segments < stats.capacity
    records = [record for record in replay.read(np.arange(stats.segments)) if record is not None]
    return replay.layout.decode(records), stats.lost


def holes(segments: Segments) -> int:
    """Segments missing before an episode's last one; a death may cut an episode short. None may be there twice."""
    firsts: dict[int, list[int]] = {}
    for episode, first in zip(segments.episodes.tolist(), segments.first_steps.tolist(), strict=True):
        firsts.setdefault(episode, []).append(first)
    T = segments.actions.shape[1]
    assert len(firsts) > 1
    missing = 0
    for found in firsts.values():
        assert len(set(found)) == len(found)
        missing += max(found) // T + 1 - len(found)
    return missing


def test_a_child_that_cannot_live_ends_the_run(start: Start, tmp_path: Path) -> None:
    run = start("--preset", "smoke", "--run-dir", str(tmp_path / "run"), "--learner.device", "cuda:99")
    assert run.wait() == 2
    said = [line for line in run.said().splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert "learner.device" in said[0]
    assert run.processes() == set()
