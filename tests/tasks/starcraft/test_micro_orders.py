"""Which orders allies take up, and what they do about those that cannot be carried out."""

import pytest

from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, STOP
from tests.tasks.starcraft.micro import ENEMY, Battle, target_of

FRIEND, MACHINE, DEAD_FRIEND, NO_FRIEND = 1, 2, 3, 7
FOE, DEAD_FOE, FLYING_FOE, NO_FOE = ENEMY, ENEMY + 1, ENEMY + 2, 15


@pytest.mark.parametrize(
    ("unit_type", "kind", "target"),
    [
        (MEDIVAC, ATTACK, FOE),
        (MEDIVAC, ATTACK, FRIEND),
        (MARINE, ATTACK, FRIEND),
        (MARINE, ATTACK, DEAD_FOE),
        (MARINE, ATTACK, NO_FOE),
        (MARINE, ATTACK, NO_FRIEND),
        (MARAUDER, ATTACK, FLYING_FOE),
        (ZEALOT, ATTACK, FLYING_FOE),
        (MARINE, HEAL, FRIEND),
        (MARINE, HEAL, FOE),
        (MEDIVAC, HEAL, FOE),
        (MEDIVAC, HEAL, MACHINE),
        (MEDIVAC, HEAL, DEAD_FRIEND),
        (MEDIVAC, HEAL, NO_FRIEND),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_cannot_be_carried_out_is_refused_and_the_order_before_goes_on(
    unit_type: UnitType, kind: int, target: int
) -> None:
    battle = Battle(
        [(unit_type, 16, 16), (MARINE, 20, 16), (STALKER, 20, 18), (MARINE, 20, 14)],
        [(MARINE, 16, 12), (MARINE, 18, 12), (MEDIVAC, 20, 12)],
    )
    battle.state.health[[FRIEND, MACHINE, FOE]] = 10
    battle.kill(DEAD_FRIEND, DEAD_FOE)
    before = battle.state.health.copy()
    battle.order(0, MOVE, point=(4, 16))
    battle.order(0, kind, target)
    battle.loops(8)
    assert battle.place(0)[0] == pytest.approx(16 - 8 * unit_type.speed, abs=1e-4)
    assert (battle.state.health == before).all()


def test_every_enemy_may_be_attacked_and_every_ally_healed_whatever_its_slot() -> None:
    allies = [(MARINE, 12 + slot, 15) for slot in range(7)]
    for slot in range(8):
        battle = Battle([*allies[:slot], (MEDIVAC, 15, 16), *allies[slot:]], [(MARINE, 12 + k, 17) for k in range(8)])
        battle.state.health[:8] -= 10
        for friend in set(range(8)) - {slot}:
            battle.order(slot, HEAL, friend)
            battle.loops(1)
            assert battle.state.health[friend, 0] == MARINE.health - 10 + 0.5625
        attacker = slot + 1 if slot < 7 else 6
        battle.order(attacker, ATTACK, ENEMY + slot)
        battle.loops(1)
        assert battle.state.health[ENEMY:, 0].tolist() == [45 - 6 * (foe == slot) for foe in range(8)]


def test_an_order_to_attack_on_the_way_replaces_the_way() -> None:
    """When the target is dead the unit stands."""
    battle = Battle([(MARINE, 16, 16)], [(MARINE, 18, 16)])
    battle.state.health[ENEMY] = 6
    battle.order(0, MOVE, point=(4, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.loops(9)
    assert not battle.state.alive[ENEMY, 0]
    assert battle.place(0) == (16, 16)


@pytest.mark.parametrize("unit_type", UNIT_TYPES, ids=lambda unit_type: unit_type.name)
def test_whoever_was_stopped_after_it_was_told_to_move_stands(unit_type: UnitType) -> None:
    battle = Battle([(unit_type, 16, 16)])
    battle.order(0, MOVE, point=(4, 16))
    battle.order(0, STOP)
    battle.loops(8)
    assert battle.place(0) == (16, 16)


def test_a_new_target_is_not_attacked_by_whoever_still_stands_by_the_old_one() -> None:
    """The Zealot, which does not see so far, turns on the attacker only when that has aimed at it for a loop."""
    battle = Battle([(STALKER, 16, 16)], [(MARAUDER, 18, 16), (ZEALOT, 23.1, 16)], attack=(30, 16))
    battle.state.automatic[ENEMY] = False
    battle.state.going[[ENEMY, ENEMY + 1]] = False
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    battle.order(0, ATTACK, ENEMY + 1)
    battle.loops(1)
    assert not battle.state.engaged[ENEMY + 1, 0]
    battle.loops(1)
    assert battle.state.engaged[ENEMY + 1, 0]


@pytest.mark.parametrize("kind", [STOP, MOVE], ids=["stop", "move"])
def test_whoever_is_told_something_else_attacks_nobody_any_more(kind: int) -> None:
    battle = Battle([(STALKER, 9.5, 16)], [(ZEALOT, 16, 16)], attack=(30, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    battle.order(0, kind, ENEMY, point=(9.5, 16))
    assert target_of(battle) is None


def test_whoever_is_on_its_way_to_attack_does_not_yet_attack_though_told_twice() -> None:
    battle = Battle([(STALKER, 8, 16)], [(ZEALOT, 16, 16)], attack=(16, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    battle.order(0, ATTACK, ENEMY)
    assert target_of(battle) is None
