"""What a battle draws as it goes on: a pure function of (run seed, episode, loop, unit)."""

import numpy as np

from copa.tasks import random
from copa.tasks.base import Floats
from copa.tasks.starcraft.chance import Purpose
from copa.tasks.starcraft.micro.rules import JITTER
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.units import UNITS

WORDS = 4
"""Random words that one draw gives."""


def weapon_jitter(seed: int, state: State) -> Floats:
    """[16, B], what each unit adds to its weapon's period if it attacks in the step that begins.

    One number is enough: the shortest period is longer than a step, so that no unit attacks twice in it.
    """
    draws = UNITS // WORDS
    episodes, clocks = np.tile(state.episode, draws), np.tile(state.clock, draws)
    words = random.words(seed, episodes, clocks, Purpose.ENGINE, np.repeat(np.arange(draws), state.battles))
    return random.uniform(words, *JITTER).astype(np.float32).reshape(UNITS, state.battles)
