"""Who plays."""

import numpy as np
import pytest

from copa.tasks import make_task, task_spec
from copa.tasks.base import View
from tests.tasks.rescue.test_fires import assert_uniform

GAMES = 4000
ROWS = np.arange(GAMES)


def sizes(view: View) -> np.ndarray:
    return view.members().sum(axis=1)


def skills(view: View) -> np.ndarray:
    return view.traits[view.members()][:, 0]


def cells(view: View) -> np.ndarray:
    """Numbers 0..99 of the cells of all robots."""
    x, y = np.rint((view.agents[view.members()][:, :2].astype(float) + 1) * 4.5).astype(int).T
    return x + 10 * y


def test_training_teams_have_three_to_five_robots_of_three_skills() -> None:
    view = make_task("rescue", games=GAMES, seed=0).reset(ROWS, ROWS)
    counts = np.bincount(sizes(view), minlength=9)
    assert counts[:3].sum() + counts[6:].sum() == 0
    assert_uniform(counts[3:6])
    drawn, counts = np.unique(skills(view), return_counts=True)
    np.testing.assert_allclose(drawn, [0.2, 0.5, 1.0])
    assert_uniform(counts)


@pytest.mark.parametrize("size", [2, 4, 6, 8])
def test_held_out_teams_have_skills_from_a_range(size: int) -> None:
    view = make_task("rescue", games=GAMES, seed=0, team=str(size)).reset(ROWS, ROWS)
    assert (sizes(view) == size).all()
    drawn = skills(view)
    assert drawn.min() >= 0.2
    assert drawn.max() <= 1.0
    assert_uniform(np.histogram(drawn, bins=20, range=(0.2, 1.0))[0])


def test_the_range_of_skills_is_an_option() -> None:
    task = make_task("rescue", games=GAMES, seed=0, team="2", options={"skill_low": 0.4, "skill_high": 0.6})
    drawn = skills(task.reset(ROWS, ROWS))
    assert_uniform(np.histogram(drawn, bins=20, range=(0.4, 0.6))[0])


def test_robots_start_on_uniform_random_cells() -> None:
    view = make_task("rescue", games=GAMES, seed=0, team="8").reset(ROWS, ROWS)
    assert_uniform(np.bincount(cells(view), minlength=100))
    shared = [len(set(row)) < 8 for row in cells(view).reshape(GAMES, 8).tolist()]
    assert abs(np.mean(shared) - (1 - np.prod(1 - np.arange(8) / 100))) < 0.03


def test_robots_that_may_not_share_cells_start_apart_and_uniform() -> None:
    view = make_task("rescue", games=GAMES, seed=0, team="8", options={"shared_cells": False}).reset(ROWS, ROWS)
    assert_uniform(np.bincount(cells(view), minlength=100))
    assert all(len(set(row)) == 8 for row in cells(view).reshape(GAMES, 8).tolist())


def test_a_varying_team_begins_with_three_and_changes_by_one_every_ten_steps() -> None:
    """But not in the last step, since who joined then would never act."""
    task = make_task("rescue", games=GAMES, seed=0, team="varying", options={"largest_team": 5})
    view = task.reset(ROWS, ROWS)
    assert (sizes(view) == 3).all()
    joins_of_four = fours = 0
    for number in range(1, 51):
        before, view = view, task.step(np.zeros((GAMES, 8), np.int64)).view
        change = sizes(view) - sizes(before)
        if number % 10 or number == 50:
            np.testing.assert_array_equal(before.members(), view.members())
            np.testing.assert_array_equal(before.traits, view.traits)
            continue
        assert (np.abs(change) == 1).all()
        assert (change[sizes(before) == 3] == 1).all()
        assert (change[sizes(before) == 5] == -1).all()
        fours += int((sizes(before) == 4).sum())
        joins_of_four += int((change[sizes(before) == 4] == 1).sum())
        joined, left = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        slot = before.members()[joined].argmin(axis=1)
        assert view.members()[joined, slot].all()
        assert not view.members()[left, before.members()[left].argmax(axis=1)].any()
        assert not view.agents[joined, slot, 2:].any()
        x, y = np.rint((view.agents[joined, slot, :2].astype(float) + 1) * 4.5).astype(int).T
        assert_uniform(np.bincount(x + 10 * y, minlength=100))
        drawn = view.traits[joined, slot, 0]
        assert_uniform(np.histogram(drawn, bins=10, range=(0.2, 1.0))[0])
    assert abs(joins_of_four / fours - 0.5) < 0.03


def test_a_varying_team_of_one_size_does_not_change() -> None:
    options = {"smallest_team": 4, "largest_team": 4}
    task = make_task("rescue", games=50, seed=0, team="varying", options=options)
    before = task.reset(np.arange(50), np.arange(50)).traits
    for _ in range(20):
        view = task.step(np.zeros((50, 8), np.int64)).view
    np.testing.assert_array_equal(before, view.traits)


def test_the_teams_are_named_and_the_first_is_the_training_distribution() -> None:
    spec = task_spec("rescue")
    assert spec.teams == ("train", "2", "4", "6", "8", "varying")
    assert spec.held_out == ("2", "4", "6", "8", "varying")


@pytest.mark.parametrize(
    ("team", "options", "arrivals"),
    [("train", {}, 5), ("2", {}, 2), ("8", {}, 8), ("varying", {}, 7), ("varying", {"team_period": 1}, 52)],
)
def test_arrivals_bound_the_robots_of_an_episode(team: str, options: dict, arrivals: int) -> None:
    task = make_task("rescue", games=GAMES, seed=0, team=team, options=options)
    assert task.arrivals == arrivals
    view = task.reset(ROWS, ROWS)
    seen = sizes(view)
    for _ in range(50):
        before, view = view, task.step(np.zeros((GAMES, 8), np.int64)).view
        seen += (view.members() & ~before.members()).sum(axis=1)
    assert seen.max() <= arrivals
