"""Adaptive communication: which strategies travel at a coach step, and what each player holds.

Eq. 3 of the paper: a new strategy reaches a player only where `||new - held|| > beta` (Euclidean distance to what
that player really holds); a coach that foretells need (`copa.need`) compares with beta what the player would lose
without it. The first strategy of an episode, that of a player who just joined, and all after a change
of the coach's weights travel always; `beta = 0` sends all. Shapes: B games, A agent slots, W length of a strategy.
"""

from collections.abc import Callable

import numpy as np

from copa.tasks.base import Bools, Floats

Beta = float | Floats
"""What a strategy's measure must exceed for it to travel: one number, or one for each game [B]."""

Measure = Callable[[Floats, Floats], Floats]
"""What is compared with beta, [B, A], for the new strategies and those that are held, both [B, A, W]."""


def distance(new: Floats, held: Floats) -> Floats:
    """How far strategies moved (Eq. 3)."""
    moved = new - held
    return np.asarray(np.sqrt(np.einsum("baw,baw->ba", moved, moved)), np.float32)


def by_chance(rng: np.random.Generator) -> Measure:
    """A measure drawn evenly from 0 to 1: beta is then the probability that a player keeps what it holds."""

    def measure(new: Floats, held: Floats) -> Floats:
        drawn: Floats = rng.random(new.shape[:2], dtype=np.float32)
        return drawn

    return measure


class Communication:
    """What the players of B games hold, as one side of the conversation knows it.

    The coach service keeps one for each group of games, and so does the client that holds the strategies; an
    evaluator that has the coach in its own process uses `update` alone.
    """

    def __init__(self, games: int, slots: int, width: int) -> None:
        self.held: Floats = np.zeros((games, slots, width), np.float32)
        """[B, A, W], zeros where nothing was ever held."""
        self.known: Bools = np.zeros((games, slots), np.bool_)
        """[B, A], which players hold a strategy."""
        self.version = 0
        """Weights version behind all that is held; 0 before the first strategies."""
        self.eligible = 0
        """Agents present at coach steps so far, summed over `select`."""
        self.sent = 0
        """Strategies that `select` let travel so far."""

    @property
    def rate(self) -> float:
        """Share of eligible strategies that travelled, per coach step; 0 before the first."""
        return self.sent / self.eligible if self.eligible else 0.0

    def forget(self, fresh: Bools) -> None:
        """Players who began or joined (`fresh` [B, A]) hold nothing; `known` says so, `held` stays as it is."""
        self.known &= ~fresh

    def select(
        self, new: Floats, members: Bools, fresh: Bools, beta: Beta, version: int, measure: Measure = distance
    ) -> Bools:
        """Which of the strategies `new` [B, A, W] travel, as a mask [B, A]. They are held after `commit`, not before.

        `members` [B, A]: agents present; `fresh` [B, A]: those who began or joined since the last coach step, who are
        forgotten; `version`: weights behind `new`; `measure` is asked only where a beta is
        above 0, and what it gives no number for travels.
        """
        self.forget(fresh)
        limit = np.asarray(beta, np.float32).reshape(-1, 1)
        if version != self.version or not limit.any():
            mask = members.copy()
        else:
            mask = members & (~self.known | ~(measure(new, self.held) <= limit) | (limit == 0.0))
        self.eligible += int(members.sum())
        self.sent += int(mask.sum())
        return mask

    def commit(self, mask: Bools, vectors: Floats, version: int) -> None:
        """The players in `mask` [B, A] now hold `vectors` [n, W], which are in the order of `mask`'s true elements."""
        self.held[mask] = vectors
        self.known |= mask
        self.version = version

    def update(
        self, new: Floats, members: Bools, fresh: Bools, beta: Beta, version: int, measure: Measure = distance
    ) -> Bools:
        """`select`, and `commit` what it selected: communication without loss. Returns the mask [B, A]."""
        mask = self.select(new, members, fresh, beta, version, measure)
        self.commit(mask, new[mask], version)
        return mask
