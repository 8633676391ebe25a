"""Whoever plays a checkpoint plays the averages of its weights, where it has such."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from coach_service.trained import trained_coach
from copa import checkpoint
from copa.checkpoint import Checkpoint
from copa.config.schema import Config
from copa.evaluation import evaluate
from copa.evaluation.sweep import trained
from copa.exporting import export
from copa.learning import UpdateRule
from copa.supervisor.finish import final_table
from copa.tasks import task_spec


def checkpoint_of(seed: int, rate: float, folder: Path) -> Checkpoint:
    config = Config.model_validate(
        {
            "run": {"folder": folder, "seed": seed},
            "nets": {"width": 8, "heads": 2},
            "learning": {"averaging_rate": rate},
            "evaluator": {"final_episodes": 8, "teams": ["5"], "seed": 3},
        }
    )
    rule = UpdateRule(task_spec("resource_collection"), config, torch.device("cpu"))
    return Checkpoint(rule.state(), config, updates=5, steps=9, version=1, counters={})


@pytest.fixture
def other(tmp_path: Path) -> Checkpoint:
    """A checkpoint without averages, whose weights are the averages of `saved`."""
    return checkpoint_of(1, 1.0, tmp_path / "other")


@pytest.fixture
def saved(tmp_path: Path, other: Checkpoint) -> Checkpoint:
    made = checkpoint_of(0, 0.1, tmp_path / "run")
    for name in made.tensors:
        if name.startswith("averaged_"):
            made.tensors[name] = other.tensors[name.removeprefix("averaged_")]
    checkpoint.save(tmp_path / "run" / "checkpoints", made, kept=1)
    return made


def same(one: dict[str, Tensor], two: dict[str, Tensor], prefix: str) -> bool:
    names = [name for name in two if name.startswith(prefix)]
    return bool(names) and all(torch.equal(one[name], two[name]) for name in names)


def test_eval(saved: Checkpoint, other: Checkpoint, tmp_path: Path) -> None:
    (player,) = trained([tmp_path / "run"])
    (source,) = player.sources
    assert isinstance(source, dict)
    assert same(source, other.tensors, "player.")
    assert same(source, other.tensors, "coach.")


def test_the_coach_alone(saved: Checkpoint, other: Checkpoint, tmp_path: Path) -> None:
    _, weights = trained_coach(tmp_path / "run", [], {})
    published = weights.pull(0)
    assert published is not None
    assert same(published.tensors, other.tensors, "coach.")


def test_the_final_table(saved: Checkpoint, other: Checkpoint) -> None:
    means = [
        evaluate(saved.config, tensors, teams=["5"], episodes=8, seed=3)["5"].mean
        for tensors in (other.tensors, saved.tensors)
    ]
    assert means[0] != means[1]
    table = final_table(saved.config, saved)
    assert table["policies"]["trained"]["5"]["mean"] == means[0]


def test_onnx(saved: Checkpoint, other: Checkpoint, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    files = [
        {path.name: path.read_bytes() for path in export(one, tmp_path / name).files if path.suffix == ".onnx"}
        for one, name in ((saved, "a"), (other, "b"))
    ]
    assert files[0] == files[1]
