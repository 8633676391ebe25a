"""Unit types and their data per game loop, 16 of which are a game second (docs/tasks/starcraft.md)."""

from dataclasses import dataclass

LOOPS_PER_SECOND = 16


@dataclass(frozen=True, slots=True)
class UnitType:
    """One type of unit. Distances in map cells, times in game loops, speeds in cells per loop."""

    name: str
    stock_id: int
    """The game's own type number."""
    health: float
    shield: float
    armour: float
    light: bool
    armoured: bool
    biological: bool
    mechanical: bool
    flying: bool
    damage: float
    """Per hit; 0 for a unit without a weapon."""
    bonus: float
    """Further damage per hit to armoured units."""
    hits: int
    hits_air: bool
    period: float
    """Loops between two attacks."""
    cooldown_max: float
    """What the view divides the cooldown by."""
    range: float
    """From edge to edge, of the weapon or of healing."""
    speed: float
    enemy_speed: float
    """The enemy's units are the game's stock types, which differ for the Medivac."""
    radius: float
    separation: float
    """Radius within which other bodies of the same plane are kept out."""
    energy_start: float = 0.0
    energy_max: float = 0.0
    energy_regeneration: float = 0.0
    """Per loop."""


def _per_loop(per_second: float) -> float:
    return per_second / LOOPS_PER_SECOND


MARINE = UnitType(
    "Marine", 48, 45, 0, 0, True, False, True, False, False, 6, 0, 1, True,
    0.8608 * LOOPS_PER_SECOND, 15, 5, _per_loop(2.25), _per_loop(2.25), 0.375, 0.375,
)  # fmt: skip
MARAUDER = UnitType(
    "Marauder", 51, 125, 0, 1, False, True, True, False, False, 10, 10, 1, False,
    1.5 * LOOPS_PER_SECOND, 25, 6, _per_loop(2.25), _per_loop(2.25), 0.5625, 0.5625,
)  # fmt: skip
MEDIVAC = UnitType(
    "Medivac", 54, 150, 0, 1, False, True, False, True, True, 0, 0, 0, False,
    0, 200, 4, _per_loop(2.75), _per_loop(2.5), 0.75, 0.75, 50, 200, _per_loop(0.5625),
)  # fmt: skip
ZEALOT = UnitType(
    "Zealot", 73, 100, 50, 1, True, False, True, False, False, 8, 0, 2, False,
    1.2 * LOOPS_PER_SECOND, 22, 0.1, _per_loop(2.25), _per_loop(2.25), 0.5, 0.375,
)  # fmt: skip
STALKER = UnitType(
    "Stalker", 74, 80, 80, 1, False, True, False, True, False, 13, 5, 1, True,
    1.87 * LOOPS_PER_SECOND, 35, 6, _per_loop(2.9531), _per_loop(2.9531), 0.625, 0.625,
)  # fmt: skip

UNIT_TYPES: tuple[UnitType, ...] = (MARINE, MARAUDER, MEDIVAC, ZEALOT, STALKER)
"""Sorted by stock id; `Units.kind` is an index into this."""
