"""Numbers of the battle beside those of `unit_types`: lengths in map cells, times in game loops."""

import numpy as np

from copa.tasks.base import Bools, Floats
from copa.tasks.starcraft.unit_types import LOOPS_PER_SECOND, UNIT_TYPES

LOOPS_PER_STEP = 8
LOOPS_BEFORE_ORDERS = 4
"""Loops between the first view of an episode and its first orders, the enemy's among them."""

SCAN_RANGE = 5.0
"""From edge to edge: units that choose for themselves look for targets so far, or as far as their weapon reaches."""
ARRIVAL = 2.0
"""An attack-move ends so near its point, so that eight bodies find room about it."""

JITTER = (-1.0, 2.0)
"""Added to the period of a weapon, uniform, after every attack."""
LEAST_DAMAGE = 0.5
"""What a hit takes from health at least, whatever the armour."""
SHIELD_DELAY = 10 * LOOPS_PER_SECOND
"""Loops without damage before shields grow back."""
SHIELD_REGENERATION = 2.0 / LOOPS_PER_SECOND
"""Per loop."""
HEALING = 9.0 / LOOPS_PER_SECOND
"""Health per loop that a Medivac gives."""
HEALTH_PER_ENERGY = 3.0

SEPARATION_ROUNDS = 3
"""Times per loop that bodies which touch are pushed apart."""
SMALLEST = 1e-6
"""No distance is divided by less."""


def _figure(name: str) -> Floats:
    """[6], one number for each of `UNIT_TYPES`, and 0 for no unit: types are -1 there."""
    return np.array([*(getattr(kind, name) for kind in UNIT_TYPES), 0], np.float32)


def _mark(name: str) -> Bools:
    return _figure(name).astype(np.bool_)


HEALTH, SHIELD, ENERGY, ENERGY_MAX = map(_figure, ("health", "shield", "energy_start", "energy_max"))
ARMOUR, DAMAGE, BONUS, PERIOD = map(_figure, ("armour", "damage", "bonus", "period"))
HITS = _figure("hits").astype(np.int64)
RANGE, RADIUS, SEPARATION = map(_figure, ("range", "radius", "separation"))
ENERGY_REGENERATION = _figure("energy_regeneration")
SPEEDS = np.stack((_figure("speed"), _figure("enemy_speed")))
"""[2, 6], of allies and of enemies."""
ARMOURED, BIOLOGICAL, FLYING, HITS_AIR, ARMED = map(_mark, ("armoured", "biological", "flying", "hits_air", "hits"))
HEALS = ENERGY_MAX > 0
