"""The presets hold what they promise."""

import pytest

from copa.config.load import resolve
from copa.config.presets import PRESETS
from copa.methods import method_named

TABLE_3 = {
    "replay.capacity": 100_000,
    "nets.heads": 4,
    "nets.width": 128,
    "actor.games": 8,
    "learning.gamma": 0.99,
    "learning.lr": 3e-4,
    "learning.optimizer": "rmsprop",
    "learning.rmsprop_alpha": 0.99,
    "learning.optimizer_eps": 1e-5,
    "learning.clip": 10.0,
    "learning.target_every": 200,
    "learning.target_rate": None,
    "learning.lambda1": 1e-3,
    "learning.lambda2": 1e-4,
    "learning.steps_per_update": 100,
    "run.steps": 5_000_000,
    "exploration.start": 1.0,
    "exploration.end": 0.05,
    "exploration.fraction": 1.0,
    "method.T": 4,
}


@pytest.mark.parametrize("path", TABLE_3)
def test_paper_is_table_3(path: str) -> None:
    section, name = path.split(".")
    assert getattr(getattr(resolve(preset="paper").config, section), name) == TABLE_3[path]


def test_paper_batches() -> None:
    paper = resolve(preset="paper").config
    assert method_named("copa").batch(paper) == 512
    assert method_named("aqmix").batch(paper) == 256


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_resolve(preset: str) -> None:
    assert resolve(preset=preset).preset == preset
    assert PRESETS[preset].summary.endswith(".")
