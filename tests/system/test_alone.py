"""Roles started one by one, as in containers, without `copa train`."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copa.replay.server import running
from tests.system.conftest import lines, note

FLAGS = ("--preset", "smoke", "--telemetry.tensorboard", "false")
Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts roles in an empty folder; all of them are gone after the test."""
    started: list[subprocess.Popen[bytes]] = []
    root = Path(__file__).parents[2]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_") and name != "REDIS_URL"}

    def role(name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (tmp_path / "said.txt").open("ab") as said:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", name, *FLAGS, *arguments],
                    cwd=tmp_path,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    env=kept | {"PYTHONPATH": str(root)},
                )
            )
        return started[-1]

    yield role
    for process in started:
        process.kill()
        process.wait()


def until(condition: Callable[[], Any], process: "subprocess.Popen[bytes]", said: Path, seconds: float = 60.0) -> None:
    """Wait until `condition` holds; fails when it does not, or when the process ends."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"exit code {process.poll()}: {said.read_text()}")
        time.sleep(0.05)


@pytest.mark.parametrize("where", ["new", None])
def test_a_learner_that_is_killed_has_its_run_again(where: str | None, begin: Begin, tmp_path: Path) -> None:
    said = tmp_path / "said.txt"
    folder = tmp_path / (where or "runs/smoke")
    with running() as server:
        flags = ["--redis.url", server.url, *(["--run.folder", str(folder)] if where else [])]
        owners = []
        for count in (1, 2):
            learner = begin("learner", *flags)
            until(lambda count=count: said.read_text().count("ready") >= count, learner, said)
            owners.append((folder / "run.json").read_text())
            noted = note(folder, "learner-0")
            assert (noted is not None and noted["pid"] == learner.pid) or where is None
            learner.kill()
            learner.wait()
        assert owners[0] == owners[1]


def test_an_actor_may_come_first(begin: Begin, tmp_path: Path) -> None:
    said, folder = tmp_path / "said.txt", tmp_path / "new"
    with running() as server:
        flags = ("--redis.url", server.url, "--run.folder", str(folder), "--method.name", "aqmix")
        actor = begin("actor", *flags)
        until(lambda: note(folder, "actor-0"), actor, said)
        learner = begin("learner", *flags)
        until(lambda: lines(folder, "actor"), learner, said)
        assert actor.poll() is None
