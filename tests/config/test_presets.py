"""The presets hold what they promise."""

import pytest

from copa.assembly import record_layout
from copa.config.load import resolve
from copa.config.presets import PRESETS
from copa.methods import method_named
from copa.tasks import task_spec

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


STARCRAFT = {
    "run.steps": 12_000_000,
    "learning.lambda1": 5e-5,
    "learning.lambda2": 5e-6,
    "learning.gamma": 0.99,
    "learning.lr": 5e-4,
    "learning.optimizer": "rmsprop",
    "learning.rmsprop_alpha": 0.99,
    "learning.optimizer_eps": 1e-5,
    "learning.clip": 10.0,
    "learning.double_q": True,
    "learning.target_every": 200,
    "exploration.start": 1.0,
    "exploration.end": 0.05,
    "nets.width": 128,
    "nets.heads": 4,
    "nets.memory": "gru",
    "nets.mixer": "published",
    "learning.segment_start": "stored",
    "method.refil_split": "both",
    "method.imagined_weight": 0.5,
    "actor.games": 8,
    "evaluator.episodes": 160,
    "task.options": {"timeout": "terminal"},
}


@pytest.mark.parametrize("name", ["3-8sz", "3-8MMM"])
def test_starcraft_has_the_papers_steps_and_the_settings_of_refil(name: str) -> None:
    config = resolve(preset=f"starcraft-{name}").config
    assert config.task.name == f"starcraft/{name}"
    assert task_spec(config.task.name, config.task.options).horizon == 150
    for path, value in STARCRAFT.items():
        section, setting = path.split(".")
        assert getattr(getattr(config, section), setting) == value, path
    assert config.exploration.fraction * config.run.steps == pytest.approx(500_000)


def test_a_whole_battle_fits_a_segment() -> None:
    flags = {"method.T": "150", "method.name": "aqmix", "learning.batch": "32", "replay.capacity": "5000"}
    config = resolve(preset="starcraft-3-8sz", flags=flags).config
    layout = record_layout(config)
    assert task_spec(config.task.name, config.task.options).horizon == layout.T
    assert layout.record_bytes * config.replay.capacity <= config.replay.max_bytes


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_resolve(preset: str) -> None:
    assert resolve(preset=preset).preset == preset
    assert PRESETS[preset].summary.endswith(".")
