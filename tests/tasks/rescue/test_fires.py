"""How buildings catch fire."""

from math import comb

import numpy as np
import pytest

from copa.tasks import make_task
from copa.tasks.base import Option, View
from copa.tasks.rescue.fires import emergency, outbreak_table
from tests.tasks.rescue.town import levels, play, town

GAMES = 4000
ROWS = np.arange(GAMES)
STAY = np.full((GAMES, 8), 4)


def burning(view: View) -> np.ndarray:
    return view.entities[:, :, 2] > 0


def buildings(view: View) -> np.ndarray:
    """Numbers 0..99 of all buildings that burn."""
    x, y = np.rint((view.entities[burning(view)][:, :2].astype(float) + 1) * 4.5).astype(int).T
    return x + 10 * y


def quiet(probability: float, **options: Option):  # type: ignore[no-untyped-def]
    """Games of one robot of no use, so that no fire is put out."""
    task = make_task("rescue", games=GAMES, seed=1, options={"fire_probability": probability} | options)
    view = task.reset(ROWS, ROWS)
    task.state.skill[:] = 0.0  # type: ignore[attr-defined]
    return task, view


def assert_uniform(counts: np.ndarray) -> None:
    """Chi-square of counts that are alike by the rules, within five standard deviations of its mean."""
    expected = counts.mean()
    statistic = ((counts - expected) ** 2 / expected).sum()
    freedom = len(counts) - 1
    assert abs(statistic - freedom) < 5 * np.sqrt(2 * freedom)


def test_three_to_six_buildings_burn_at_the_start_of_training() -> None:
    view = make_task("rescue", games=GAMES, seed=0).reset(ROWS, ROWS)
    counts = np.bincount(burning(view).sum(axis=1), minlength=11)
    assert counts[[0, 1, 2, 7, 8, 9, 10]].sum() == 0
    assert_uniform(counts[3:7])


@pytest.mark.parametrize(("team", "options", "most"), [("2", {}, 8), ("8", {"most_fires": 10}, 10), ("varying", {}, 8)])
def test_up_to_eight_buildings_burn_at_the_start_of_a_test(team: str, options: dict[str, Option], most: int) -> None:
    view = make_task("rescue", games=GAMES, seed=0, team=team, options=options).reset(ROWS, ROWS)
    counts = np.bincount(burning(view).sum(axis=1), minlength=11)
    assert counts[:3].sum() + counts[most + 1 :].sum() == 0
    assert_uniform(counts[3 : most + 1])


def test_every_building_is_as_likely_to_burn_and_levels_are_uniform() -> None:
    view = make_task("rescue", games=GAMES, seed=0, team="8").reset(ROWS, ROWS)
    assert_uniform(np.bincount(buildings(view), minlength=100))
    drawn = view.entities[:, :, 2][burning(view)]
    assert drawn.min() > 0
    assert drawn.max() <= 1
    assert_uniform(np.histogram(drawn, bins=20, range=(0, 1))[0])


@pytest.mark.parametrize("probability", [0.001, 0.01])
def test_each_building_that_does_not_burn_catches_fire_with_the_probability(probability: float) -> None:
    """The number of new fires is that of independent buildings, as long as there are rows for all."""
    task, view = quiet(probability)
    foretold, seen = np.zeros(7), np.zeros(7)
    for _ in range(6):
        before = burning(view).sum(axis=1)
        view = task.step(STAY).view
        new = burning(view).sum(axis=1) - before
        for count in np.unique(before[before <= 4]):
            games = before == count
            others = 100 - int(count)
            chances = [comb(others, k) * probability**k * (1 - probability) ** (others - k) for k in range(6)]
            foretold += games.sum() * np.array([*chances, 1 - sum(chances)])
            seen += np.bincount(new[games], minlength=7)[:7]
    assert (np.abs(seen - foretold) < 5 * np.sqrt(foretold) + 1).all()


def test_new_fires_are_fair_to_all_buildings_also_when_only_some_of_them_find_a_row() -> None:
    """At 0.05 some five buildings catch fire in a step, for which there is no room any more when eight burn."""
    task, view = quiet(0.05, most_fires=8)
    for _ in range(3):
        view = task.step(STAY).view
    assert (burning(view).sum(axis=1) == 10).mean() > 0.9
    assert_uniform(np.bincount(buildings(view), minlength=100))


def test_at_most_ten_burn_at_once_and_none_twice() -> None:
    task, view = quiet(1.0)
    for _ in range(3):
        view = task.step(STAY).view
        assert burning(view).all()
        numbers = np.sort(buildings(view).reshape(GAMES, 10), axis=1)
        assert (np.diff(numbers, axis=1) > 0).all()


def test_nothing_catches_fire_with_probability_zero() -> None:
    task, view = quiet(0.0)
    before = view.entities.copy()
    np.testing.assert_array_equal(task.step(STAY).view.entities, before)


def test_a_fire_keeps_its_row_and_a_new_one_takes_the_lowest_that_is_free() -> None:
    task = town([(1, 1, 1.0), (3, 3, 1.0)], [(1, 1, 0.5), (2, 2, 0.6), (3, 3, 0.7), (4, 4, 0.8)])
    play(task)
    assert levels(task)[:4] == pytest.approx([0.0, 0.6, 0.0, 0.8])
    task.outbreaks[:] = np.array([0.0, *[1.0] * 9])
    play(task)
    new = levels(task)[0]
    assert new > 0
    assert levels(task)[1:] == pytest.approx([0.6, 0.0, 0.8] + [0.0] * 6)


def test_how_many_catch_fire_follows_from_how_many_burn() -> None:
    """One does while four burn, and none while more do."""
    task = town([], [(1, 1, 0.5), (2, 2, 0.6), (3, 3, 0.7), (4, 4, 0.8)])
    task.outbreaks[:] = 1.0
    task.outbreaks[4, 0] = 0.0
    for _ in range(2):
        assert burning(play(task).view).sum() == 5


def test_the_emergency_is_summed_in_double_precision() -> None:
    task = town([], [(1, 1, 0.3), (2, 2, 0.7)])
    low, high = (float(np.float32(level)) for level in (0.3, 0.7))
    assert emergency(task.state).tolist() == [low**2 + high**2]


def test_a_building_that_was_put_out_may_burn_again_at_once() -> None:
    """With ten fires one is put out, and one of the 91 buildings that do not burn then takes its row."""
    task, _ = quiet(1.0)
    task.step(STAY)
    task.state.skill[:] = 1.0
    where = task.state.fire[:, 0].copy()
    task.state.robot[:] = where[:, None]
    task.step(STAY)
    again = (task.state.fire[:, 0] == where).all(axis=0)
    assert abs(again.sum() - GAMES / 91) < 5 * np.sqrt(GAMES / 91)


@pytest.mark.parametrize("probability", [0.0, 0.001, 0.3, 1.0])
def test_the_table_of_outbreaks_is_a_distribution_function(probability: float) -> None:
    table = outbreak_table(probability)
    assert (np.diff(table, axis=1) >= 0).all()
    assert (table >= 0).all()
    assert (table <= 1 + 1e-12).all()
    assert table[10, 0] == pytest.approx((1 - probability) ** 90)
