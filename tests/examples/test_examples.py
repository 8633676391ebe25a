"""The example programs, run as their first lines say."""

import re
from pathlib import Path

import pytest
import torch

from copa import checkpoint
from copa.config.schema import Config
from copa.evaluation import evaluate
from copa.learning import UpdateRule
from copa.tasks import task_spec
from tests.coach.test_trained import served
from tests.examples.programs import run
from tests.system.conftest import copa

pytest.importorskip("onnxruntime")

GAMES = 12
SEED = 5


def test_both_programs_play_as_the_evaluation_does(tmp_path: Path) -> None:
    config = Config.model_validate({"nets": {"width": 16, "heads": 2, "attention": "masked"}})
    torch.manual_seed(2)
    rule = UpdateRule(task_spec("resource_collection"), config, torch.device("cpu"))
    saved = checkpoint.Checkpoint(rule.state(), config, updates=1, steps=1, version=1, counters={})
    checkpoint.save(tmp_path, saved, kept=1)
    exported = tmp_path / "export"
    done = copa("export", "--checkpoint", str(tmp_path), "--output", str(exported))
    assert done.returncode == 0, done.stderr
    assert "largest difference" in done.stdout

    def expected(beta: float) -> tuple[float, float | None]:
        found = evaluate(config, saved.tensors, teams=["5"], episodes=GAMES, seed=SEED, beta=beta)["5"]
        return found.mean, found.communication_rate

    said = re.fullmatch(
        r"mean return (\S+) of 12 episodes\n",
        run("onnx_team.py", str(exported), "--episodes", "12", "--seed", str(SEED)),
    )
    assert said is not None
    assert float(said[1]) == pytest.approx(expected(0.0)[0], abs=0.01)

    address = f"unix:{tmp_path}/c.sock"
    with served("--checkpoint", str(tmp_path), "--coach.address", address):
        output = run("grpc_client.py", address, str(exported), "--games", "12", "--beta", "0.05", "--seed", str(SEED))
    match = re.fullmatch(r"mean return (\S+) of 12 episodes; told in (\d+)% of the coach steps\n", output)
    assert match is not None
    mean, rate = expected(0.05)
    assert rate is not None
    assert 0.0 < rate < 1.0
    assert float(match[1]) == pytest.approx(mean, abs=0.01)
    assert int(match[2]) == round(100 * rate)


def test_export_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    done = copa("export", "--checkpoint", str(tmp_path / "absent"))
    assert done.returncode == 3
    assert "no checkpoint" in done.stderr
