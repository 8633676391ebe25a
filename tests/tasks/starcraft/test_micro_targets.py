"""Whom the enemy attacks and heals."""

import pytest

from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE
from tests.tasks.starcraft.micro import ENEMY, Battle


def target_of(battle: Battle, slot: int = ENEMY) -> int | None:
    """Whom a unit has for a target after one more loop."""
    battle.loops(1)
    return int(battle.state.target[slot, 0]) if battle.state.engaged[slot, 0] else None


def test_the_nearest_is_attacked_first() -> None:
    assert (
        target_of(Battle([(MARINE, 12, 16), (MARINE, 13, 16), (MARINE, 11, 16)], [(STALKER, 16, 16)], attack=(8, 16)))
        == 1
    )


def test_the_armed_are_attacked_before_the_unarmed() -> None:
    assert target_of(Battle([(MEDIVAC, 14, 16), (MARAUDER, 11, 16)], [(MARINE, 16, 16)], attack=(8, 16))) == 1


def test_a_medivac_that_is_healing_counts_as_armed() -> None:
    battle = Battle([(MEDIVAC, 14, 16), (MARAUDER, 11, 16)], [(MARINE, 16, 16)], attack=(8, 16))
    battle.state.cooldown[ENEMY] = 100
    battle.state.health[1] = 50
    battle.order(0, HEAL, 1)
    assert target_of(battle) == 1, "nobody has seen it heal yet"
    battle.state.holding[ENEMY] = False
    assert target_of(battle) == 0


def test_the_unarmed_are_attacked_when_there_is_nobody_else() -> None:
    assert target_of(Battle([(MEDIVAC, 14, 16)], [(MARINE, 16, 16)], attack=(8, 16))) == 0


@pytest.mark.parametrize("unit_type", [MARAUDER, ZEALOT], ids=lambda unit_type: unit_type.name)
def test_a_target_that_the_weapon_cannot_hit_is_not_chosen(unit_type: UnitType) -> None:
    assert target_of(Battle([(MEDIVAC, 14, 16)], [(unit_type, 16, 16)], attack=(8, 16))) is None


def test_a_target_is_kept_while_it_can_be_hit() -> None:
    battle = Battle([(STALKER, 12, 16), (STALKER, 11, 18)], [(STALKER, 16, 16)], attack=(8, 16))
    assert target_of(battle) == 0
    battle.state.x[1] = 14
    assert target_of(battle) == 0
    battle.state.x[0] = 5
    battle.loops(1)
    assert target_of(battle) == 1


def test_another_target_follows_when_one_dies() -> None:
    battle = Battle([(STALKER, 12, 16), (STALKER, 11, 18)], [(STALKER, 16, 16)], attack=(8, 16))
    battle.state.shield[0], battle.state.health[0] = 0, 1
    battle.loops(1)
    assert not battle.state.alive[0, 0]
    assert target_of(battle) == 1


@pytest.mark.parametrize(("unit_type", "sight"), [(ZEALOT, 5), (MARINE, 5), (MARAUDER, 6), (STALKER, 6)])
def test_enemies_look_five_cells_far_or_as_far_as_their_weapon(unit_type: UnitType, sight: float) -> None:
    edge = unit_type.radius + sight + MARINE.radius
    for distance, seen in ((edge - 0.01, True), (edge + 0.01, False)):
        battle = Battle([(MARINE, 16 - distance, 16)], [(unit_type, 16, 16)], attack=(16, 16))
        assert (target_of(battle) == 0) == seen


def test_whoever_attacks_from_farther_away_is_attacked_in_turn() -> None:
    battle = Battle([(STALKER, 9, 16)], [(ZEALOT, 16, 16)], attack=(16, 16))
    battle.order(0, ATTACK, ENEMY)
    assert target_of(battle) is None
    battle.loops(40)
    assert battle.state.shield[ENEMY, 0] < 50
    assert battle.place(ENEMY)[0] < 13


def test_an_attack_that_is_ordered_again_is_no_pause_for_whom_it_hits() -> None:
    battle = Battle([(STALKER, 9.5, 16)], [(ZEALOT, 16, 16)], attack=(30, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert target_of(battle) == 0
    battle.order(0, ATTACK, ENEMY)
    assert target_of(battle) == 0
    battle.order(0, MOVE, point=(2, 16))
    assert target_of(battle) is None


def test_whoever_is_armed_can_hit_whoever_is_armed() -> None:
    """So that "those that can hit back first" has nothing to decide."""
    assert not [unit_type.name for unit_type in UNIT_TYPES if unit_type.hits and unit_type.flying]


def test_enemies_chase_what_they_have_seen() -> None:
    battle = Battle([(MARINE, 11, 16)], [(ZEALOT, 16, 16)], attack=(16, 25))
    battle.loops(8)
    x, y = battle.place(ENEMY)
    assert x == pytest.approx(16 - 1.125, abs=1e-3)
    assert y == pytest.approx(16, abs=1e-3)


def test_enemies_go_on_to_the_point_when_their_target_is_gone() -> None:
    battle = Battle([(MARINE, 12, 16)], [(STALKER, 16, 16)], attack=(16, 26))
    battle.state.health[0] = 1
    battle.loops(1 + 16)
    assert battle.place(ENEMY)[1] == pytest.approx(16 + 2.9531, abs=0.01)


def test_enemies_attack_move_to_the_point_and_wait_there() -> None:
    battle = Battle([(MARINE, 2, 2)], [(ZEALOT, 25, 16), (ZEALOT, 25, 17)], attack=(16, 16))
    battle.loops(16)
    assert battle.place(ENEMY)[0] == pytest.approx(25 - 2.25, abs=0.05)
    battle.loops(100)
    arrived = battle.place(ENEMY), battle.place(ENEMY + 1)
    for x, y in arrived:
        assert (x - 16) ** 2 + (y - 16) ** 2 < 2.1**2
    battle.loops(50)
    assert (battle.place(ENEMY), battle.place(ENEMY + 1)) == arrived
    battle.state.x[0], battle.state.y[0] = arrived[0][0] - 4, arrived[0][1]
    assert target_of(battle) == 0, "having arrived they still look for targets"


def test_an_attack_move_ends_two_cells_from_its_point() -> None:
    battle = Battle([], [(ZEALOT, 25, 16)], attack=(16, 16))
    battle.loops(100)
    assert 2 - 2 * ZEALOT.enemy_speed < battle.place(ENEMY)[0] - 16 <= 2


def test_allies_never_choose_for_themselves() -> None:
    battle = Battle([(MARINE, 16, 16)], [(MARINE, 18, 16)])
    assert target_of(battle, slot=0) is None


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
    while battle.place(ENEMY + 1)[0] > 23:
        battle.loops(1)
    battle.loops(16)
    assert battle.place(ENEMY)[0] < 22.5
    point_gap = abs(battle.place(ENEMY)[0] - 10), abs(battle.place(ENEMY + 1)[0] - 10)
    assert point_gap[0] > point_gap[1] - 0.2


def test_an_enemy_does_not_chase_for_an_ally_that_only_walks_by() -> None:
    battle = Battle([(STALKER, 9, 16)], [(ZEALOT, 16, 16)], attack=(16, 16))
    battle.order(0, MOVE, point=(9, 26))
    battle.loops(8)
    assert battle.place(ENEMY) == (16, 16)
