"""How units move, stop, and keep out of each other's way."""

import numpy as np
import pytest

from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, NONE, STOP
from tests.tasks.starcraft.micro import ENEMY, Battle

PER_STEP = {"Marine": 1.125, "Marauder": 1.125, "Medivac": 1.375, "Zealot": 1.125, "Stalker": 1.4766}


@pytest.mark.parametrize("unit_type", UNIT_TYPES, ids=lambda unit_type: unit_type.name)
def test_units_move_straight_at_full_speed(unit_type: UnitType) -> None:
    battle = Battle([(unit_type, 10, 10)])
    battle.order(0, MOVE, point=(10 + 6, 10 + 8))
    battle.loops(8)
    distance = PER_STEP[unit_type.name]
    np.testing.assert_allclose(battle.place(0), (10 + 0.6 * distance, 10 + 0.8 * distance), atol=1e-4)


def test_the_enemys_medivac_is_slower_than_ours() -> None:
    battle = Battle([], [(MEDIVAC, 20, 16), (MARINE, 19, 16)], attack=(4, 16))
    battle.loops(8)
    assert battle.place(ENEMY)[0] == pytest.approx(20 - 2.5 / 2, abs=1e-4)


def test_a_move_ends_exactly_at_its_point() -> None:
    battle = Battle([(STALKER, 10, 10)])
    battle.order(0, MOVE, point=(12, 10))
    battle.loops(30)
    np.testing.assert_allclose(battle.place(0), (12, 10), atol=1e-5)
    assert not battle.state.going[0, 0]


def test_who_has_reached_its_point_does_not_return_when_pushed_away() -> None:
    battle = Battle([(MARINE, 10, 10), (MARINE, 10 + 3 * MARINE.speed + 0.5, 10)])
    battle.order(0, MOVE, point=(10 + 2.5 * MARINE.speed, 10))
    battle.loops(3)
    pushed = battle.place(0)
    assert pushed[0] < 10 + 2.5 * MARINE.speed - 0.05
    battle.loops(5)
    assert battle.place(0) == pushed


def test_orders_persist_until_another_replaces_them() -> None:
    battle = Battle([(MARINE, 10, 10)])
    battle.order(0, MOVE, point=(20, 10))
    battle.loops(8)
    battle.order(0, NONE)
    battle.loops(8)
    assert battle.place(0)[0] == pytest.approx(10 + 2.25, abs=1e-4)
    battle.order(0, MOVE, point=(10 + 2.25, 20))
    battle.loops(8)
    np.testing.assert_allclose(battle.place(0), (12.25, 11.125), atol=1e-4)


def test_an_order_to_move_ends_an_attack_and_the_other_way_round() -> None:
    battle = Battle([(MARINE, 16, 16)], [(MARAUDER, 18, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.loops(20)
    assert battle.state.health[ENEMY, 0] == 125 - 2 * 5
    battle.order(0, MOVE, point=(15, 16))
    battle.loops(30)
    assert battle.state.health[ENEMY, 0] == 125 - 2 * 5
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert battle.state.health[ENEMY, 0] == 125 - 3 * 5
    np.testing.assert_allclose(battle.place(0), (15, 16), atol=1e-5)


def test_stop_ends_both_moving_and_attacking() -> None:
    battle = Battle([(MARINE, 16, 16), (MARINE, 4, 4)], [(MARAUDER, 18, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.order(1, MOVE, point=(20, 4))
    battle.loops(1)
    battle.order(0, STOP)
    battle.order(1, STOP)
    place = battle.place(1)
    battle.loops(40)
    assert battle.state.health[ENEMY, 0] == 125 - 5
    assert battle.place(1) == place


@pytest.mark.parametrize("unit_type", UNIT_TYPES, ids=lambda unit_type: unit_type.name)
def test_bodies_stay_on_the_map(unit_type: UnitType) -> None:
    battle = Battle([(unit_type, 1, 16), (unit_type, 31, 16), (unit_type, 16, 1), (unit_type, 16, 31)])
    for slot, point in enumerate(((-9, 16), (41, 16), (16, -9), (16, 41))):
        battle.order(slot, MOVE, point=point)
    battle.loops(40)
    near, far = unit_type.separation, 32 - unit_type.separation
    expected = [(near, 16), (far, 16), (16, near), (16, far)]
    np.testing.assert_allclose([battle.place(slot) for slot in range(4)], expected, atol=1e-5)


def gaps(battle: Battle, slots: list[int]) -> np.ndarray:
    """Distance of each pair less the sum of its separation radii, in the order of pairs."""
    state = battle.state
    radius = np.array([UNIT_TYPES[kind].separation for kind in state.kind[slots, 0]])
    apart = np.hypot(
        np.subtract.outer(state.x[slots, 0], state.x[slots, 0]), np.subtract.outer(state.y[slots, 0], state.y[slots, 0])
    )
    return (apart - np.add.outer(radius, radius))[np.triu_indices(len(slots), k=1)]


def test_bodies_that_overlap_are_pushed_apart_equally() -> None:
    battle = Battle([(STALKER, 16, 16)], [(STALKER, 16.6, 16.8)])
    battle.loops(1)
    assert gaps(battle, [0, ENEMY])[0] == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(np.add(battle.place(0), battle.place(ENEMY)), (32.6, 32.8), atol=1e-4)


def test_bodies_in_one_place_part() -> None:
    battle = Battle([(MARINE, 16, 16), (MARINE, 16, 16)])
    battle.loops(1)
    assert gaps(battle, [0, 1])[0] == pytest.approx(0, abs=1e-4)


def test_a_crowd_that_meets_in_one_point_stays_apart() -> None:
    rng = np.random.default_rng(0)
    for army in ([STALKER] * 8, [ZEALOT] * 8, [MARINE] * 4 + [MARAUDER] * 4):
        battle = Battle(
            [(unit_type, *place) for unit_type, place in zip(army, rng.uniform(8, 24, (8, 2)), strict=True)]
        )
        for slot in range(8):
            battle.order(slot, MOVE, point=(16, 16))
        worst = np.inf
        for _ in range(150):
            battle.loops(1)
            worst = min(worst, gaps(battle, list(range(8))).min())
        assert worst > -0.25, "no deeper than one loop's walk brings them"
        for slot in range(8):
            battle.order(slot, STOP)
        battle.loops(20)
        assert gaps(battle, list(range(8))).min() > -0.01


def test_what_flies_and_what_walks_do_not_touch() -> None:
    battle = Battle([(MEDIVAC, 16, 16), (MARINE, 16, 16)], [(MEDIVAC, 16.5, 16)])
    battle.loops(5)
    assert battle.place(1) == (16, 16)
    assert gaps(battle, [0, ENEMY])[0] == pytest.approx(0, abs=1e-4)


def test_the_dead_are_in_nobodys_way() -> None:
    battle = Battle([(STALKER, 14, 16), (STALKER, 14, 18)], [(ZEALOT, 16, 16)])
    battle.state.shield[ENEMY], battle.state.health[ENEMY] = 0, 1
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    battle.order(0, MOVE, point=(18, 16))
    battle.loops(30)
    np.testing.assert_allclose(battle.place(0), (18, 16), atol=1e-5)


def test_who_stands_and_attacks_gives_no_way_and_is_walked_around() -> None:
    battle = Battle([(ZEALOT, 16, 16), (STALKER, 13, 16.05)], [(MARAUDER, 17.1, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.order(1, MOVE, point=(16, 20))
    battle.loops(1)
    battle.order(1, MOVE, point=(20, 16.05))
    for _ in range(15):
        battle.loops(1)
        assert battle.place(0) == (16, 16)
    assert battle.place(1)[1] != pytest.approx(16.05, abs=0.1)


def test_a_medivac_that_heals_gives_no_way() -> None:
    battle = Battle([(MEDIVAC, 16, 16), (MARINE, 14, 16), (MEDIVAC, 17, 16)])
    battle.order(0, HEAL, 1)
    battle.loops(1)
    assert battle.place(0) == (16, 16)
    assert battle.place(2) == pytest.approx((17.5, 16), abs=1e-5)


def test_who_stands_without_a_target_makes_room() -> None:
    battle = Battle([(ZEALOT, 16, 16), (STALKER, 14.9, 16)])
    battle.order(1, MOVE, point=(20, 16))
    battle.loops(8)
    assert battle.place(0)[0] > 16.2


def test_two_marauders_meet_no_closer_than_their_bodies() -> None:
    battle = Battle([(MARAUDER, 14, 16), (MARAUDER, 18, 16)])
    battle.order(0, MOVE, point=(18, 16))
    battle.order(1, MOVE, point=(14, 16))
    for _ in range(40):
        battle.loops(1)
        assert gaps(battle, [0, 1])[0] > -0.01


def test_bodies_part_in_three_rounds_each_by_half_of_what_overlaps() -> None:
    """The middle one of a row has nowhere to go: of an overlap of 0.35 on either side an eighth is left."""
    battle = Battle([(MARINE, 15.6, 16), (MARINE, 16, 16), (MARINE, 16.4, 16)])
    battle.loops(1)
    np.testing.assert_allclose(gaps(battle, [0, 1, 2]), [-0.35 / 8, 0.75 - 0.35 / 4, -0.35 / 8], atol=1e-5)
    assert battle.place(1) == (16, 16)


def test_bodies_of_unlike_size_part_to_the_sum_of_their_radii() -> None:
    battle = Battle([(MARINE, 16, 16), (MARAUDER, 16.5, 16)])
    battle.loops(1)
    centre, half = 16.25, (MARINE.separation + MARAUDER.separation) / 2
    np.testing.assert_allclose((battle.place(0)[0], battle.place(1)[0]), (centre - half, centre + half), atol=1e-5)


def test_bodies_that_only_nearly_touch_stay_where_they_are() -> None:
    """A Zealot is kept out of 0.375 about another's centre, although its radius is 0.5."""
    battle = Battle([(ZEALOT, 16, 16), (ZEALOT, 16.76, 16)])
    places = battle.place(0), battle.place(1)
    battle.loops(1)
    assert (battle.place(0), battle.place(1)) == places


def test_who_is_still_on_the_way_to_its_target_gives_way_like_others() -> None:
    battle = Battle([(ZEALOT, 15, 16), (MARAUDER, 15.9, 16)], [(MARAUDER, 25, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    walked = 15 + ZEALOT.speed
    push = (ZEALOT.separation + MARAUDER.separation - (15.9 - walked)) / 2
    np.testing.assert_allclose((battle.place(0)[0], battle.place(1)[0]), (walked - push, 15.9 + push), atol=1e-5)


def test_whoever_is_pushed_off_the_map_stays_on_it() -> None:
    battle = Battle([(STALKER, 0.625, 16), (STALKER, 1, 16)])
    battle.loops(1)
    assert battle.place(0) == (0.625, 16)
    assert battle.place(1) == pytest.approx((1 + (1.25 - 0.375) / 2, 16), abs=1e-5)


@pytest.mark.parametrize("chases", [False, True])
def test_the_dead_go_nowhere(chases: bool) -> None:
    battle = Battle([(MARINE, 16, 12 if chases else 2)], [(ZEALOT, 16, 16)], attack=(30, 16))
    battle.order(0, MOVE, point=(2, 2))
    battle.loops(1)
    assert battle.state.engaged[ENEMY, 0] == chases
    battle.kill(0, ENEMY)
    places = battle.place(0), battle.place(ENEMY)
    battle.loops(8)
    assert (battle.place(0), battle.place(ENEMY)) == places
    assert not battle.state.engaged.any()
