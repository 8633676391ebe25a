"""Roles started one by one, as in containers, without `copa train`."""

from pathlib import Path

import pytest

from copa.replay.server import running
from tests.system.conftest import Begin, lines, note, until


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
