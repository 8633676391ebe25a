"""The presets hold what they promise."""

from pathlib import Path

import pytest

from copa.assembly import record_layout
from copa.config.load import resolve, to_toml
from copa.config.presets import PRESETS, Preset
from copa.config.settings import SETTINGS
from copa.methods import method_named
from copa.tasks import task_names, task_spec

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
    "learning.averaging_rate": 1.0,
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
    "learning.batch": 400,
    "learning.steps_per_update": 50,
    "replay.capacity": 65_000,
    "learning.double_q": True,
    "learning.target_every": 200,
    "exploration.start": 1.0,
    "exploration.end": 0.05,
    "nets.width": 128,
    "nets.heads": 4,
    "nets.attention": "masked",
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


OF_TASKS = [
    (name, task, path) for name, preset in PRESETS.items() for task, own in preset.tasks.items() for path in own
]


@pytest.mark.parametrize(("name", "task", "path"), OF_TASKS)
def test_what_a_preset_says_for_a_task_is_a_difference(name: str, task: str, path: str) -> None:
    assert task in task_names()
    preset = PRESETS[name]
    value = preset.tasks[task][path]
    assert value != preset.settings.get(path, SETTINGS[path].default)
    found = resolve(preset=name, flags={"task.name": task})
    section, field = path.split(".")
    assert getattr(getattr(found.config, section), field) == value
    assert found.origins[path] == f"preset {name} for task {task}"


@pytest.fixture
def layered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preset that says more for one task, and one that names the task too."""
    settings = {"learning.gamma": 0.5, "learning.lr": 0.5}
    tasks = {"rescue": {"learning.gamma": 0.6, "learning.batch": 60, "task.options": {"sight": 3}}}
    monkeypatch.setitem(PRESETS, "layered", Preset("Layered.", settings, tasks))
    monkeypatch.setitem(PRESETS, "named", Preset("Named.", settings | {"task.name": "rescue"}, tasks))


@pytest.mark.usefixtures("layered")
def test_who_names_the_task_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("[task]\nname = 'rescue'\n")
    for found in (
        resolve(preset="layered", flags={"task.name": "rescue"}),
        resolve(preset="layered", environment={"COPA_TASK_NAME": "rescue"}),
        resolve(preset="layered", file=file),
        resolve(preset="named"),
    ):
        learning = found.config.learning
        assert (learning.gamma, learning.lr, learning.batch) == (0.6, 0.5, 60)
        assert found.config.task.options == {"sight": 3}


@pytest.mark.usefixtures("layered")
def test_another_task_is_left_alone() -> None:
    for found in (resolve(preset="layered"), resolve(preset="named", flags={"task.name": "resource_collection"})):
        assert (found.config.learning.gamma, found.config.learning.batch) == (0.5, None)
        assert found.config.task.options == {}


@pytest.mark.usefixtures("layered")
def test_file_environment_and_flags_win_over_what_a_preset_says_for_a_task(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text("[learning]\ngamma = 0.7\nbatch = 'none'\n")
    flags = {"task.name": "rescue", "task.options.horizon": "9"}
    config = resolve(preset="layered", file=file, flags=flags).config
    assert (config.learning.gamma, config.learning.batch) == (0.7, None)
    assert config.task.options == {"sight": 3, "horizon": 9}
    environment = {"COPA_LEARNING_GAMMA": "0.8"}
    assert resolve(preset="layered", file=file, flags=flags, environment=environment).config.learning.gamma == 0.8
    flags["learning.gamma"] = "0.9"
    assert resolve(preset="layered", file=file, flags=flags, environment=environment).config.learning.gamma == 0.9


def test_a_written_configuration_is_read_back_whatever_paper_says_for_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = resolve(preset="quick", flags={"task.name": "rescue", "learning.target_rate": "none"}).config
    monkeypatch.setitem(PRESETS, "paper", Preset("Paper.", {}, {"rescue": {"learning.target_rate": 0.5}}))
    file = tmp_path / "config.toml"
    file.write_text(to_toml(config, preset="quick"))
    assert resolve(file=file).config == config
