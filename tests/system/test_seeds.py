"""`copa train --seeds`: runs one after the other, stopped and gone on with."""

import json
import os
import signal
from pathlib import Path

from tests.system.conftest import Start, copa, steps

SHORT = ("--preset", "smoke", "--run.steps", "4000", "--telemetry.tensorboard", "false", "--evaluator.final_episodes=8")


def state(folder: Path) -> str:
    """State of a run."""
    return str(json.loads((folder / "run.json").read_text())["state"])


def test_a_group_is_stopped_and_gone_on_with(start: Start, tmp_path: Path) -> None:
    group = tmp_path / "group"
    first = start(*SHORT, "--seeds", "0..1", "--run-dir", str(group))
    first.until(lambda: (group / "seed-1" / "run.json").exists() and steps(group / "seed-1") > 0, "the second run")
    os.kill(first.process.pid, signal.SIGINT)
    assert first.wait() == 130, first.said()
    assert f"copa train --resume {group}" in first.said()
    assert (state(group / "seed-0"), state(group / "seed-1")) == ("finished", "interrupted")

    rest = start("--resume", str(group))
    assert rest.wait() == 0, rest.said()
    assert "seed 0 is complete" in rest.said()
    assert state(group / "seed-1") == "finished"

    compared = copa("compare", str(group), "--output", str(tmp_path / "compare"))
    assert compared.returncode == 0, compared.stderr
    assert "| copa | 2 |" in compared.stdout
    assert (tmp_path / "compare" / "compare.png").exists()


def test_refusals(tmp_path: Path) -> None:
    for words, reason in (
        (("--seeds", "4..1"), "give for instance 0..4"),
        (("--seeds", "0..1", "--run.seed", "3"), "leave out --run.seed"),
        (("--seeds", "0..1", "--resume", str(tmp_path)), "leave out --run-dir, --seeds"),
    ):
        refused = copa("train", *words)
        assert refused.returncode == 2
        assert reason in refused.stderr
        assert "Traceback" not in refused.stderr
