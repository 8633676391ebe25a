"""What one hit, and many at once, take from shields and health."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copa.tasks.starcraft.micro.fighting import wound
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ATTACK
from tests.tasks.starcraft.micro import ENEMY, Battle


def after_one_attack(attacker: UnitType, target: UnitType, shield: float = 0.0) -> tuple[float, float]:
    """Shield and health that `target` loses to one attack."""
    battle = Battle([(attacker, 16, 16)], [(target, 17, 16)])
    battle.state.shield[ENEMY] = shield
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    return shield - float(battle.state.shield[ENEMY, 0]), target.health - float(battle.state.health[ENEMY, 0])


@pytest.mark.parametrize(
    ("attacker", "target", "health"),
    [
        (MARINE, MARINE, 6),
        (MARINE, MARAUDER, 6 - 1),
        (MARINE, MEDIVAC, 6 - 1),
        (MARAUDER, MARINE, 10),
        (MARAUDER, MARAUDER, 10 + 10 - 1),
        (STALKER, STALKER, 13 + 5 - 1),
        (STALKER, ZEALOT, 13 - 1),
        (ZEALOT, STALKER, 2 * (8 - 1)),
        (ZEALOT, ZEALOT, 2 * (8 - 1)),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_armour_counts_for_each_hit_and_bonus_damage_against_the_armoured(
    attacker: UnitType, target: UnitType, health: float
) -> None:
    assert after_one_attack(attacker, target) == (0, health)


def test_the_shield_takes_a_hit_first_and_has_no_armour() -> None:
    assert after_one_attack(STALKER, ZEALOT, shield=50) == (13, 0)


def test_what_the_shield_does_not_take_goes_on_to_health_less_armour() -> None:
    assert after_one_attack(STALKER, ZEALOT, shield=5) == (5, 13 - 5 - 1)
    assert after_one_attack(STALKER, ZEALOT, shield=13) == (13, 0)


def test_the_second_hit_of_a_zealot_meets_the_shield_that_the_first_left() -> None:
    assert after_one_attack(ZEALOT, ZEALOT, shield=10) == (10, 8 - 2 - 1)


def test_a_hit_takes_at_least_half_a_point_of_health() -> None:
    assert after_one_attack(STALKER, ZEALOT, shield=12.5) == (12.5, 0.5)


def one_after_another(shield: float, health: float, armour: float, hits: list[float]) -> tuple[float, float]:
    """A slow account of hits on one unit."""
    for damage in hits:
        absorbed = min(shield, damage)
        shield -= absorbed
        if damage > absorbed:
            health -= max(damage - absorbed - armour, 0.5)
    return shield, health


units = st.tuples(
    st.sampled_from(UNIT_TYPES),
    st.integers(0, 640).map(lambda eighths: eighths / 8),
    st.lists(st.sampled_from((6.0, 8.0, 10.0, 13.0, 18.0, 20.0)), max_size=12),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(units, min_size=1, max_size=8))
def test_many_hits_at_once_are_dealt_one_after_another(army: list[tuple[UnitType, float, list[float]]]) -> None:
    battle = Battle([(unit_type, 16, 16) for unit_type, _, _ in army])
    expected = []
    for slot, (unit_type, shield, hits) in enumerate(army):
        battle.state.shield[slot] = shield
        expected.append(one_after_another(shield, unit_type.health, unit_type.armour, hits))
    targets = np.repeat(np.arange(len(army)), [len(hits) for _, _, hits in army])
    damage = np.array([damage for _, _, hits in army for damage in hits], np.float32)
    wound(battle.state, targets, damage)
    shield, health = battle.state.shield[: len(army), 0], battle.state.health[: len(army), 0]
    assert list(zip(shield.tolist(), health.tolist(), strict=True)) == expected


def test_units_can_kill_each_other_in_one_loop() -> None:
    battle = Battle([(MARINE, 16, 16)], [(MARINE, 18, 16)], attack=(16, 16))
    battle.state.health[[0, ENEMY]] = 6
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert not battle.state.alive.any()
    np.testing.assert_array_equal(battle.state.health, 0)


@pytest.mark.parametrize("dead", [MEDIVAC, ZEALOT], ids=lambda unit_type: unit_type.name)
def test_the_dead_lose_health_and_life_and_nothing_else(dead: UnitType) -> None:
    battle = Battle([(STALKER, 16, 16)], [(dead, 18, 16), (STALKER, 20, 16)])
    battle.state.health[ENEMY], battle.state.shield[ENEMY] = 1, 0
    battle.state.cooldown[ENEMY] = 3
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    seen = battle.engine.units
    battle.loops(200)
    later = battle.engine.units
    assert seen.health[0, ENEMY] == 0
    assert not seen.alive[0, ENEMY]
    assert seen.present[0, ENEMY]
    assert (seen.energy[0, ENEMY] > 50) == (dead is MEDIVAC)
    for name in ("x", "y", "shield", "energy", "cooldown", "kind", "health_max", "energy_max"):
        assert getattr(later, name)[0, ENEMY] == getattr(seen, name)[0, ENEMY], name


def test_nobody_attacks_the_dead() -> None:
    battle = Battle([(MARINE, 16, 16), (MARINE, 16, 17)], [(MARINE, 19, 16)])
    battle.state.health[ENEMY] = 6
    battle.order(0, ATTACK, ENEMY)
    battle.order(1, ATTACK, ENEMY)
    battle.loops(1)
    assert battle.state.cooldown[:2].all(), "both attacked at once"
    places = battle.place(0), battle.place(1)
    battle.loops(40)
    assert not battle.state.cooldown.any()
    assert (battle.place(0), battle.place(1)) == places, "they wait for another order"


def test_half_a_point_of_health_is_life() -> None:
    battle = Battle([(MARINE, 16, 16)], [(MARINE, 18, 16)])
    battle.state.health[ENEMY] = 6.5
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert battle.state.health[ENEMY, 0] == 0.5
    assert battle.state.alive[ENEMY, 0]
