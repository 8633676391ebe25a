"""Shields that grow back, energy, and what Medivacs give."""

import numpy as np
import pytest

from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, ZEALOT
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, STOP
from tests.tasks.starcraft.micro import ENEMY, Battle


def struck_zealot() -> Battle:
    """An enemy's Zealot with 37 points of shield, hit in the last loop."""
    battle = Battle([(STALKER, 16, 16)], [(ZEALOT, 18, 16)])
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    battle.order(0, STOP)
    return battle


def test_shields_grow_after_160_loops_without_damage_an_eighth_a_loop() -> None:
    battle = struck_zealot()
    battle.loops(160)
    assert battle.state.shield[ENEMY, 0] == 50 - 13
    battle.loops(1)
    assert battle.state.shield[ENEMY, 0] == 50 - 13 + 0.125
    battle.loops(15)
    assert battle.state.shield[ENEMY, 0] == 50 - 13 + 2, "two a game second"
    battle.loops(200)
    assert battle.state.shield[ENEMY, 0] == 50, "no more than there is room for"


def test_damage_starts_the_delay_again() -> None:
    battle = struck_zealot()
    battle.loops(159)
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    battle.order(0, STOP)
    battle.loops(160)
    assert battle.state.shield[ENEMY, 0] == 50 - 2 * 13
    battle.loops(1)
    assert battle.state.shield[ENEMY, 0] == 50 - 2 * 13 + 0.125


def test_a_hit_that_meets_no_shield_starts_the_delay_again() -> None:
    battle = struck_zealot()
    battle.state.shield[ENEMY] = 0
    battle.loops(159)
    battle.order(0, ATTACK, ENEMY)
    battle.loops(1)
    assert battle.state.health[ENEMY, 0] == 100 - (13 - 1)
    battle.order(0, STOP)
    battle.loops(160)
    assert battle.state.shield[ENEMY, 0] == 0
    battle.loops(1)
    assert battle.state.shield[ENEMY, 0] == 0.125


def test_health_does_not_grow_by_itself() -> None:
    battle = Battle([(MARINE, 16, 16), (ZEALOT, 18, 16)])
    battle.state.health[:2] = 20
    battle.loops(400)
    assert battle.state.health[:2, 0].tolist() == [20, 20]


def test_a_medivac_begins_with_50_energy_and_gains_up_to_200() -> None:
    battle = Battle([(MEDIVAC, 16, 16), (MARINE, 20, 16)])
    assert battle.engine.units.energy[0, :2].tolist() == [50, 0]
    battle.loops(16)
    assert battle.engine.units.energy[0, :2].tolist() == [50 + 0.5625, 0]
    battle.state.energy[0] = 199.99
    battle.loops(2)
    assert battle.engine.units.energy[0, 0] == battle.engine.units.energy_max[0, 0] == 200


def healing(patient_health: float = 10.0, energy: float = 50.0) -> Battle:
    """A Medivac told to heal a Marauder in reach."""
    battle = Battle([(MARAUDER, 16, 16), (MEDIVAC, 18, 16)])
    battle.state.health[0] = patient_health
    battle.state.energy[1] = energy
    battle.order(1, HEAL, 0)
    return battle


def test_healing_gives_nine_health_a_game_second_for_three_energy() -> None:
    battle = healing()
    battle.loops(16)
    assert battle.state.health[0, 0] == 10 + 9
    assert battle.state.energy[1, 0] == pytest.approx(50 + 0.5625 - 3, abs=1e-4)


def test_healing_uses_no_weapon() -> None:
    battle = healing()
    battle.loops(8, jitter=2.0)
    assert battle.state.cooldown[1, 0] == 0


def test_healing_stops_at_full_health_and_costs_only_what_it_gives() -> None:
    battle = healing(patient_health=124.75)
    battle.loops(2)
    assert battle.state.health[0, 0] == 125
    assert battle.state.energy[1, 0] == pytest.approx(50 + 2 * 0.5625 / 16 - 0.25 / 3, abs=1e-4)


def test_the_order_to_heal_stands_while_the_patient_is_whole() -> None:
    battle = healing(patient_health=125)
    battle.loops(5)
    battle.state.health[0] = 100
    battle.loops(16)
    assert battle.state.health[0, 0] == 109


def test_a_medivac_without_energy_gives_what_it_gains() -> None:
    battle = healing(energy=0)
    battle.loops(16)
    assert battle.state.health[0, 0] == pytest.approx(10 + 3 * 0.5625, abs=1e-4)
    assert battle.state.energy[1, 0] == pytest.approx(0, abs=1e-4)


def test_two_medivacs_heal_one_unit_twice_as_fast_and_not_beyond_its_health() -> None:
    battle = Battle([(MARINE, 16, 16), (MEDIVAC, 18, 16), (MEDIVAC, 14, 16)])
    battle.state.health[0] = 20
    battle.order(1, HEAL, 0)
    battle.order(2, HEAL, 0)
    battle.loops(16)
    assert battle.state.health[0, 0] == 20 + 18
    battle.loops(16)
    assert battle.state.health[0, 0] == 45


def test_each_of_two_that_make_a_unit_whole_pays_as_if_it_were_alone() -> None:
    battle = Battle([(MARINE, 16, 16), (MEDIVAC, 18, 16), (MEDIVAC, 14, 16)])
    battle.state.health[0] = 44.75
    battle.order(1, HEAL, 0)
    battle.order(2, HEAL, 0)
    battle.loops(1)
    assert battle.state.health[0, 0] == 45
    np.testing.assert_allclose(battle.state.energy[1:3, 0], 50 + 0.5625 / 16 - 0.25 / 3, rtol=1e-6)


def test_a_medivac_flies_to_its_patient_and_heals_from_four_cells_edge_to_edge() -> None:
    battle = Battle([(MARINE, 16, 16), (MEDIVAC, 26, 16)])
    battle.state.health[0] = 1
    battle.order(1, HEAL, 0)
    reach = MARINE.radius + 4 + MEDIVAC.radius
    loops = int(np.ceil((10 - reach) / MEDIVAC.speed))
    battle.loops(loops)
    assert battle.state.health[0, 0] == 1
    assert reach - MEDIVAC.speed < battle.place(1)[0] - 16 <= reach
    battle.loops(1)
    assert battle.state.health[0, 0] == 1 + 0.5625
    place = battle.place(1)
    battle.loops(10)
    assert battle.place(1) == place


def test_only_the_biological_on_ones_own_side_are_healed_and_only_by_medivacs() -> None:
    battle = Battle([(STALKER, 16, 16), (MEDIVAC, 17, 16), (MEDIVAC, 17, 18), (MARINE, 18, 17)], [(MARINE, 18, 16)])
    battle.state.health[[0, 2, 3, ENEMY]] = 10
    for target in (0, 2, ENEMY):
        battle.order(1, HEAL, target)
        battle.loops(8)
    battle.order(0, HEAL, 3)
    battle.loops(8)
    assert battle.state.health[[0, 2, 3, ENEMY], 0].tolist() == [10, 10, 10, 10]


def test_a_refused_order_to_heal_leaves_the_order_before() -> None:
    battle = Battle([(STALKER, 16, 16), (MEDIVAC, 18, 16)])
    battle.order(1, MOVE, point=(28, 16))
    battle.order(1, HEAL, 0)
    battle.loops(8)
    assert battle.place(1)[0] == pytest.approx(18 + 2.75 / 2, abs=1e-4)


def test_allied_medivacs_heal_by_order_alone() -> None:
    battle = Battle([(MARINE, 16, 16), (MEDIVAC, 18, 16)])
    battle.state.health[0] = 10
    battle.loops(16)
    assert battle.state.health[0, 0] == 10


def test_the_dead_are_not_healed() -> None:
    battle = Battle([(MARINE, 16, 16), (MEDIVAC, 18, 16)], [(MARINE, 14, 16)], attack=(16, 16))
    battle.state.health[0] = 6
    battle.order(1, HEAL, 0)
    battle.loops(1)
    assert not battle.state.alive[0, 0]
    battle.loops(5)
    assert battle.state.health[0, 0] == 0
    assert battle.state.energy[1, 0] > 50
