"""Who fights, where, and under which tags."""

import numpy as np
import pytest

from copa.tasks.starcraft.chance import draw_armies, draw_tags
from copa.tasks.starcraft.options import TEAMS
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.spawn import ALLY_ORDER, ENEMY_ORDER, slot_order, spawn_points
from copa.tasks.starcraft.unit_types import UNIT_TYPES

BOTH = [ZEALOTS_AND_STALKERS, MARINES_MARAUDERS_MEDIVACS]
SIZES = {
    "3-8sz": {3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9},
    "3-8MMM": {3: 4, 4: 9, 5: 15, 6: 18, 7: 13, 8: 7},
}
WINNING = {"3-8sz": (8.77, 20.13, 15.25), "3-8MMM": (7.85, 28.60, 17.40)}
"""Least, most and mean return of a battle that is won without regeneration (REFIL's environment)."""
EPISODES = np.arange(20_000)


def of(scenarios: ScenarioSet) -> str:
    return scenarios.name


@pytest.mark.parametrize("scenarios", BOTH, ids=of)
def test_the_list_is_the_published_one(scenarios: ScenarioSet) -> None:
    sizes, counts = np.unique(scenarios.armies.sum(axis=1), return_counts=True)
    assert dict(zip(sizes.tolist(), counts.tolist(), strict=True)) == SIZES[scenarios.name]
    assert len(np.unique(scenarios.armies, axis=0)) == len(scenarios.armies)
    names = [kind.name for kind in scenarios.types]
    assert names == sorted(names, key=[kind.name for kind in sorted(UNIT_TYPES, key=lambda k: k.stock_id)].index)
    others = [index for index, kind in enumerate(UNIT_TYPES) if kind not in scenarios.types]
    assert not scenarios.armies[:, others].any()


def test_medivacs_come_none_to_two_with_three_to_six_others() -> None:
    armies = MARINES_MARAUDERS_MEDIVACS.armies
    medivacs, others = armies[:, 2], armies[:, :2].sum(axis=1)
    assert set(zip(others.tolist(), medivacs.tolist(), strict=True)) == {(n, m) for n in range(3, 7) for m in range(3)}


def test_rewards_are_scaled_by_one_scenario_of_each_set() -> None:
    assert ZEALOTS_AND_STALKERS.max_reward == 1550
    assert MARINES_MARAUDERS_MEDIVACS.max_reward == 930


@pytest.mark.parametrize("scenarios", BOTH, ids=of)
def test_a_winning_return_is_what_was_published(scenarios: ScenarioSet) -> None:
    strength = np.array([kind.health + kind.shield for kind in UNIT_TYPES])
    returns = (scenarios.armies @ strength + 10 * scenarios.armies.sum(axis=1) + 200) * 20 / scenarios.max_reward
    np.testing.assert_allclose((returns.min(), returns.max(), returns.mean()), WINNING[scenarios.name], atol=0.006)


def test_actions_are_the_published_ones() -> None:
    assert (len(ZEALOTS_AND_STALKERS.actions), len(MARINES_MARAUDERS_MEDIVACS.actions)) == (14, 22)
    assert ZEALOTS_AND_STALKERS.actions[:7] == ("no-op", "stop", "north", "south", "east", "west", "attack 0")
    assert MARINES_MARAUDERS_MEDIVACS.actions[13:15] == ("attack 7", "heal 0")


@pytest.mark.parametrize("scenarios", BOTH, ids=of)
def test_the_draw_is_uniform_over_the_list(scenarios: ScenarioSet) -> None:
    drawn = draw_armies(0, EPISODES, scenarios.armies)
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    expected = len(EPISODES) / len(scenarios.armies)
    assert len(counts) == len(scenarios.armies)
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert chi_squared < 2 * len(counts)


def test_teams_are_parts_of_the_list_by_size() -> None:
    for scenarios in BOTH:
        parts = [len(scenarios.of_sizes(TEAMS[str(size)])) for size in range(3, 9)]
        assert parts == list(SIZES[scenarios.name].values())
        small, large = (len(scenarios.of_sizes(TEAMS[name])) for name in ("3-5", "6-8"))
        assert (small, large) == (sum(parts[:3]), sum(parts[3:]))
        assert len(scenarios.of_sizes(TEAMS["3-8"])) == len(scenarios.armies)


def test_tags_are_distinct_and_drawn_for_each_episode() -> None:
    tags = draw_tags(0, EPISODES)
    np.testing.assert_array_equal(np.sort(tags[:, :8], axis=1), np.tile(np.arange(8, 16), (len(EPISODES), 1)))
    np.testing.assert_array_equal(np.sort(tags[:, 8:], axis=1), np.tile(np.arange(8), (len(EPISODES), 1)))
    for slot in range(16):
        counts = np.bincount(tags[:, slot] % 8, minlength=8) / len(EPISODES)
        np.testing.assert_allclose(counts, 1 / 8, atol=0.015)
    assert np.corrcoef(tags[:, 0], tags[:, 8])[0, 1] == pytest.approx(0, abs=0.03)


def test_draws_depend_on_seed_and_episode_alone() -> None:
    some = np.array([7, 3, 2**40])
    for draw in (draw_tags, spawn_points, lambda seed, rows: draw_armies(seed, rows, ZEALOTS_AND_STALKERS.armies)):
        together = draw(5, some)
        for place, episode in enumerate(some):
            np.testing.assert_array_equal(draw(5, np.array([episode]))[0], together[place])
        assert not np.array_equal(draw(6, EPISODES[:50]), draw(5, EPISODES[:50]))


def test_armies_appear_about_opposite_points_fourteen_apart() -> None:
    points = spawn_points(0, EPISODES)
    assert points.shape == (len(EPISODES), 2, 5, 2)
    centres = points.mean(axis=2)
    np.testing.assert_allclose(centres.mean(axis=0), 16, atol=0.15)
    offset = points[:, 0] - 16
    angle = np.arctan2(*(centres[:, 0] - 16).T[::-1])
    np.testing.assert_allclose(np.histogram(angle, 8, (-np.pi, np.pi))[0] / len(EPISODES), 1 / 8, atol=0.015)
    reach = np.hypot(*(centres[:, 0] - centres[:, 1]).T)
    assert reach.mean() == pytest.approx(14, abs=0.1)
    exact = 7 * np.stack((np.cos(angle), np.sin(angle)), axis=1)[:, None]
    assert np.abs(offset - exact).max() < 2.0
    across = points[:, 0, 0] + points[:, 1, 0] - 32
    assert np.abs(across).max() <= 2.0, "two jitters of at most 1 about opposite points"
    assert np.abs(across).max() > 1.9


def sums_of_offsets(seed: int) -> np.ndarray:
    """[N, 10], of both sides' points for each type and axis: the opposite centres cancel."""
    sums: np.ndarray = (spawn_points(seed, EPISODES).sum(axis=1) - 32).reshape(len(EPISODES), 10)
    return sums


def test_every_type_of_either_side_is_put_down_by_a_draw_of_its_own() -> None:
    sums = sums_of_offsets(0)
    np.testing.assert_allclose(sums.var(axis=0), 2 * 2**2 / 12, rtol=0.05)
    assert (sums != sums_of_offsets(1)).all()


def test_angle_offsets_and_tags_have_nothing_to_do_with_each_other() -> None:
    points = spawn_points(0, EPISODES)
    angle = np.arctan2(*(points[:, 0] - points[:, 1]).mean(axis=1).T[::-1]) % (2 * np.pi)
    drawn = [np.column_stack((angle, sums_of_offsets(0), tags)) for tags in np.split(draw_tags(0, EPISODES), 2, axis=1)]
    for values in drawn:
        related = np.corrcoef(values, rowvar=False)
        assert np.abs(related[:11] - np.eye(11, 19)).max() < 5 / np.sqrt(len(EPISODES))


def test_slots_are_ordered_by_type_then_place() -> None:
    kind = np.array([[0, 1, 2, 1, 0, -1, -1, -1]], np.int8)
    x = np.array([[5, 3, 1, 2, 5, 0, 0, 0]], np.float32)
    y = np.array([[9, 0, 0, 0, 4, 0, 0, 0]], np.float32)
    allies, enemies = (slot_order(kind, x, y, places)[0, :5].tolist() for places in (ALLY_ORDER, ENEMY_ORDER))
    assert allies == [3, 1, 4, 0, 2], "Marauder, Marine, Medivac: the alphabet"
    assert enemies == [4, 0, 3, 1, 2], "Marine, Marauder, Medivac: stock ids"
    kind = np.array([[3, 4, 3, 4, -1, -1, -1, -1]], np.int8)
    flat = np.zeros((1, 8), np.float32)
    assert slot_order(kind, flat, flat, ALLY_ORDER)[0, :4].tolist() == [1, 3, 0, 2], "Stalker, Zealot"
    assert slot_order(kind, flat, flat, ENEMY_ORDER)[0].tolist() == [0, 2, 1, 3, 4, 5, 6, 7], "Zealot, Stalker"
