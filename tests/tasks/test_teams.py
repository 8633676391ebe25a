"""Who plays."""

import numpy as np
import pytest

from copa.tasks import make_task
from copa.tasks.base import View

GAMES = 500
ROWS = np.arange(GAMES)
STAY = np.zeros((GAMES, 6), np.int64)


def sizes(view: View) -> np.ndarray:
    return view.members().sum(axis=1)


def test_training_cycles_two_three_four_by_episode_number() -> None:
    view = make_task("resource_collection", games=GAMES, seed=0).reset(ROWS, ROWS)
    np.testing.assert_array_equal(sizes(view), 2 + ROWS % 3)
    traits = view.traits[view.members()].astype(np.float64).round(3)
    assert set(np.unique(traits[:, :3]).tolist()) == {0.1, 0.5, 0.9}
    assert set(np.unique(traits[:, 3]).tolist()) == {0.3, 0.5, 0.7}
    assert len(np.unique(traits, axis=0)) == 81


@pytest.mark.parametrize(("team", "size"), [("5", 5), ("6", 6), ("varying", 4), ("grow", 4)])
def test_held_out_teams_have_characteristics_from_ranges(team: str, size: int) -> None:
    view = make_task("resource_collection", games=GAMES, seed=0, team=team).reset(ROWS, ROWS)
    assert (sizes(view) == size).all()
    traits = view.traits[view.members()].astype(np.float64)
    np.testing.assert_allclose(traits.mean(axis=0), 0.5, atol=0.04)
    np.testing.assert_allclose(traits.min(axis=0), (0, 0, 0, 0.2), atol=0.02)
    np.testing.assert_allclose(traits.max(axis=0), (1, 1, 1, 0.8), atol=0.02)


def test_agents_start_at_rest_evenly_on_a_circle() -> None:
    view = make_task("resource_collection", games=GAMES, seed=0, team="5").reset(ROWS, ROWS)
    angle = 2 * np.pi * np.arange(5) / 5
    np.testing.assert_allclose(view.agents[0, :5, 2:4], 0.12 * np.stack((np.cos(angle), np.sin(angle)), 1), atol=1e-7)
    assert not view.agents[:, :, :2].any()
    np.testing.assert_array_equal(view.agents[:, :, 4:], np.tile([1, 0, 0, 0, 1, 0, 0, 0, 0, 0], (GAMES, 6, 1)))


@pytest.mark.parametrize(("variant", "period"), [("standard", 10), ("dynamic", 5)])
def test_a_varying_team_changes_by_one_every_period(variant: str, period: int) -> None:
    task = make_task("resource_collection", games=GAMES, seed=0, team="varying", options={"variant": variant})
    view = task.reset(ROWS, ROWS)
    rng = np.random.default_rng(0)
    before, joins_of_five, fives = view, 0, 0
    for number in range(1, task.spec.horizon + 1):
        view = task.step(rng.integers(0, 5, (GAMES, 6))).view
        was, now = before.members(), view.members()
        change = sizes(view) - sizes(before)
        if number % period:
            np.testing.assert_array_equal(was, now)
            np.testing.assert_array_equal(view.traits, before.traits)
        else:
            assert (change[sizes(before) == 4] == 1).all()
            assert (change[sizes(before) == 6] == -1).all()
            assert (np.abs(change) == 1).all()
            joined, left = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
            joins_of_five += int((change[sizes(before) == 5] == 1).sum())
            fives += int((sizes(before) == 5).sum())
            slot = was[joined].argmin(axis=1)
            assert now[joined, slot].all()
            assert not now[left, was[left].argmax(axis=1)].any()
            own = view.agents[joined, slot]
            np.testing.assert_array_equal(own[:, :2], 0)
            np.testing.assert_allclose(np.linalg.norm(own[:, 2:4], axis=1), 0.12, rtol=1e-5)
            np.testing.assert_array_equal(own[:, 4:], np.tile([1, 0, 0, 0, 0, 1, 0, 0, 0, 0], (len(joined), 1)))
        before = view
    assert abs(joins_of_five / fives - 0.5) < 0.03


def test_a_change_of_the_team_leaves_the_others_observations_as_they_were_taken() -> None:
    changing, fixed = (make_task("resource_collection", games=GAMES, seed=0, team=team) for team in ("varying", "5"))
    changing.reset(ROWS, ROWS)
    for _ in range(9):
        changing.step(changing.greedy())
    state = changing.snapshot()
    fixed.restore(state)
    actions = changing.greedy()
    fixed.greedy()
    with_change, without = changing.step(actions).view, fixed.step(actions).view
    stayed = with_change.members() & without.members()
    np.testing.assert_array_equal(with_change.agents[stayed], without.agents[stayed])


def test_a_growing_team_is_full_after_twenty_steps_and_shows_the_slot_as_it_was() -> None:
    task = make_task("resource_collection", games=GAMES, seed=0, team="grow")
    task.reset(ROWS, ROWS)
    for number in range(1, task.spec.horizon + 1):
        view = task.step(STAY).view
        assert (sizes(view) == (4 if number < 10 else 5 if number < 20 else 6)).all()
        if number in (10, 20):
            assert not view.agents[:, number // 10 + 3, :4].any()


def test_arrivals_bound_the_agents_of_an_episode() -> None:
    for team, options, arrivals in (("train", {}, 4), ("5", {}, 5), ("6", {}, 6), ("grow", {}, 6), ("varying", {}, 18)):
        assert make_task("resource_collection", games=1, seed=0, team=team, options=options).arrivals == arrivals
    dynamic = make_task("resource_collection", games=1, seed=0, team="varying", options={"variant": "dynamic"})
    assert dynamic.arrivals == 32
