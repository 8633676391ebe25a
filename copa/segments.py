"""The unit of experience: a segment of T+1 views that begins where the coach spoke.

T is here the number of steps in a segment: as many as between two coach steps, times `learning.periods`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

NO_ACTION = -1
"""The previous action of an agent that has not acted: at an episode's start, or just joined."""


@dataclass(frozen=True, slots=True)
class Segments:
    """N segments as arrays.

    A segment shorter than T (an early end) is padded: `lengths` says how many steps are real, and
    views after `lengths` repeat the last real one.
    """

    agents: NDArray[np.float32]
    """[N, T+1, A, agent_features]"""
    traits: NDArray[np.float32]
    """[N, T+1, A, trait_features], raw."""
    entities: NDArray[np.float32]
    """[N, T+1, E, entity_features]"""
    visible: NDArray[np.bool_]
    """[N, T+1, A, A+E]"""
    present: NDArray[np.bool_]
    """[N, T+1, A, A+E]"""
    available: NDArray[np.bool_]
    """[N, T+1, A, U]"""
    actions: NDArray[np.int64]
    """[N, T, A]"""
    rewards: NDArray[np.float32]
    """[N, T], unscaled."""
    lengths: NDArray[np.int64]
    """[N], real steps, 1..T."""
    terminated: NDArray[np.bool_]
    """[N], the last real step was a true end: its target is the reward alone."""
    episode_end: NDArray[np.bool_]
    """[N], the last segment of its episode."""
    previous: NDArray[np.int64]
    """[N, A], action taken before the first view, `NO_ACTION` for none."""
    memory: NDArray[np.float32]
    """[N, A, M], the player's memory at the first view; M = 0 where it is not stored."""
    episodes: NDArray[np.int64]
    """[N], global episode number."""
    first_steps: NDArray[np.int64]
    """[N], step of the episode at the first view."""
    player_versions: NDArray[np.int64]
    """[N], weights version the players acted with."""
    coach_versions: NDArray[np.int64]
    """[N], weights version of the strategies; 0 where there is no coach."""

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: NDArray[np.int64] | slice) -> "Segments":
        """The segments at `rows`."""
        return Segments(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @staticmethod
    def concatenate(parts: Sequence["Segments"]) -> "Segments":
        """All segments of `parts`, in order."""
        return Segments(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Segments)})
