"""A whole run whose learner is two processes of `torchrun`: a coach and an actor beside it, to the last step."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from copa import checkpoint
from copa.replay.server import running
from tests.learner.test_together import meeting, torchrun
from tests.system.conftest import FLAGS, Begin, copa, inspected, lines, note, until

ROOT = Path(__file__).parents[2]


@contextmanager
def learner_of_two(folder: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    launch = [*torchrun(folder), *meeting(), "--nproc-per-node", "2", "-m", "learner"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COPA_") and name != "REDIS_URL"}
    with (folder / "said.txt").open("ab") as said:
        started = subprocess.Popen(
            [*launch, *FLAGS, *arguments], cwd=folder, stdout=said, stderr=said, env=kept | {"PYTHONPATH": str(ROOT)}
        )
    try:
        yield started
    finally:
        started.terminate()
        started.wait()


def test_a_run_comes_to_its_end_and_what_it_learned_can_be_played(begin: Begin, tmp_path: Path) -> None:
    folder, said = tmp_path / "run", tmp_path / "said.txt"
    with running() as server:
        address = ("--coach.address", f"unix:{tmp_path / 'coach.sock'}")
        flags = ("--redis.url", server.url, "--run.folder", str(folder), *address, "--run.steps", "6000")
        with learner_of_two(tmp_path, *flags) as learner:
            until(lambda: note(folder, "learner-1"), learner, said)
            coach = begin("coach_service", *flags)
            until(lambda: note(folder, "coach-0"), coach, said)
            actor = begin("actor", *flags)
            assert learner.wait(120.0) == 0, said.read_text()
            assert actor.wait(60.0) == 0
        state = inspected(folder)["state"]
    last = checkpoint.load(folder)
    assert last.steps == state["steps"] >= 6000
    assert last.updates * 32 == state["sampled"]
    assert lines(folder, "learner")[-1]["updates"] <= last.updates
    done = copa("eval", "--checkpoint", str(folder), "--episodes", "4")
    assert done.returncode == 0, done.stderr
