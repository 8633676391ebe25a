"""The figures of every unit are the published ones."""

import numpy as np
import pytest

from copa.tasks.starcraft.micro.rules import ARMED, HEALS, HITS_AIR
from copa.tasks.starcraft.unit_types import UNIT_TYPES, UnitType

FIGURES = {
    "Marine": {
        "stock_id": 48, "health": 45, "shield": 0, "armour": 0, "damage": 6, "bonus": 0, "hits": 1, "range": 5,
        "radius": 0.375, "separation": 0.375, "energy_start": 0, "energy_max": 0, "cooldown_max": 15,
    },
    "Marauder": {
        "stock_id": 51, "health": 125, "shield": 0, "armour": 1, "damage": 10, "bonus": 10, "hits": 1, "range": 6,
        "radius": 0.5625, "separation": 0.5625, "energy_start": 0, "energy_max": 0, "cooldown_max": 25,
    },
    "Medivac": {
        "stock_id": 54, "health": 150, "shield": 0, "armour": 1, "damage": 0, "bonus": 0, "hits": 0, "range": 4,
        "radius": 0.75, "separation": 0.75, "energy_start": 50, "energy_max": 200, "cooldown_max": 200,
    },
    "Zealot": {
        "stock_id": 73, "health": 100, "shield": 50, "armour": 1, "damage": 8, "bonus": 0, "hits": 2, "range": 0.1,
        "radius": 0.5, "separation": 0.375, "energy_start": 0, "energy_max": 0, "cooldown_max": 22,
    },
    "Stalker": {
        "stock_id": 74, "health": 80, "shield": 80, "armour": 1, "damage": 13, "bonus": 5, "hits": 1, "range": 6,
        "radius": 0.625, "separation": 0.625, "energy_start": 0, "energy_max": 0, "cooldown_max": 35,
    },
}  # fmt: skip
"""Plain figures of each type."""
PER_SECOND = {
    "Marine": {"period": 0.8608, "speed": 2.25, "enemy_speed": 2.25, "energy_regeneration": 0},
    "Marauder": {"period": 1.5, "speed": 2.25, "enemy_speed": 2.25, "energy_regeneration": 0},
    "Medivac": {"period": 0, "speed": 2.75, "enemy_speed": 2.5, "energy_regeneration": 0.5625},
    "Zealot": {"period": 1.2, "speed": 2.25, "enemy_speed": 2.25, "energy_regeneration": 0},
    "Stalker": {"period": 1.87, "speed": 2.9531, "enemy_speed": 2.9531, "energy_regeneration": 0},
}
"""Weapon periods in game seconds, speeds in cells and energy per game second."""
MARKS = {
    "light": {"Marine", "Zealot"},
    "armoured": {"Marauder", "Medivac", "Stalker"},
    "biological": {"Marine", "Marauder", "Zealot"},
    "mechanical": {"Medivac", "Stalker"},
    "flying": {"Medivac"},
}


@pytest.mark.parametrize("unit_type", UNIT_TYPES, ids=lambda unit_type: unit_type.name)
def test_figures_are_the_games(unit_type: UnitType) -> None:
    plain = FIGURES[unit_type.name]
    assert {name: getattr(unit_type, name) for name in plain} == plain
    seconds = PER_SECOND[unit_type.name]
    assert unit_type.period == pytest.approx(16 * seconds["period"])
    for name in ("speed", "enemy_speed", "energy_regeneration"):
        assert getattr(unit_type, name) == pytest.approx(seconds[name] / 16), name
    assert {name for name in MARKS if getattr(unit_type, name)} == {
        name for name, types in MARKS.items() if unit_type.name in types
    }


def test_who_is_armed_who_hits_air_and_who_heals() -> None:
    names = np.array([*FIGURES, "nobody"])
    assert [unit_type.name for unit_type in UNIT_TYPES] == list(FIGURES)
    assert names[ARMED].tolist() == ["Marine", "Marauder", "Zealot", "Stalker"]
    assert names[HITS_AIR].tolist() == ["Marine", "Stalker"]
    assert names[HEALS].tolist() == ["Medivac"]
