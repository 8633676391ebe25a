"""Stopping a run, and going on with it."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from copa.acting import epsilon_at
from copa.checkpoint import find_newest, load
from copa.run_folder import RunFolder
from copa.runtime import ORPHAN_GRACE_SECONDS
from tests.system.conftest import Start, copa, inspected, lines, steps

ORPHANS_GONE = ORPHAN_GRACE_SECONDS + 12.0
"""Seconds within which nothing is left after the supervisor was killed: the time it takes for the kernel to end what
does not end by itself, and slack for a machine that is busy."""

LONG = ("--preset", "smoke", "--run.steps", "200000", "--telemetry.tensorboard", "false")


def test_interrupt_and_resume(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start(*LONG, "--run-dir", str(folder))
    run.until(lambda: steps(folder) > 2000, "some play")
    os.kill(run.process.pid, signal.SIGINT)
    assert run.gone_within(10.0), run.left()
    assert run.wait() == 130
    assert "Traceback" not in run.said()
    assert f"copa train --resume {folder}" in run.said()
    assert list((folder / "checkpoints").glob("checkpoint-*.safetensors"))
    assert json.loads((folder / "run.json").read_text())["state"] == "interrupted"

    goal = steps(folder) + 3000
    resumed = start("--resume", str(folder), "--run.steps", str(goal))
    assert resumed.wait() == 0, resumed.said()
    final = json.loads((folder / "final.json").read_text())
    assert final["steps"] >= goal
    assert final["updates"] >= lines(folder, "learner")[-1]["updates"]
    complete = copa("train", "--resume", str(folder))
    assert complete.returncode == 2
    assert "complete" in complete.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_goes_on_exactly_where_it_stopped(number: signal.Signals, start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start(*LONG, "--learner.checkpoint_seconds", "1", "--run-dir", str(folder))
    run.until(lambda: told(folder) and find_newest(folder), "play, learning, a checkpoint")
    os.kill(run.process.pid, number)
    assert run.gone_within(ORPHANS_GONE), run.left()
    before, saved = inspected(folder)["state"], load(folder)
    batch = before["batch"]
    assert saved.counters["sampled"] == saved.updates * batch
    assert saved.steps <= before["steps"]
    assert lines(folder, "learner")[-1]["steps"] <= before["steps"]
    played = len(lines(folder, "actor"))
    learned = len(lines(folder, "learner"))

    resumed = start("--resume", str(folder))
    resumed.until(lambda: len(lines(folder, "actor")) > played + 1 and steps(folder) > before["steps"] + 500, "play")
    os.kill(resumed.process.pid, signal.SIGINT)
    assert resumed.gone_within(10.0), resumed.left()
    config = RunFolder.open(folder).config()
    after, newer = inspected(folder)["state"], load(folder)
    assert newer.updates > saved.updates
    assert newer.counters["sampled"] == newer.updates * batch
    ahead = after["sampled"] - newer.counters["sampled"]
    assert 0 <= ahead <= (config.replay.prefetch + 2) * batch
    assert after["warmup_steps"] == before["warmup_steps"] > 0
    assert after["lost"] == before["lost"] == 0
    assert after["steps"] > before["steps"]
    assert after["inserted"] > before["inserted"]

    tellings = [line["steps"] for line in lines(folder, "learner")]
    assert tellings == sorted(tellings)
    assert all(line["updates"] >= saved.updates for line in lines(folder, "learner")[learned:])

    def epsilon(count: int) -> float:
        return epsilon_at(config.exploration, count / config.run.steps)

    actor = lines(folder, "actor")
    for line in filter(plays, actor[played:]):
        assert before["steps"] <= line["steps"]
        assert epsilon(line["steps"]) <= line["epsilon"] <= epsilon(before["steps"])
    for line in filter(plays, actor[:played]):
        assert line["epsilon"] >= epsilon(before["steps"])


def plays(line: dict[str, Any]) -> bool:
    """Whether a line of an actor tells how it plays, not what it had to drop when its run died."""
    return "epsilon" in line


def told(folder: Path) -> bool:
    """Whether actors and the learner have told how they go, after some learning."""
    learner = lines(folder, "learner")
    return bool(lines(folder, "actor") and learner and learner[-1]["updates"] > 20)


def test_stopped_before_anything_is_up(start: Start, tmp_path: Path) -> None:
    run = start(*LONG, "--run-dir", str(tmp_path / "run"))
    run.until(lambda: (tmp_path / "run" / "logs" / "learner-0.log").exists(), "a first process")
    os.kill(run.process.pid, signal.SIGTERM)
    assert run.gone_within(10.0), run.left()
    assert run.wait() == 130


def test_second_interrupt_kills_at_once(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start(*LONG, "--run-dir", str(folder))
    run.until(lambda: steps(folder) > 0, "some play")
    os.kill(run.process.pid, signal.SIGINT)
    time.sleep(0.05)
    os.kill(run.process.pid, signal.SIGINT)
    assert run.gone_within(3.0), run.left()
    assert run.wait() == 130

    of_run = ("--run-dir", str(folder))
    before = inspected(folder)["state"]
    assert copa("replay", "export", *of_run, "--output", str(tmp_path / "replay.copa")).returncode == 0
    assert copa("replay", "reset", *of_run, "--yes", "--force").returncode == 0
    empty = copa("replay", "inspect", *of_run)
    assert empty.returncode == 3
    assert "Traceback" not in empty.stderr
    done = copa("replay", "import", *of_run, "--input", str(tmp_path / "replay.copa"))
    assert done.returncode == 0, done.stderr
    after = inspected(folder)["state"]
    assert {name: after[name] for name in ("steps", "inserted", "sampled")} == {
        name: before[name] for name in ("steps", "inserted", "sampled")
    }


def test_killed_supervisor_leaves_nothing(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start(*LONG, "--run-dir", str(folder))
    run.until(lambda: steps(folder) > 0, "some play")
    assert len(run.processes()) == 6
    os.kill(run.process.pid, signal.SIGKILL)
    assert run.gone_within(ORPHANS_GONE), run.left()
    reached = inspected(folder)["state"]["steps"]
    resumed = start("--resume", str(folder), "--run.steps", str(reached + 2000))
    assert resumed.wait() == 0, resumed.said()
