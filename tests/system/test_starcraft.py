"""`copa train --task starcraft/...` through every process."""

import json
from pathlib import Path

import pytest

from tests.system.conftest import Start, copa, lines


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("task", "split"), [("3-8sz", ()), ("3-8MMM", ("--task.options.train", "3-5"))])
def test_a_whole_run(start: Start, tmp_path: Path, task: str, split: tuple[str, ...]) -> None:
    folder = tmp_path / "run"
    settings = ("--preset", "smoke", "--task", f"starcraft/{task}", "--run.steps", "3000", *split)
    run = start(*settings, "--evaluator.final_episodes=4", "--run-dir", str(folder))
    assert run.wait(280.0) == 0, run.said()
    assert run.processes() == set()
    assert "Traceback" not in run.said()
    teams = ["3-5", "6-8"] if split else ["3-8"]
    final = json.loads((folder / "final.json").read_text())
    for policy in ("trained", "greedy", "random"):
        assert list(final["policies"][policy]) == teams
        for values in final["policies"][policy].values():
            assert 0 <= values["outcomes"]["battle_won"] <= 1
    assert "battle won" in (folder / "report.md").read_text()
    for line in lines(folder, "evaluation"):
        assert all("battle_won" in values["outcomes"] for values in line["teams"].values())
    again = copa("eval", "--checkpoint", str(folder), "--episodes", "4", "--json")
    assert again.returncode == 0, again.stderr
    assert set(json.loads(again.stdout)["teams"]) == set(teams)
    assert all("battle_won" in values for values in json.loads(again.stdout)["teams"].values())
