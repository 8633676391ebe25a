"""Checkpoints: whole or not at all, newest whole one first, clear words for everything else."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from copa import checkpoint
from copa.checkpoint import Checkpoint
from copa.config.schema import Config
from copa.errors import UnavailableError


def example(updates: int) -> Checkpoint:
    return Checkpoint(
        tensors={"player.weight": torch.full((2, 3), float(updates))},
        config=Config.model_validate({"nets": {"width": 8}}),
        updates=updates,
        steps=100 * updates,
        version=updates // 2,
        counters={"steps": 100 * updates, "sampled": 7},
    )


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, example(12), kept=3)
    loaded = checkpoint.load(path)
    assert torch.equal(loaded.tensors["player.weight"], torch.full((2, 3), 12.0))
    assert (loaded.updates, loaded.steps, loaded.version) == (12, 1200, 6)
    assert loaded.config == example(12).config
    assert loaded.counters == {"steps": 1200, "sampled": 7}


def test_older_ones_go(tmp_path: Path) -> None:
    for updates in (1, 2, 3, 4):
        checkpoint.save(tmp_path, example(updates), kept=2)
    assert [checkpoint.load(path).updates for path in sorted(tmp_path.iterdir())] == [3, 4]


@pytest.mark.parametrize("damage", ["cut", "empty", "foreign"])
def test_the_newest_whole_one_is_used(tmp_path: Path, damage: str) -> None:
    checkpoint.save(tmp_path, example(1), kept=5)
    newest = checkpoint.save(tmp_path, example(2), kept=5)
    if damage == "cut":
        newest.write_bytes(newest.read_bytes()[:-10])
    elif damage == "empty":
        newest.write_bytes(b"")
    else:
        save_file({"a": torch.zeros(1)}, newest)
    assert checkpoint.load(tmp_path).updates == 1


def test_a_run_folder_stands_for_its_newest_checkpoint(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "checkpoints", example(5), kept=2)
    assert checkpoint.load(tmp_path).updates == 5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no checkpoint at"),
        (b"rubbish", "damaged or not a checkpoint"),
    ],
)
def test_rubbish_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnavailableError, match=words):
        checkpoint.load(path)


def test_settings_of_another_version_are_named(tmp_path: Path) -> None:
    path = checkpoint.save(tmp_path, example(1), kept=1)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    about = json.loads(metadata["about"])
    about["config"]["nets"]["depth"] = 3
    save_file({"a": torch.zeros(1)}, path, metadata=metadata | {"about": json.dumps(about)})
    with pytest.raises(UnavailableError, match=r"nets\.depth = 3 .* use the version that made it"):
        checkpoint.load(path)


def test_a_folder_without_any_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no checkpoint in"):
        checkpoint.load(tmp_path)
