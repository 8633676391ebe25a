"""Whom the enemy's Medivacs heal, and where they wait."""

import pytest

from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, ZEALOT
from copa.tasks.starcraft.units import HEAL, MOVE
from tests.tasks.starcraft.micro import ENEMY, Battle, target_of


def test_an_enemy_medivac_heals_the_hurt_friend_with_the_least_health() -> None:
    battle = Battle([], [(MEDIVAC, 16, 16), (MARAUDER, 14, 16), (MARAUDER, 18, 16), (MARINE, 16, 18)], attack=(16, 16))
    battle.state.health[[ENEMY + 1, ENEMY + 2]] = [[60], [50]]
    assert target_of(battle) == ENEMY + 2, "the Marine has less, but is whole"
    battle.state.health[ENEMY + 1] = 20
    assert target_of(battle) == ENEMY + 2, "a patient is kept"
    battle.state.health[ENEMY + 2] = 125
    assert target_of(battle) == ENEMY + 1


def test_an_enemy_medivac_looks_for_patients_five_cells_far_and_flies_to_them() -> None:
    edge = MEDIVAC.radius + 5 + MARINE.radius
    for distance, seen in ((edge - 0.01, True), (edge + 0.01, False)):
        battle = Battle([], [(MEDIVAC, 16, 16), (MARINE, 16 - distance, 16)], attack=(16, 16))
        battle.state.health[ENEMY + 1] = 10
        assert (target_of(battle) == ENEMY + 1) == seen
    battle = Battle([], [(MEDIVAC, 16, 16), (MARINE, 10.5, 16)], attack=(16, 16))
    battle.state.going[ENEMY + 1] = False
    battle.state.health[ENEMY + 1] = 10
    battle.loops(16)
    assert battle.state.health[ENEMY + 1, 0] > 10
    assert battle.place(ENEMY)[0] < 16


def test_enemy_medivacs_do_not_overtake_the_army() -> None:
    battle = Battle([], [(MEDIVAC, 24, 16), (MARINE, 27, 17)], attack=(10, 16))
    battle.loops(8)
    assert battle.place(ENEMY) == (24, 16)
    battle.loops(22)
    assert battle.place(ENEMY + 1)[0] == pytest.approx(27 - 30 * MARINE.speed, abs=0.05)
    battle.loops(16)
    assert battle.place(ENEMY)[0] < 22.5
    point_gap = abs(battle.place(ENEMY)[0] - 10), abs(battle.place(ENEMY + 1)[0] - 10)
    assert point_gap[0] > point_gap[1] - 0.2


def test_only_the_biological_and_living_are_patients() -> None:
    battle = Battle(
        [],
        [(MEDIVAC, 16, 16), (STALKER, 14, 16), (MEDIVAC, 16, 18), (MARINE, 18, 16), (MARAUDER, 16, 12)],
        attack=(16, 16),
    )
    battle.state.health[ENEMY : ENEMY + 5] = [[150], [10], [20], [30], [40]]
    battle.kill(ENEMY + 3)
    assert target_of(battle) == ENEMY + 4
    battle.kill(ENEMY + 4)
    assert target_of(battle) is None


@pytest.mark.parametrize("wounded", [0, 7])
def test_patients_are_of_the_own_side(wounded: int) -> None:
    battle = Battle([(MARINE, 14, 12 + slot) for slot in range(8)], [(MEDIVAC, 16, 16)], attack=(16, 16))
    battle.state.health[wounded] = 10
    assert target_of(battle) is None
    ours = Battle([(MEDIVAC, 16, 16)], [(MARINE, 14, 16)], allies_attack=(16, 16))
    ours.state.health[ENEMY] = 10
    assert target_of(ours, slot=0) is None


def test_a_dead_medivac_heals_nobody() -> None:
    battle = Battle([], [(MEDIVAC, 16, 16), (MARINE, 14, 16)], attack=(16, 16))
    battle.state.health[ENEMY + 1] = 10
    battle.loops(1)
    assert battle.state.health[ENEMY + 1, 0] == 10 + 0.5625
    battle.kill(ENEMY)
    battle.loops(8)
    assert battle.state.health[ENEMY + 1, 0] == 10 + 0.5625
    assert target_of(battle) is None


def test_a_medivac_that_dies_in_a_loop_heals_nobody_in_it() -> None:
    battle = Battle([(MARINE, 16, 16), (MEDIVAC, 18, 16)], [(STALKER, 14, 16)], attack=(18, 16))
    battle.order(1, HEAL, 0)
    battle.loops(1)
    battle.state.health[:2] = [[30], [1]]
    battle.state.target[ENEMY], battle.state.cooldown[ENEMY] = 1, 0
    battle.loops(1)
    assert not battle.state.alive[1, 0]
    assert battle.state.health[0, 0] == 30


def test_whom_a_medivac_is_only_on_its_way_to_gives_way_to_one_who_is_worse_off() -> None:
    battle = Battle([], [(MEDIVAC, 16, 16), (MARINE, 21.5, 16), (MARINE, 10.5, 16)], attack=(16, 16))
    battle.state.going[:] = False
    battle.state.health[[ENEMY + 1, ENEMY + 2]] = [[20], [30]]
    assert target_of(battle) == ENEMY + 1
    assert not battle.state.holding[ENEMY, 0]
    battle.state.health[ENEMY + 2] = 10
    assert target_of(battle) == ENEMY + 2


def test_a_medivac_whose_patient_is_whole_goes_on_to_the_point() -> None:
    battle = Battle([], [(MEDIVAC, 16, 16), (MARAUDER, 16, 14)], attack=(16, 4))
    battle.state.health[ENEMY + 1] = 124.75
    battle.loops(1)
    assert battle.state.health[ENEMY + 1, 0] == 125
    assert battle.place(ENEMY) == (16, 16)
    assert target_of(battle) is None
    assert battle.place(ENEMY) == (16, 16 - MEDIVAC.enemy_speed)


def test_a_medivac_sees_a_patient_whose_edge_is_exactly_five_cells_from_its_own() -> None:
    battle = Battle([], [(MEDIVAC, 16, 16), (MARINE, 16 - 0.75 - 5 - 0.375, 16)], attack=(16, 16))
    battle.state.health[ENEMY + 1] = 10
    assert target_of(battle) == ENEMY + 1


def test_a_medivac_waits_only_while_it_is_nearer_the_point_than_every_friend_on_the_ground() -> None:
    """As near as the nearest it goes; one step ahead, it waits for one loop."""
    battle = Battle([], [(MEDIVAC, 24, 16), (MARINE, 24, 16), (ZEALOT, 24, 20)], attack=(16, 16))
    battle.loops(1)
    assert battle.place(ENEMY) == (24 - MEDIVAC.enemy_speed, 16)
    battle.loops(1)
    assert battle.place(ENEMY) == (24 - MEDIVAC.enemy_speed, 16)
    battle.loops(1)
    assert battle.place(ENEMY) == (24 - 2 * MEDIVAC.enemy_speed, 16)


def test_a_medivac_is_led_by_nobody_dead_flying_or_of_the_other_side() -> None:
    battle = Battle(
        [(MARINE, 17, 16)],
        [(MEDIVAC, 24, 16), (MARINE, 20, 16), (MEDIVAC, 21, 18)],
        attack=(10, 16),
    )
    battle.kill(ENEMY + 1)
    battle.loops(8)
    assert battle.place(ENEMY) == (24, 16)
    assert battle.place(ENEMY + 2) == (21, 18)


def test_a_medivac_told_where_to_go_does_not_wait_for_the_ground() -> None:
    battle = Battle([(MEDIVAC, 24, 16), (MARINE, 28, 16)])
    battle.order(0, MOVE, point=(10, 16))
    battle.loops(8)
    assert battle.place(0)[0] == pytest.approx(24 - 2.75 / 2, abs=1e-4)


def test_a_medivac_with_a_patient_ahead_of_the_army_flies_to_it() -> None:
    battle = Battle([], [(MEDIVAC, 20, 16), (MARINE, 14.5, 16), (MARINE, 28, 16)], attack=(4, 16))
    battle.state.health[ENEMY + 1] = 10
    battle.state.going[ENEMY + 1] = False
    battle.loops(1)
    assert battle.place(ENEMY) == (20 - MEDIVAC.enemy_speed, 16)


def test_a_medivac_that_waits_near_the_point_comes_up_to_it_after_its_friends() -> None:
    battle = Battle([], [(MEDIVAC, 17.875, 16), (MARINE, 20, 16)], attack=(16, 16))
    battle.loops(10)
    assert battle.place(ENEMY) == (17.875, 16)
    battle.loops(30)
    assert battle.place(ENEMY + 1)[0] < 17.875
    assert battle.place(ENEMY) == (17.875 - MEDIVAC.enemy_speed, 16)
