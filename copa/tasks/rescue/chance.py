"""All that is random in a game, each draw a pure function of (run seed, episode, step, purpose, index)."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from copa.tasks import random
from copa.tasks.base import Bools, Ints
from copa.tasks.rescue.rules import TRAINING_SKILLS
from copa.tasks.rescue.state import State

Numbers = NDArray[np.float64]


class Purpose(IntEnum):
    """What a draw is for; part of its counter."""

    OPENING = 0
    ROBOT = 1
    FIRE = 2
    OUTBREAK = 3
    CHANGE = 4


class Draws:
    """Counter-based draws under the run's seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def opening(self, state: State, robots: tuple[int, int], fires: tuple[int, int]) -> tuple[Ints, Ints]:
        """How many robots and how many fires each game begins with [B], uniform between two numbers, both included."""
        words = self._words(state, np.arange(state.games), Purpose.OPENING)
        return random.integers(words[0], *robots), random.integers(words[1], *fires)

    def robots(
        self, state: State, slots: Ints, games: Ints, skills: tuple[float, float] | None
    ) -> tuple[Numbers, Numbers]:
        """Of the robots that begin in `slots` [N] of `games` [N]: where, in (0, 1), and their skill.

        Skills are uniform between the two of `skills`, or one of the training values where that is None.
        """
        words = self._words(state, games, Purpose.ROBOT, slots)
        drawn = random.choice(words[1], TRAINING_SKILLS) if skills is None else random.uniform(words[1], *skills)
        return random.uniform(words[0]), drawn

    def outbreak(self, state: State) -> Numbers:
        """[B], in (0, 1), from which the number of new fires follows."""
        return random.uniform(self._words(state, np.arange(state.games), Purpose.OUTBREAK)[0])

    def fires(self, state: State, games: Ints, numbers: Ints) -> tuple[Numbers, Numbers]:
        """Of the fires `numbers` [N] that break out in this step of `games` [N]: where, and their level, in (0, 1)."""
        words = self._words(state, games, Purpose.FIRE, numbers)
        return random.uniform(words[0]), random.uniform(words[1])

    def coins(self, state: State, games: Ints) -> Bools:
        """[N], true with probability 1/2."""
        return np.equal(random.integers(self._words(state, games, Purpose.CHANGE)[0], 0, 1), 1)

    def _words(self, state: State, games: Ints, purpose: Purpose, index: Ints | int = 0) -> random.Words:
        return random.words(self.seed, state.episode[games], state.clock[games], purpose, index)
