"""The expert attacks the nearest and heals the most hurt."""

import numpy as np
import pytest

from copa.tasks.drawing import Body
from copa.tasks.starcraft.actions import available
from copa.tasks.starcraft.expert import greedy_actions
from copa.tasks.starcraft.picture import draw
from copa.tasks.starcraft.scenarios import MARINES_MARAUDERS_MEDIVACS, ZEALOTS_AND_STALKERS, ScenarioSet
from copa.tasks.starcraft.units import Units
from tests.tasks.starcraft.field import battle, changed, killed, tags


def chosen(units: Units, scenarios: ScenarioSet) -> list[str]:
    actions = greedy_actions(units, tags(), scenarios)
    possible = available(units, tags(), scenarios)
    assert np.take_along_axis(possible, actions[..., None], axis=2).all()
    return [scenarios.actions[action] for action in actions[0]]


def test_the_nearest_enemy_in_reach_is_attacked() -> None:
    units = battle([("Stalker", 10, 10), ("Zealot", 12, 10)], [("Zealot", 14, 10), ("Stalker", 13, 10)])
    assert chosen(units, ZEALOTS_AND_STALKERS)[:2] == ["attack 6", "attack 6"]
    assert chosen(killed(units, 9), ZEALOTS_AND_STALKERS)[:2] == ["attack 7", "attack 7"]


@pytest.mark.parametrize(("x", "y", "move"), [(20, 12, "east"), (2, 12, "west"), (12, 20, "north"), (8, 2, "south")])
def test_who_has_none_in_reach_approaches_the_nearest(x: float, y: float, move: str) -> None:
    assert chosen(battle([("Zealot", 10, 10)], [("Zealot", x, y), ("Zealot", 31, 31)]), ZEALOTS_AND_STALKERS)[0] == move


def test_who_stands_at_the_edge_takes_a_move_that_is_open() -> None:
    assert chosen(battle([("Zealot", 31, 10)], [("Zealot", 31.9, 17.5)]), ZEALOTS_AND_STALKERS)[0] == "north"


def test_the_dead_do_nothing_and_the_victors_stop() -> None:
    units = killed(battle([("Stalker", 10, 10), ("Zealot", 12, 10)], [("Zealot", 14, 10)]), 0, 8)
    assert chosen(units, ZEALOTS_AND_STALKERS)[:3] == ["no-op", "stop", "no-op"]


def test_what_a_weapon_cannot_hit_is_left_alone() -> None:
    units = battle([("Marauder", 10, 10), ("Marine", 10, 11)], [("Medivac", 11, 10), ("Marine", 13, 10)])
    assert chosen(units, MARINES_MARAUDERS_MEDIVACS)[:2] == ["attack 6", "attack 7"]


def test_medivacs_heal_the_most_hurt_in_reach_by_share() -> None:
    units = battle(
        [("Marauder", 10, 10), ("Marine", 11, 10), ("Medivac", 12, 10), ("Marine", 25, 10)], [("Marine", 30, 30)]
    )
    hurt = changed(changed(changed(units, 0, health=60.0), 1, health=30.0), 3, health=1.0)
    assert chosen(hurt, MARINES_MARAUDERS_MEDIVACS)[2] == "heal 7"
    assert chosen(changed(hurt, 1, health=20.0), MARINES_MARAUDERS_MEDIVACS)[2] == "heal 6"


def test_medivacs_follow_the_others() -> None:
    units = battle([("Marine", 20, 10), ("Medivac", 10, 10), ("Medivac", 10, 11)], [("Marine", 30, 30)])
    assert chosen(units, MARINES_MARAUDERS_MEDIVACS)[1:3] == ["east", "east"]
    assert chosen(killed(units, 0), MARINES_MARAUDERS_MEDIVACS)[1] == "stop"


def test_a_drawing_shows_the_living() -> None:
    units = battle([("Marine", 20, 10), ("Medivac", 10, 10)], [("Marine", 30, 30), ("Marauder", 30, 29)])
    drawing = draw(changed(killed(units, 8), 9, health=31.25), 0)
    assert drawing.bounds == (0, 0, 32, 32)
    bodies: dict[str, Body] = {body.name: body for body in drawing.bodies}
    assert list(bodies) == ["enemy Marauder", "ally Marine", "ally Medivac"]
    enemy, medivac = bodies["enemy Marauder"], bodies["ally Medivac"]
    assert (enemy.x, enemy.y, enemy.row, enemy.slot, enemy.sight) == (30, 29, 9, None, None)
    assert (medivac.row, medivac.slot, medivac.sight, medivac.radius) == (1, 1, 9, 0.75)
    assert enemy.abilities == {"health": 0.25}
    assert medivac.abilities == {"health": 1.0, "energy": 0.25}
