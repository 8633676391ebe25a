"""Where armies appear and in which order their units stand, the same with every engine."""

import numpy as np
from numpy.typing import NDArray

from copa.tasks import random
from copa.tasks.base import Floats, Ints
from copa.tasks.starcraft.chance import Purpose
from copa.tasks.starcraft.unit_types import UNIT_TYPES

MAP_SIZE = 32
SEPARATION = 14.0
"""Distance between the centres of the two armies."""
JITTER = 1.0
"""Largest offset along each axis of the units of one type from their army's centre."""

ALLY_ORDER = np.argsort(np.argsort([kind.name for kind in UNIT_TYPES]))
"""Place of each type among allies: by their own type numbers, which follow the alphabet."""
ENEMY_ORDER = np.arange(len(UNIT_TYPES))
"""Place of each type among enemies: by stock id."""


def spawn_points(seed: int, episodes: Ints) -> NDArray[np.float64]:
    """[N, 2, 5, 2], where the units of each of `UNIT_TYPES` of the allies and of the enemies are put down (x, y).

    The allies' centre is at a random angle about the middle of the map, the enemies' is its point reflection.
    """
    sides, kinds = 2, len(UNIT_TYPES)
    angle = random.uniform(random.words(seed, episodes, 0, Purpose.SPAWN, 0)[0], 0.0, 2 * np.pi)
    offset = SEPARATION / 2 * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    centres = MAP_SIZE / 2 + np.stack((offset, -offset), axis=1)
    index = np.tile(np.arange(1, 1 + sides * kinds), len(episodes))
    words = random.words(seed, np.repeat(episodes, sides * kinds), 0, Purpose.SPAWN, index)
    jitter = random.uniform(words[:2].T, -JITTER, JITTER).reshape(len(episodes), sides, kinds, 2)
    return centres[:, :, None] + jitter


def slot_order(kind: NDArray[np.int8], x: Floats, y: Floats, places: NDArray[np.int64]) -> Ints:
    """[N, 8], the units of one side [N, 8] in the order of their slots: by type, x, y; the absent (type -1) last.

    Args:
        places: `ALLY_ORDER` or `ENEMY_ORDER`.
    """
    by_type = np.where(kind < 0, len(places), places[kind])
    order: Ints = np.lexsort((y, x, by_type), axis=1)
    return order
