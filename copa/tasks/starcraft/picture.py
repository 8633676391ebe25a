"""What one battle looks like."""

import numpy as np

from copa.tasks.drawing import Body, Drawing, Shape
from copa.tasks.starcraft.spawn import MAP_SIZE
from copa.tasks.starcraft.unit_types import UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, Units
from copa.tasks.starcraft.view import SIGHT

ALLY_COLOUR, ENEMY_COLOUR = "#2e86ab", "#c8553d"
SHAPES: dict[str, Shape] = {
    "Marine": "circle",
    "Marauder": "square",
    "Medivac": "diamond",
    "Zealot": "triangle",
    "Stalker": "square",
}


def draw(units: Units, battle: int) -> Drawing:
    """The living units of one battle, enemies first, each with what it has left of health, shield and energy."""
    slots = np.flatnonzero(units.alive[battle])
    bodies = [_body(units, battle, int(slot)) for slot in (*slots[slots >= ALLIES], *slots[slots < ALLIES])]
    return Drawing(bounds=(0.0, 0.0, float(MAP_SIZE), float(MAP_SIZE)), bodies=tuple(bodies))


def _body(units: Units, battle: int, slot: int) -> Body:
    kind, ally = UNIT_TYPES[units.kind[battle, slot]], slot < ALLIES
    left = {
        name: float(getattr(units, name)[battle, slot] / most)
        for name in ("health", "shield", "energy")
        if (most := getattr(units, f"{name}_max")[battle, slot]) > 0
    }
    return Body(
        name=f"{'ally' if ally else 'enemy'} {kind.name}",
        x=float(units.x[battle, slot]),
        y=float(units.y[battle, slot]),
        radius=kind.radius,
        colour=ALLY_COLOUR if ally else ENEMY_COLOUR,
        shape=SHAPES[kind.name],
        slot=slot if ally else None,
        row=slot,
        abilities=left,
        sight=SIGHT if ally else None,
    )
