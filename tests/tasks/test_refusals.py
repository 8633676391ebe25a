"""What Resource Collection refuses, in words that name it."""

import numpy as np
import pytest

from copa.errors import DataError
from copa.tasks import make_task


def test_a_foreign_snapshot_is_refused() -> None:
    state = make_task("resource_collection", games=2, seed=0).snapshot()
    with pytest.raises(DataError, match="position"):
        make_task("resource_collection", games=3, seed=0).restore(state)
    del state["clock"]
    with pytest.raises(DataError, match="clock"):
        make_task("resource_collection", games=2, seed=0).restore(state)


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros((2, 5), np.int64), r"int64\[2, 5\]"),
        (np.zeros((2, 6)), "float64"),
        (np.full((2, 6), 5), "from 5 to 5"),
        (np.full((2, 6), -1), "allowed are 0 to 4"),
    ],
)
def test_what_is_no_action_is_refused(actions: np.ndarray, message: str) -> None:
    task = make_task("resource_collection", games=2, seed=0)
    task.reset(np.arange(2), np.arange(2))
    with pytest.raises(DataError, match=message):
        task.step(actions)


def test_a_reset_outside_the_games_is_refused() -> None:
    task = make_task("resource_collection", games=2, seed=0)
    for rows, episodes in (([2], [0]), ([0], [-1]), ([0, 1], [0])):
        with pytest.raises(DataError, match="reset"):
            task.reset(np.array(rows), np.array(episodes))
