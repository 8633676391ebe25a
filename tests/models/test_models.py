"""The trained teams in models/ play as well as the table beside each says."""

import json
import math
from pathlib import Path

import pytest

from copa import checkpoint
from copa.evaluation import evaluate

MODELS = sorted(path.parent for path in (Path(__file__).parents[2] / "models").glob("*/table.json"))
EPISODES = 64


def test_there_is_a_team_for_every_task_of_the_paper() -> None:
    assert {"resource_collection", "rescue", "starcraft-3-8sz", "starcraft-3-8MMM"} <= {path.name for path in MODELS}


@pytest.mark.parametrize("folder", MODELS, ids=lambda path: path.name)
def test_its_table_comes_out(folder: Path) -> None:
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    saved = checkpoint.load(folder)
    assert saved.config.task.name == table["task"]
    teams = evaluate(saved.config, saved.tensors, teams=list(table["teams"]), episodes=EPISODES, seed=table["seed"] + 1)
    for team, row in table["teams"].items():
        error = math.hypot(row["stderr"], teams[team].stderr)
        assert abs(teams[team].mean - row["mean"]) < 4 * error, team


@pytest.mark.parametrize("folder", MODELS, ids=lambda path: path.name)
def test_it_is_small_and_knows_nothing_of_the_machine_it_was_trained_on(folder: Path) -> None:
    saved = checkpoint.load(folder)
    assert all(name.startswith(checkpoint.ACTING) for name in saved.tensors)
    assert saved.config.run.folder is None
    assert saved.config.redis.url is None
    assert sum(path.stat().st_size for path in folder.iterdir()) < 2_000_000
