"""The whole state of B games."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Ints
from copa.tasks.columns import Columns
from copa.tasks.resource_collection.rules import AGENTS, AT_NOTHING, EVENTS, HORIZON, LANDMARKS, TYPES

Reals = NDArray[np.floating[Any]]
Small = NDArray[np.int8]

AGENT_FEATURES = 2 + 2 + (1 + TYPES) + (1 + 1 + TYPES + 1)
"""Velocity, position, what is carried, what it is at."""
CARRIED = slice(5, 5 + TYPES)
"""Features that say which type of resource an agent carries."""


@dataclass(slots=True)
class State(Columns):
    """Everything that a game's future depends on, and the last observation."""

    games_first: ClassVar[frozenset[str]] = frozenset({"observed"})

    position: Reals
    """[2, A, B]; 0 for absent agents."""
    velocity: Reals
    """[2, A, B]"""
    traits: Reals
    """[4, A, B]: ability in red, green, blue; top speed."""
    present: Bools
    """[A, B]"""
    carried: Small
    """[A, B]: 0 nothing, 1..3 a resource of that type."""
    at: Small
    """[A, B]: -1 nothing, 0 home, 1..3 a resource, 4 the invader."""
    landmark: Reals
    """[2, 8, B], position; 0 for landmarks that are gone."""
    there: Bools
    """[8, B], which landmarks are there."""
    delay: Ints
    """[B], steps until the invader comes back."""
    clock: Ints
    """[B], steps taken in this episode."""
    episode: Ints
    """[B], global episode number."""
    happened: Ints
    """[4, B], how often each of `EVENTS` did in this episode."""
    observed: Reals
    """[B, A, 14], what each agent knew of itself when its last step's rewards were due."""

    @staticmethod
    def ended(games: int, dtype: type[np.floating[Any]]) -> "State":
        """`games` games that are over: all landmarks and no agents, at the origin until they are reset."""
        return State(
            position=np.zeros((2, AGENTS, games), dtype),
            velocity=np.zeros((2, AGENTS, games), dtype),
            traits=np.zeros((4, AGENTS, games), dtype),
            present=np.zeros((AGENTS, games), np.bool_),
            carried=np.zeros((AGENTS, games), np.int8),
            at=np.full((AGENTS, games), AT_NOTHING, np.int8),
            landmark=np.zeros((2, LANDMARKS, games), dtype),
            there=np.ones((LANDMARKS, games), np.bool_),
            delay=np.zeros(games, np.int64),
            clock=np.full(games, HORIZON, np.int64),
            episode=np.zeros(games, np.int64),
            happened=np.zeros((len(EVENTS), games), np.int64),
            observed=np.zeros((games, AGENTS, AGENT_FEATURES), dtype),
        )

    @property
    def games(self) -> int:
        """B."""
        return len(self.clock)

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """Of positions, and of all that is computed from them."""
        return self.position.dtype
