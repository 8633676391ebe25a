"""Finding tasks by name."""

from pathlib import Path

import numpy as np
import pytest

from copa.errors import ConfigError
from copa.tasks import make_task, task_names, task_spec


def test_the_built_in_task_is_found() -> None:
    assert "resource_collection" in task_names()
    spec = task_spec("resource_collection")
    assert (spec.slots, spec.entity_rows, spec.rows, len(spec.actions)) == (6, 8, 14, 5)
    assert (spec.agent_features, spec.trait_features, spec.entity_features) == (14, 4, 7)
    assert (spec.horizon, spec.recorded_steps, spec.first_action) == (145, 144, "action 0")
    assert spec.trait_centre == (0.5,) * 4
    assert spec.teams == ("train", "5", "6", "varying", "grow")
    assert spec.held_out == ("5", "6")


def test_a_task_of_another_package_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "foreign-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(
        "[copa.tasks]\nforeign = copa.tasks.resource_collection:ResourceCollection\nbroken = nowhere:Task\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert {"foreign", "broken"} <= set(task_names())
    assert make_task("foreign", games=2, seed=0).games == 2
    with pytest.raises(ConfigError, match="nowhere"):
        task_spec("broken")


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("resource_colection", {}, "Unknown task: 'resource_colection' (did you mean 'resource_collection'"),
        ("resource_collection", {"team": "7"}, "Allowed: 'train', '5', '6', 'varying', 'grow'"),
        ("resource_collection", {"options": {"varient": "static"}}, "did you mean 'variant'"),
        ("resource_collection", {"options": {"variant": "statik"}}, "did you mean 'static'"),
        ("resource_collection", {"options": {"invader": 3}}, "Allowed: 'fresh', 'carried'"),
        ("resource_collection", {"games": 0}, "games is 0"),
        ("resource_collection", {"seed": -1}, "seed is -1"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(name: str, settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        make_task(name, **({"games": 1, "seed": 0} | settings))


def test_options_are_checked_without_a_task() -> None:
    with pytest.raises(ConfigError, match="variant"):
        task_spec("resource_collection", {"variant": "none"})


def test_two_tasks_in_a_process_do_not_touch_each_other() -> None:
    rows = np.arange(3)
    alone = make_task("resource_collection", games=3, seed=0)
    first, second = (make_task("resource_collection", games=3, seed=0) for _ in range(2))
    views = [task.reset(rows, rows) for task in (alone, first, second)]
    rng = np.random.default_rng(0)
    for _ in range(30):
        actions = rng.integers(0, 5, (3, 6))
        expected = alone.step(actions).view
        views[1] = first.step(actions).view
        second.step(rng.integers(0, 5, (3, 6)))
    np.testing.assert_array_equal(views[1].agents, expected.agents)
