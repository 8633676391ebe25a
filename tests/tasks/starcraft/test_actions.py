"""What may be chosen, and what it tells the engine."""

import numpy as np
import pytest

from copa.tasks.starcraft.actions import available, orders
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, NONE, STOP, Units
from tests.tasks.starcraft.field import Placed, battle, killed, tags

FAR = ("Zealot", 30.0, 30.0)


def allowed(units: Units, agent: int, scenarios: ScenarioSet) -> set[str]:
    row = available(units, tags(), scenarios)[0, agent]
    return {name for name, possible in zip(scenarios.actions, row, strict=True) if possible}


def sz(x: float, y: float) -> set[str]:
    return allowed(battle([("Stalker", x, y)], [FAR]), 0, ZEALOTS_AND_STALKERS)


def test_the_living_may_stop_and_move() -> None:
    assert sz(10, 10) == {"stop", "north", "south", "east", "west"}


def test_the_dead_and_the_absent_have_the_no_op_alone() -> None:
    units = killed(battle([("Stalker", 10, 10), ("Stalker", 11, 10)], [("Zealot", 10, 11)]), 0)
    assert allowed(units, 0, ZEALOTS_AND_STALKERS) == {"no-op"}
    assert allowed(units, 5, ZEALOTS_AND_STALKERS) == {"no-op"}
    assert "no-op" not in allowed(units, 1, ZEALOTS_AND_STALKERS)


@pytest.mark.parametrize(
    ("x", "y", "closed"),
    [
        (10, 31, "north"),
        (10, 30.99, ""),
        (31, 10, "east"),
        (30.99, 10, ""),
        (10, 0, "south"),
        (10, 0.01, ""),
        (10, 0.5, ""),
        (0, 10, "west"),
        (0.01, 10, ""),
        (10, 1e-9, ""),
    ],
)
def test_a_move_is_open_where_the_cell_one_away_is_on_the_map(x: float, y: float, closed: str) -> None:
    assert {"north", "south", "east", "west"} - sz(x, y) == ({closed} if closed else set())


def test_a_cell_is_on_the_map_in_both_coordinates() -> None:
    assert sz(32, 10) == {"stop", "west"}
    assert sz(10, 32.5) == {"stop", "south"}


@pytest.mark.parametrize(("distance", "within"), [(6.0, True), (np.nextafter(np.float32(6), np.float32(7)), False)])
def test_a_target_is_within_six_between_centres(distance: float, within: bool) -> None:
    units = battle([("Stalker", 10, 0)], [FAR, ("Zealot", 10, float(distance))])
    assert ("attack 6" in allowed(units, 0, ZEALOTS_AND_STALKERS)) == within


def test_distances_are_worked_out_in_double_precision() -> None:
    """The root of 36.000001, which single precision rounds to 36."""
    units = battle([("Stalker", 10, 10)], [("Zealot", 16, 10.001), ("Zealot", 16, 10)])
    assert {name for name in allowed(units, 0, ZEALOTS_AND_STALKERS) if " " in name} == {"attack 6"}


def test_targets_are_named_by_tag_and_alive() -> None:
    units = battle([("Zealot", 10, 10)], [("Zealot", 11, 10), ("Stalker", 12, 10), FAR])
    assert {name for name in allowed(units, 0, ZEALOTS_AND_STALKERS) if "attack" in name} == {"attack 7", "attack 6"}
    assert "attack 7" not in allowed(killed(units, 8), 0, ZEALOTS_AND_STALKERS)


def test_a_medivac_may_heal_allies_that_do_not_fly_also_unhurt_and_attacks_nobody() -> None:
    units = battle(
        [("Marauder", 10, 10), ("Marine", 11, 10), ("Medivac", 12, 10), ("Medivac", 13, 10), ("Marine", 20, 10)],
        [("Marine", 12, 11)],
    )
    chosen = allowed(units, 2, MARINES_MARAUDERS_MEDIVACS)
    assert {name for name in chosen if " " in name} == {"heal 7", "heal 6"}
    assert "heal 6" not in allowed(killed(units, 1), 2, MARINES_MARAUDERS_MEDIVACS)


def test_who_cannot_hit_a_medivac_may_choose_it_all_the_same() -> None:
    units = battle([("Marauder", 10, 10), ("Marine", 10, 11)], [("Medivac", 12, 10)])
    for agent in (0, 1):
        assert {name for name in allowed(units, agent, MARINES_MARAUDERS_MEDIVACS) if " " in name} == {"attack 7"}


def test_orders_are_what_was_chosen() -> None:
    units = battle(
        [("Marauder", 10, 10), ("Marine", 11, 12), ("Medivac", 12, 10), ("Marine", 13.5, 10), ("Marine", 1, 1)],
        [("Marine", 12, 11), ("Marauder", 12, 12)],
    )
    names = ("stop", "north", "heal 6", "attack 6", "west", "no-op", "no-op", "no-op")
    actions = np.array([[MARINES_MARAUDERS_MEDIVACS.actions.index(name) for name in names]])
    told = orders(units, tags(), actions)
    assert told.kind[0].tolist() == [STOP, MOVE, HEAL, ATTACK, MOVE, NONE, NONE, NONE]
    assert told.point[0, [1, 4]].tolist() == [[11, 14], [-1, 1]]
    assert told.target[0, [2, 3]].tolist() == [1, 9]


def test_the_last_attack_is_none_on_the_first_to_be_healed() -> None:
    marines: list[Placed] = [("Marine", 10 + place, 10) for place in range(7)]
    units = battle([("Medivac", 10, 9), *marines], [("Marine", 10, 11)])
    actions = np.zeros((1, 8), np.int64)
    actions[0, :2] = [MARINES_MARAUDERS_MEDIVACS.actions.index(name) for name in ("heal 0", "attack 7")]
    told = orders(units, tags(), actions)
    assert told.kind[0, :2].tolist() == [HEAL, ATTACK]
    assert told.target[0, :2].tolist() == [7, 8]


@pytest.mark.parametrize(("name", "point"), [("north", (5, 7)), ("south", (5, 3)), ("east", (7, 5)), ("west", (3, 5))])
def test_moves_are_two_long(name: str, point: tuple[float, float]) -> None:
    actions = np.zeros((1, 8), np.int64)
    actions[0, 0] = ZEALOTS_AND_STALKERS.actions.index(name)
    told = orders(battle([("Zealot", 5, 5)], [FAR]), tags(), actions)
    assert tuple(told.point[0, 0]) == point
