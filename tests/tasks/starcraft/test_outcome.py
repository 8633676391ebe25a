"""Rewards, and who has won."""

import numpy as np
import pytest

from copa.tasks.starcraft.outcome import outcome, reward
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.units import Units
from tests.tasks.starcraft.field import battle, changed, killed

SZ = battle([("Stalker", 1, 1), ("Zealot", 2, 1)], [("Zealot", 1, 2), ("Stalker", 2, 2)])
MMM = battle(
    [("Marauder", 1, 1), ("Marine", 2, 1), ("Medivac", 3, 1)],
    [("Marine", 1, 2), ("Marauder", 2, 2), ("Medivac", 3, 2)],
)


def paid(before: Units, after: Units, scenarios: ScenarioSet = ZEALOTS_AND_STALKERS, *, won: bool = False) -> float:
    """The reward before it is scaled."""
    scaled = reward(before, after, np.array([won]), scenarios)[0]
    return float(scaled * scenarios.max_reward / 20)


def ended(units: Units, scenarios: ScenarioSet) -> str:
    found = outcome(units, scenarios)
    names = [name for name in ("won", "lost", "drawn") if getattr(found, name)[0]]
    assert found.decided[0] == bool(names)
    assert len(names) <= 1
    return names[0] if names else "open"


def test_damage_to_health_and_shield_pays() -> None:
    assert paid(SZ, changed(SZ, 8, health=70.0, shield=0.0)) == pytest.approx(30 + 50)


def test_damage_is_worked_out_in_double_precision() -> None:
    """Less than what single precision holds of health and shield together."""
    left = np.nextafter(np.float32(80), np.float32(0))
    assert paid(SZ, changed(SZ, 9, health=left)) == pytest.approx(80 - float(left), rel=1e-6)


def test_the_dead_pay_all_they_had_and_ten() -> None:
    hurt = changed(SZ, 8, health=30.0, shield=5.0)
    assert paid(hurt, killed(hurt, 8)) == pytest.approx(30 + 5 + 10)


def test_the_dead_pay_once() -> None:
    dead = killed(SZ, 8)
    assert paid(dead, dead) == 0.0
    assert paid(dead, changed(dead, 8, shield=0.0)) == 0.0


def test_what_enemies_regain_pays_as_well() -> None:
    hurt = changed(SZ, 8, shield=10.0)
    assert paid(hurt, changed(hurt, 8, shield=26.0)) == pytest.approx(16)


def test_the_magnitude_is_that_of_the_sum() -> None:
    hurt = changed(SZ, 8, shield=10.0)
    both = changed(changed(hurt, 8, shield=26.0), 9, health=70.0)
    assert paid(hurt, both) == pytest.approx(16 - 10)
    dying = killed(changed(changed(hurt, 8, shield=50.0), 9, health=1.0, shield=0.0), 9)
    assert paid(changed(hurt, 9, health=1.0, shield=0.0), dying) == pytest.approx(40 - 1 - 10)


def test_losses_of_allies_do_not_count() -> None:
    assert paid(SZ, killed(changed(SZ, 1, health=3.0), 0)) == 0.0


def test_a_victory_pays_two_hundred_outside_the_magnitude() -> None:
    hurt = changed(SZ, 8, shield=10.0)
    assert paid(hurt, changed(hurt, 8, shield=26.0), won=True) == pytest.approx(16 + 200)


@pytest.mark.parametrize(
    ("scenarios", "units", "most"), [(ZEALOTS_AND_STALKERS, SZ, 1550), (MARINES_MARAUDERS_MEDIVACS, MMM, 930)]
)
def test_rewards_are_twenty_times_their_share_of_a_constant(scenarios: ScenarioSet, units: Units, most: float) -> None:
    after = changed(units, 8, health=units.health[0, 8] - 7)
    assert reward(units, after, np.array([False]), scenarios)[0] == pytest.approx(7 * 20 / most)


@pytest.mark.parametrize(
    ("dead", "end"),
    [((), "open"), ((0, 8), "open"), ((0, 1), "lost"), ((8, 9), "won"), ((0, 1, 8), "lost"), ((0, 1, 8, 9), "drawn")],
)
def test_a_side_is_beaten_when_all_are_dead(dead: tuple[int, ...], end: str) -> None:
    assert ended(killed(SZ, *dead), ZEALOTS_AND_STALKERS) == end


@pytest.mark.parametrize(
    ("dead", "end"),
    [
        ((), "open"),
        ((2, 10), "open"),
        ((0, 1), "lost"),
        ((0, 1, 2), "lost"),
        ((8, 9), "won"),
        ((8, 9, 10), "won"),
        ((2, 8, 9), "won"),
        ((0, 1, 8, 9), "lost"),
        ((0, 1, 2, 8, 9, 10), "lost"),
        ((0, 1, 2, 8, 9), "lost"),
    ],
)
def test_medivacs_alone_are_beaten_and_defeat_comes_first(dead: tuple[int, ...], end: str) -> None:
    assert ended(killed(MMM, *dead), MARINES_MARAUDERS_MEDIVACS) == end
