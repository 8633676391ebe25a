"""The folder of a group of runs."""

import json
from pathlib import Path

import pytest

from copa.config.load import resolve
from copa.errors import ConfigError, UnavailableError
from copa.run_folder import RunFolder
from copa.run_group import RunGroup, parse_seeds, runs_of

CONFIG = resolve(preset="smoke", flags={"nets.width": "16"}).config


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0..4", (0, 1, 2, 3, 4)), ("0,3,7", (0, 3, 7)), ("5", (5,)), ("2, 0..3", (2, 0, 1, 3)), ("1,1", (1,))],
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "4..0", "0..", "-1", "0,,1", "0...3", str(2**32), "0..100000"])
def test_what_is_no_list_of_seeds_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="give for instance"):
        parse_seeds(text)


def test_runs_differ_in_seed_name_and_folder_alone(tmp_path: Path) -> None:
    group = RunGroup.create(tmp_path / "group", CONFIG, preset="smoke", seeds=(3, 0))
    assert group.seeds() == (3, 0)
    config = group.member_config(3)
    assert (config.run.seed, config.run.folder) == (3, tmp_path / "group" / "seed-3")
    assert config.run.name != group.member_config(0).run.name
    same = {"run": config.run}
    assert config == CONFIG.model_copy(update=same)


def test_the_same_group_is_taken_up_and_grows(tmp_path: Path) -> None:
    RunGroup.create(tmp_path, CONFIG, preset="smoke", seeds=(0, 1))
    assert RunGroup.create(tmp_path, CONFIG, preset="smoke", seeds=(1, 2)).seeds() == (0, 1, 2)


def test_other_settings_or_other_content_are_refused(tmp_path: Path) -> None:
    RunGroup.create(tmp_path / "group", CONFIG, preset="smoke", seeds=(0,))
    other = resolve(preset="smoke", flags={"nets.width": "8"}).config
    with pytest.raises(ConfigError, match=r"nets\.width"):
        RunGroup.create(tmp_path / "group", other, preset="smoke", seeds=(0,))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        RunGroup.create(tmp_path / "mine", CONFIG, preset="smoke", seeds=(0,))
    (tmp_path / "group" / "group.json").write_text("{}")
    with pytest.raises(UnavailableError, match=r"group\.json"):
        RunGroup(tmp_path / "group").seeds()


def test_runs_of_groups_and_folders(tmp_path: Path) -> None:
    group = RunGroup.create(tmp_path / "group", CONFIG, preset="smoke", seeds=(0, 1))
    with pytest.raises(UnavailableError, match="without a run"):
        runs_of([group.path])
    inner = RunFolder.create(group.member_config(1), preset="smoke")
    alone = resolve(preset="smoke", flags={"run.folder": str(tmp_path / "alone")}).config
    single = RunFolder.create(alone, preset="smoke")
    assert [run.path for run in runs_of([single.path, group.path])] == [single.path, inner.path]
    assert json.loads((group.path / "group.json").read_text())["preset"] == "smoke"
