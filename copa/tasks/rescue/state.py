"""The whole state of B games."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Floats, Ints
from copa.tasks.columns import Columns
from copa.tasks.rescue.rules import FIRES, ROBOTS

Small = NDArray[np.int8]

NOTHING = -1
"""Last action of a robot that has not acted."""


@dataclass(slots=True)
class State(Columns):
    """Everything that a game's future depends on."""

    robot: Small
    """[2, A, B], cell (x, y); any cell for absent robots."""
    skill: Floats
    """[A, B], 0 for absent robots."""
    present: Bools
    """[A, B]"""
    last: Small
    """[A, B], last action; `NOTHING` for robots that are absent or have not acted."""
    fire: Small
    """[2, E, B], cell (x, y); any cell in free rows."""
    level: Floats
    """[E, B], emergency level of the building that burns; 0 in free rows."""
    clock: Ints
    """[B], steps taken in this episode."""
    episode: Ints
    """[B], global episode number."""

    @staticmethod
    def empty(games: int, clock: int) -> "State":
        """`games` games at step `clock` without robots and fires."""
        return State(
            robot=np.zeros((2, ROBOTS, games), np.int8),
            skill=np.zeros((ROBOTS, games), np.float32),
            present=np.zeros((ROBOTS, games), np.bool_),
            last=np.full((ROBOTS, games), NOTHING, np.int8),
            fire=np.zeros((2, FIRES, games), np.int8),
            level=np.zeros((FIRES, games), np.float32),
            clock=np.full(games, clock, np.int64),
            episode=np.zeros(games, np.int64),
        )

    @property
    def games(self) -> int:
        """B."""
        return len(self.clock)

    def burning(self) -> Bools:
        """[E, B], which rows hold a fire."""
        return self.level > 0
