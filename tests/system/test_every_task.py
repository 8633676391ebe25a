"""Every task but the one that other tests train trains through the real services."""

import json
from pathlib import Path

import pytest

from copa.tasks import task_spec
from tests.system.conftest import Start


@pytest.mark.parametrize("task", ["rescue"])
def test_trains(task: str, start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    settings = ("--preset", "smoke", "--task", task, "--run.steps", "4000", "--telemetry.tensorboard", "false")
    run = start(*settings, "--run-dir", str(folder))
    assert run.wait() == 0, run.said()
    assert "Traceback" not in run.said()
    final = json.loads((folder / "final.json").read_text())
    assert final["steps"] >= 4000
    assert final["updates"] >= 1
    spec = task_spec(task)
    for teams in final["policies"].values():
        assert list(teams) == [spec.teams[0], *spec.held_out]
    report = (folder / "report.md").read_text()
    assert f"on task `{task}`" in report
    assert "| `learning.reward_scale` | none | 1.0 |" in report
