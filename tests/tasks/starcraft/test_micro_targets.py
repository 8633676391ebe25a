"""Whom the enemy attacks and heals."""

import pytest

from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE
from tests.tasks.starcraft.micro import ENEMY, Battle, target_of


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


def test_an_enemy_does_not_chase_for_an_ally_that_only_walks_by() -> None:
    battle = Battle([(STALKER, 9, 16)], [(ZEALOT, 16, 16)], attack=(16, 16))
    battle.order(0, MOVE, point=(9, 26))
    battle.loops(8)
    assert battle.place(ENEMY) == (16, 16)


def test_of_equally_near_targets_the_one_in_the_lowest_slot_is_chosen() -> None:
    places = [(MARINE, 10, 16), (MARINE, 16, 12), (MARINE, 20, 16), (MARINE, 12, 16)]
    assert target_of(Battle(places, [(STALKER, 16, 16)], attack=(16, 16))) == 1
    assert target_of(Battle(places[::-1], [(STALKER, 16, 16)], attack=(16, 16))) == 0


def test_a_medivac_that_holds_a_whole_patient_counts_as_unarmed() -> None:
    battle = Battle([(MEDIVAC, 14, 16), (MARAUDER, 11, 16)], [(MARINE, 16, 16)], attack=(8, 16))
    battle.order(0, HEAL, 1)
    battle.state.cooldown[ENEMY] = 100
    battle.loops(1)
    assert battle.state.holding[0, 0]
    battle.state.holding[ENEMY] = False
    assert target_of(battle) == 1


@pytest.mark.parametrize(("health", "kind"), [(124.75, HEAL), (50, MOVE)], ids=["whole", "told to move"])
def test_a_medivac_counts_as_armed_no_longer_than_it_heals(health: float, kind: int) -> None:
    battle = Battle([(MEDIVAC, 14, 16), (MARAUDER, 11, 16)], [(MARINE, 16, 16)], attack=(8, 16))
    battle.state.cooldown[ENEMY], battle.state.health[1] = 100, health
    battle.order(0, HEAL, 1)
    battle.loops(1)
    assert battle.state.mending[0, 0]
    battle.order(0, kind, 1, point=(14, 16))
    battle.loops(1)
    battle.state.holding[ENEMY] = False
    assert target_of(battle) == 1


@pytest.mark.parametrize("unit_type", [ZEALOT, MARINE, MARAUDER, STALKER], ids=lambda unit_type: unit_type.name)
def test_what_is_exactly_at_the_edge_of_sight_is_seen(unit_type: UnitType) -> None:
    edge = unit_type.radius + max(5, unit_type.range) + MARINE.radius
    assert target_of(Battle([(MARINE, 16 - edge, 16)], [(unit_type, 16, 16)], attack=(16, 16))) == 0


def test_only_the_unit_itself_turns_on_its_attacker() -> None:
    battle = Battle([(STALKER, 9, 16)], [(ZEALOT, 16, 16), (ZEALOT, 16, 17)], attack=(16, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.loops(2)
    assert battle.state.engaged[[ENEMY, ENEMY + 1], 0].tolist() == [True, False]
    battle.order(0, ATTACK, ENEMY + 1)
    battle.loops(2)
    assert battle.state.target[ENEMY + 1, 0] == 0
    assert battle.state.engaged[[ENEMY, ENEMY + 1], 0].tolist() == [False, True]


def test_a_target_that_is_chased_is_given_up_for_a_nearer_one() -> None:
    battle = Battle([(MARINE, 12, 16), (MARINE, 2, 2)], [(ZEALOT, 16, 16)], attack=(16, 16))
    assert target_of(battle) == 0
    battle.state.x[1], battle.state.y[1] = 16, 19
    assert target_of(battle) == 1


def test_an_enemy_that_chased_within_two_cells_still_goes_on_to_the_point() -> None:
    battle = Battle([(MARINE, 16, 14.2)], [(ZEALOT, 16, 16)], attack=(16, 26))
    battle.state.health[0] = 1
    battle.loops(7)
    assert not battle.state.alive[0, 0]
    killed_at = battle.place(ENEMY)[1]
    assert killed_at == pytest.approx(16 - 6 * 2.25 / 16, abs=1e-4)
    battle.loops(16)
    assert battle.place(ENEMY)[1] == pytest.approx(killed_at + 2.25, abs=1e-4)


def test_an_attack_move_ends_with_the_loop_that_begins_exactly_two_cells_from_the_point() -> None:
    battle = Battle([], [(ZEALOT, 18, 16)], attack=(16, 16))
    battle.loops(5)
    assert battle.place(ENEMY) == (18 - ZEALOT.enemy_speed, 16)


def test_a_target_is_kept_also_while_others_look_for_one() -> None:
    battle = Battle([(STALKER, 12, 16), (STALKER, 11, 18)], [(STALKER, 16, 16), (ZEALOT, 30, 30)], attack=(8, 16))
    assert target_of(battle) == 0
    battle.state.x[1] = 14
    assert target_of(battle) == 0


def test_a_medivac_that_begins_to_heal_draws_nobody_away() -> None:
    battle = Battle([(MEDIVAC, 14, 16), (MARAUDER, 11, 16)], [(MARINE, 16, 16), (ZEALOT, 30, 30)], attack=(8, 16))
    assert target_of(battle) == 1
    battle.order(0, HEAL, 1)
    battle.loops(2)
    assert battle.state.mending[0, 0]
    assert target_of(battle) == 1


def test_the_dead_choose_nobody() -> None:
    battle = Battle([(STALKER, 12, 16)], [(ZEALOT, 16, 16)], attack=(8, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    battle.kill(ENEMY)
    assert target_of(battle) is None


def test_nobody_is_seen_where_no_unit_is() -> None:
    """Slots without a unit hold 0, a corner of the map."""
    assert target_of(Battle([], [(STALKER, 1, 1)], attack=(1, 1))) is None
    assert target_of(Battle([(MARINE, 30, 30)], [(STALKER, 1, 1)], attack=(1, 1))) is None


def test_either_side_chooses_among_the_other() -> None:
    places = [(MARINE, 12, 16), (MARINE, 13, 16), (MARINE, 11, 16)]
    battle = Battle([(STALKER, 16, 16)], places, allies_attack=(8, 16))
    assert target_of(battle, slot=0) == ENEMY + 1
