"""`copa train --preset smoke` from beginning to end."""

import json
from pathlib import Path

from tests.system.conftest import Start, copa, lines, note

ROLES = ("learner-0", "coach-0", "evaluator-0", "actor-0")


def test_a_whole_run(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = start("--preset", "smoke", "--run-dir", str(folder))
    run.until(lambda: all(note(folder, name) for name in ROLES), "all processes being up")
    health = copa("health", str(folder))
    assert health.returncode == 0, health.stdout
    assert len(health.stdout.splitlines()) == len(ROLES)

    assert run.wait() == 0, run.said()
    assert run.processes() == set()
    assert "Traceback" not in run.said()
    assert "greedy" in run.said()
    assert "resume" in run.said()

    assert json.loads((folder / "run.json").read_text())["state"] == "finished"
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "| train |" in (folder / "report.md").read_text()
    assert list((folder / "checkpoints").glob("checkpoint-*.safetensors"))
    assert list((folder / "tensorboard").rglob("events.*"))
    assert not (folder / "redis").exists()
    for source in ("learner", "actor", "evaluation", "supervisor"):
        assert lines(folder, source), source

    final = json.loads((folder / "final.json").read_text())
    assert final["steps"] >= 12_000
    assert list(final["policies"]) == ["trained", "greedy", "random"]
    for teams in final["policies"].values():
        assert list(teams) == ["train", "5", "6"]

    again = copa("eval", "--checkpoint", str(folder), "--episodes", "8", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["teams"]["train"]["mean"] == final["policies"]["trained"]["train"]["mean"]


def test_a_run_without_a_coach(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    short = ("--run.steps", "3000", "--telemetry.tensorboard", "false", "--run-dir", str(folder))
    run = start("--preset", "smoke", "--method.name", "aqmix", *short)
    assert run.wait() == 0, run.said()
    assert not (folder / "logs" / "coach-0.log").exists()
    assert "| - |" in (folder / "report.md").read_text()
