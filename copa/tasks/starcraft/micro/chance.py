"""What a battle draws: pure functions of the run's seed, the episode, and what the draw is for."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from copa.tasks import random
from copa.tasks.base import Floats, Ints
from copa.tasks.starcraft.chance import Purpose as TaskPurpose
from copa.tasks.starcraft.micro.rules import JITTER
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.units import UNITS

WORDS = 4
"""Random words that one draw gives."""


class Purpose(IntEnum):
    """What a draw is for; part of its counter."""

    JITTER = TaskPurpose.ENGINE
    SPREAD = TaskPurpose.ENGINE + 1


def spread_angles(seed: int, episodes: Ints) -> NDArray[np.float64]:
    """[2, N], how each army of `episodes` [N] is turned, so that no direction of the map is special."""
    return random.uniform(random.words(seed, episodes, 0, Purpose.SPREAD, 0)[:2], 0.0, 2 * np.pi)


def weapon_jitter(seed: int, state: State) -> Floats:
    """[16, B], what each unit adds to its weapon's period if it attacks in the step that begins.

    One number is enough: the shortest period is longer than a step, so that no unit attacks twice in it.
    """
    draws = UNITS // WORDS
    episodes, clocks = np.tile(state.episode, draws), np.tile(state.clock, draws)
    words = random.words(seed, episodes, clocks, Purpose.JITTER, np.repeat(np.arange(draws), state.battles))
    return random.uniform(words, *JITTER).astype(np.float32).reshape(UNITS, state.battles)
