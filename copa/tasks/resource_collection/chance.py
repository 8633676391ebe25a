"""All that is random in a game, each draw a pure function of (run seed, episode, step, purpose, index)."""

from enum import IntEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from copa.tasks import random
from copa.tasks.base import Bools, Ints
from copa.tasks.resource_collection.rules import (
    HELD_OUT_SPEEDS,
    INVADER_DELAY,
    INVADER_EDGE,
    INVADER_RADIUS,
    RESOURCE_EDGE,
    RESOURCE_RADII,
    TRAINING_ABILITIES,
    TRAINING_SPEEDS,
)
from copa.tasks.resource_collection.state import State

Numbers = NDArray[np.float64]

PROPOSALS = 2
"""Places that one draw proposes for a resource."""
DRAWS_PER_RESOURCE = 2**8
"""Distance between the indices of a resource's first draw in a step and of its next."""


class Purpose(IntEnum):
    """What a draw is for; part of its counter."""

    TRAITS = 0
    RESOURCE = 1
    INVADER_PLACE = 2
    INVADER_DELAY = 3
    TEAM = 4
    JOINER = 5


class Renewal(NamedTuple):
    """What one step's renewal draws: of L invaders that went, K that appear, N resources that reappear."""

    delays: Ints
    """[L]"""
    invaders: Numbers
    """[2, K], positions."""
    places: Numbers
    """[2, PROPOSALS, N], proposed positions."""


class Chance(Protocol):
    """Where the random parts of a renewal come from; games are columns of `state`."""

    def renewal(self, state: State, lost: Ints, back: Ints, games: Ints, resources: Ints) -> Renewal:
        """Draws for the games `lost` [L] and `back` [K], and for `resources` [N] of `games` [N]."""

    def places(self, state: State, games: Ints, resources: Ints, draws: Ints) -> Numbers:
        """Further proposals [2, PROPOSALS, N], after `draws` [N] earlier ones in this step."""


class Draws:
    """Chance by counter-based random numbers, under the run's seed."""

    def __init__(self, seed: int, longest_delay: int = INVADER_DELAY) -> None:
        self.seed = seed
        self.longest_delay = longest_delay

    def renewal(self, state: State, lost: Ints, back: Ints, games: Ints, resources: Ints) -> Renewal:
        """All in one batch: the fixed cost of a batch is most of the cost of few draws."""
        kinds = (Purpose.INVADER_DELAY, Purpose.INVADER_PLACE, Purpose.RESOURCE)
        purpose = np.repeat(kinds, (len(lost), len(back), len(games)))
        index = np.concatenate((np.zeros_like(lost), np.zeros_like(back), resources))
        words = self._words(state, np.concatenate((lost, back, games)), purpose, index)
        invaders, places = len(lost), len(lost) + len(back)
        arrival = INVADER_RADIUS * directions(words[0, invaders:places])
        return Renewal(
            delays=random.integers(words[0, :invaders], 1, self.longest_delay),
            invaders=np.clip(arrival, -INVADER_EDGE, INVADER_EDGE),
            places=resource_places(words[:, places:]),
        )

    def places(self, state: State, games: Ints, resources: Ints, draws: Ints) -> Numbers:
        """Radius and angle uniform about home, coordinates clipped."""
        return resource_places(self._words(state, games, Purpose.RESOURCE, resources + DRAWS_PER_RESOURCE * draws))

    def training_traits(self, state: State, games: Ints, slots: Ints) -> Numbers:
        """[4, N]: every trait one of three values."""
        words = self._words(state, games, Purpose.TRAITS, slots)
        return np.stack((*random.choice(words[:3], TRAINING_ABILITIES), random.choice(words[3], TRAINING_SPEEDS)))

    def held_out_traits(self, state: State, games: Ints, slots: Ints) -> Numbers:
        """[4, N]: every trait from a range."""
        words = self._words(state, games, Purpose.TRAITS, slots)
        return np.stack((*random.uniform(words[:3]), random.uniform(words[3], *HELD_OUT_SPEEDS)))

    def coins(self, state: State, games: Ints) -> Bools:
        """[N], true with probability 1/2."""
        return np.equal(random.integers(self._words(state, games, Purpose.TEAM)[0], 0, 1), 1)

    def joiner_directions(self, state: State, games: Ints) -> Numbers:
        """Unit vectors [2, N], uniform."""
        return directions(self._words(state, games, Purpose.JOINER)[0])

    def _words(self, state: State, games: Ints, purpose: Ints | Purpose, index: Ints | int = 0) -> random.Words:
        return random.words(self.seed, state.episode[games], state.clock[games], purpose, index)


def resource_places(words: random.Words) -> Numbers:
    """Positions [2, PROPOSALS, N]: radius and angle about home uniform, coordinates clipped."""
    radius = random.uniform(words[:PROPOSALS], *RESOURCE_RADII)
    return np.clip(radius * directions(words[PROPOSALS:]), -RESOURCE_EDGE, RESOURCE_EDGE)


def directions(words: random.Words) -> Numbers:
    """Uniform unit vectors [2, ...]."""
    angle = random.uniform(words, 0.0, 2 * np.pi)
    return np.stack((np.cos(angle), np.sin(angle)))
