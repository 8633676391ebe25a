"""When and how far units attack."""

import numpy as np
import pytest

from copa.tasks.starcraft.micro import MicroEngine
from copa.tasks.starcraft.micro.chance import weapon_jitter
from copa.tasks.starcraft.micro.engine import fight_on
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ATTACK, MOVE
from tests.tasks.starcraft.micro import ENEMY, Battle

ARMED = [unit_type for unit_type in UNIT_TYPES if unit_type.hits]


def loops_between_attacks(unit_type: UnitType, jitter: float) -> list[int]:
    """Of all attacks in 80 loops."""
    battle = Battle([(unit_type, 16, 16)], [(MARAUDER, 17, 16)])
    battle.order(0, ATTACK, ENEMY)
    attacks = []
    for loop in range(80):
        before = battle.state.health[ENEMY, 0]
        battle.loops(1, jitter)
        if battle.state.health[ENEMY, 0] < before:
            attacks.append(loop)
    return np.diff(attacks).tolist()


@pytest.mark.parametrize("jitter", [-1.0, 0.0, 2.0])
@pytest.mark.parametrize("unit_type", ARMED, ids=lambda unit_type: unit_type.name)
def test_a_weapon_is_used_again_in_the_first_loop_after_its_period(unit_type: UnitType, jitter: float) -> None:
    expected = int(np.ceil(np.float32(unit_type.period) + np.float32(jitter)))
    assert loops_between_attacks(unit_type, jitter) == [expected] * (79 // expected)


def test_the_cooldown_counts_from_the_period_down_to_nothing() -> None:
    battle = Battle([(MARINE, 16, 16)], [(MEDIVAC, 17, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1, jitter=2.0)
    period = np.float32(MARINE.period) + np.float32(2)
    assert battle.engine.units.cooldown[0, 0] == period
    assert period / MARINE.cooldown_max == pytest.approx(1.05, abs=0.002), "the largest value a view shows"
    battle.loops(1)
    assert battle.engine.units.cooldown[0, 0] == period - 1
    battle.order(0, MOVE, point=(2, 16))
    battle.loops(15)
    assert battle.engine.units.cooldown[0, 0] == 0, "it cools down on the way, too"


def test_jitter_is_uniform_from_one_loop_less_to_two_more_and_never_the_same() -> None:
    engine = MicroEngine(battles=500, seed=3)
    engine.start(np.arange(500), np.arange(500), np.tile((0, 0, 0, 4, 4), (500, 1)))
    drawn = weapon_jitter(3, engine.state)
    engine.state.clock += 8
    later = weapon_jitter(3, engine.state)
    for values in (drawn, later):
        assert values.min() >= -1
        assert values.max() <= 2
        share, _ = np.histogram(values, bins=6, range=(-1, 2))
        deviation = np.sqrt(values.size / 6 * 5 / 6)
        assert np.abs(share - values.size / 6).max() < 5 * deviation
    assert len(np.unique(drawn)) > 0.99 * drawn.size
    assert np.abs(np.corrcoef(drawn.ravel(), later.ravel())[0, 1]) < 5 / np.sqrt(drawn.size)


def test_no_weapon_can_be_used_twice_in_a_step() -> None:
    assert min(unit_type.period for unit_type in ARMED) - 1 > 8


@pytest.mark.parametrize("unit_type", ARMED, ids=lambda unit_type: unit_type.name)
def test_range_is_from_edge_to_edge(unit_type: UnitType) -> None:
    reach = unit_type.radius + unit_type.range + MARAUDER.radius
    for distance, hits in ((reach - 0.01, True), (reach + 0.01, False)):
        battle = Battle([(unit_type, 10, 16)], [(MARAUDER, 10 + distance, 16)])
        battle.order(0, ATTACK, ENEMY)
        battle.loops(1)
        assert (battle.state.health[ENEMY, 0] < MARAUDER.health) == hits
        assert (battle.place(0) == (10, 16)) == hits


def test_an_attacker_out_of_range_walks_in_and_stops_where_it_can_hit() -> None:
    battle = Battle([(MARINE, 6, 16)], [(MARAUDER, 20, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.loops(16)
    assert battle.place(0)[0] == pytest.approx(6 + 2.25, abs=1e-4), "a game second at full speed"
    battle.loops(100)
    reach = MARINE.radius + MARINE.range + MARAUDER.radius
    assert reach - MARINE.speed <= 20 - battle.place(0)[0] <= reach
    assert battle.state.health[ENEMY, 0] < MARAUDER.health


def test_an_attacker_follows_a_target_that_leaves() -> None:
    battle = Battle([(ZEALOT, 10, 16)], [(STALKER, 11.2, 16)], attack=(30, 16))
    battle.state.cooldown[ENEMY] = 1000
    battle.state.automatic[ENEMY] = False
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert battle.state.shield[ENEMY, 0] == 80 - 2 * 8
    battle.loops(48)
    assert battle.state.shield[ENEMY, 0] == 80 - 2 * 8, "a Stalker is faster"
    assert battle.place(0)[0] == pytest.approx(10 + 3 * 2.25, abs=0.3)


@pytest.mark.parametrize("unit_type", [MARAUDER, ZEALOT], ids=lambda unit_type: unit_type.name)
def test_what_cannot_hit_air_refuses_to_attack_a_medivac_and_goes_on_with_its_order(unit_type: UnitType) -> None:
    battle = Battle([(unit_type, 16, 16)], [(MEDIVAC, 17, 16), (MARINE, 16, 10)])
    battle.order(0, MOVE, point=(4, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.loops(8)
    assert battle.state.health[ENEMY, 0] == MEDIVAC.health
    assert battle.place(0)[0] == pytest.approx(16 - 1.125, abs=1e-4)


@pytest.mark.parametrize("unit_type", [MARINE, STALKER], ids=lambda unit_type: unit_type.name)
def test_marines_and_stalkers_hit_air(unit_type: UnitType) -> None:
    battle = Battle([(unit_type, 16, 16)], [(MEDIVAC, 17, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert battle.state.health[ENEMY, 0] < MEDIVAC.health


def test_the_dead_obey_nothing() -> None:
    battle = Battle([(MARINE, 16, 16)], [(STALKER, 18, 16)], attack=(16, 16))
    battle.state.health[0] = 1
    battle.loops(1)
    battle.order(0, ATTACK, ENEMY)
    battle.loops(20)
    assert battle.state.shield[ENEMY, 0] == 80
    battle.order(0, MOVE, point=(4, 4))
    battle.loops(20)
    assert battle.place(0) == (16, 16)


def test_no_attack_by_the_unarmed_on_friends_or_on_the_dead() -> None:
    battle = Battle([(MEDIVAC, 16, 16), (MARINE, 16, 16), (MARINE, 17, 18)], [(MARINE, 18, 16), (MARINE, 18, 17)])
    battle.state.health[ENEMY + 1] = 6
    battle.order(2, ATTACK, ENEMY + 1)
    battle.loops(1)
    assert not battle.state.alive[ENEMY + 1, 0]
    battle.order(0, ATTACK, ENEMY)
    battle.order(1, ATTACK, 2)
    battle.order(2, ATTACK, ENEMY + 1)
    battle.loops(30)
    assert battle.state.health[:, 0].tolist() == [150, 45, 45, 0, 0, 0, 0, 0, 45, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("unit_type", [MARINE, MARAUDER, STALKER], ids=lambda unit_type: unit_type.name)
def test_what_is_exactly_in_range_is_hit(unit_type: UnitType) -> None:
    reach = unit_type.radius + unit_type.range + MARAUDER.radius
    battle = Battle([(unit_type, 10, 16)], [(MARAUDER, 10 + reach, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert battle.state.health[ENEMY, 0] < MARAUDER.health
    assert battle.place(0) == (10, 16)


def test_every_weapon_has_its_own_jitter() -> None:
    battle = Battle([(MARINE, 16, 16), (STALKER, 16, 18)], [(MARAUDER, 18, 16)], attack=(18, 16))
    battle.order(0, ATTACK, ENEMY)
    battle.order(1, ATTACK, ENEMY)
    jitter = np.linspace(-1, 2, 16, dtype=np.float32)[:, None]
    fight_on(battle.state, battle.engine.figures, jitter)
    periods = np.array([MARINE.period, STALKER.period, MARAUDER.period], np.float32)
    np.testing.assert_array_equal(battle.state.cooldown[[0, 1, ENEMY], 0], periods + jitter[[0, 1, ENEMY], 0])
