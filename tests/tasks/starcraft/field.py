"""Battles put into a chosen situation."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from copa.tasks.base import Ints
from copa.tasks.starcraft.unit_types import UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, UNITS, Units

KINDS = [kind.name for kind in UNIT_TYPES]
Placed = tuple[str, float, float]
"""Type, x, y."""


def battle(allies: Sequence[Placed], enemies: Sequence[Placed]) -> Units:
    """One battle of unhurt units, each side in the order given."""
    units = Units.none(1)
    placed = [*enumerate(allies), *enumerate(enemies, start=ALLIES)]
    for slot, (name, x, y) in placed:
        kind = UNIT_TYPES[KINDS.index(name)]
        units.present[0, slot] = units.alive[0, slot] = True
        units.kind[0, slot] = KINDS.index(name)
        units.x[0, slot], units.y[0, slot] = x, y
        units.health[0, slot] = units.health_max[0, slot] = kind.health
        units.shield[0, slot] = units.shield_max[0, slot] = kind.shield
        units.energy[0, slot], units.energy_max[0, slot] = kind.energy_start, kind.energy_max
    return units


def changed(units: Units, slot: int, **values: Any) -> Units:
    """The same battle with other values of one unit."""
    arrays = {name: getattr(units, name).copy() for name in values}
    for name, value in values.items():
        arrays[name][0, slot] = value
    return replace(units, **arrays)


def killed(units: Units, *slots: int) -> Units:
    """The same battle after the death of the units in `slots`."""
    for slot in slots:
        units = changed(units, slot, alive=False, health=0.0)
    return units


def tags() -> Ints:
    """[1, 16], tags that are not the slots: allies 15 down to 8, enemies 7 down to 0."""
    return np.arange(UNITS)[::-1][None].copy()
