"""How likely each slot of a ring is to be drawn, by what the last update found about it."""

import threading

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-6
"""Added to every error, so that no segment is never drawn again."""


class Priorities:
    """Priorities of the segments in a ring: error to the power of an exponent (Schaul et al. 2016, proportional).

    A segment that no update has seen yet has the highest priority of all. All calls may come from any thread.
    """

    def __init__(self, slots: int, exponent: float) -> None:
        """`exponent`: 0 makes all alike, 1 goes in proportion to the error."""
        self._exponent = exponent
        self._priorities = np.zeros(slots)
        self._generations = np.zeros(slots, np.uint32)
        self._lock = threading.Lock()

    def follow(self, generations: NDArray[np.uint32]) -> None:
        """Take note of what was written: `generations` [slots], how many times each slot was; 0 where it is empty."""
        with self._lock:
            written = np.flatnonzero(generations != self._generations)
            if not len(written):
                return
            self._priorities[written] = 0.0
            highest = self._priorities.max() or 1.0
            self._priorities[written] = np.where(generations[written] > 0, highest, 0.0)
            self._generations[written] = generations[written]

    def choose(
        self, rng: np.random.Generator, count: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """`count` of all filled slots, or of the slots `among`, in proportion to their priorities.

        One is drawn from each of `count` equal shares of their sum, so that a batch is spread over them.

        Returns:
            The slots [count], and the chance of each [count] in units of a uniform draw's; nothing where there is no
            segment to draw.
        """
        with self._lock:
            priorities = self._priorities if among is None else self._priorities[among]
            filled = np.count_nonzero(priorities)
            if not filled:
                return np.empty(0, np.int64), np.empty(0)
            ends = np.cumsum(priorities)
            targets = (np.arange(count) + rng.random(count)) / count * ends[-1]
            places = np.searchsorted(ends, targets, side="right")
            if places[-1] == len(ends):
                places = np.minimum(places, np.flatnonzero(priorities)[-1])
            return places if among is None else among[places], priorities[places] * filled / ends[-1]

    def learned(self, slots: NDArray[np.int64], generations: NDArray[np.uint32], errors: NDArray[np.floating]) -> None:
        """Take note of `errors` [N], of the segments that had the given generations [N] of `slots` [N].

        Segments that were overwritten since, and errors that are not finite, change nothing.
        """
        with self._lock:
            valid = (self._generations[slots] == generations) & np.isfinite(errors)
            self._priorities[slots[valid]] = (np.abs(errors[valid]) + LEAST) ** self._exponent

    def forget(self, slots: NDArray[np.int64]) -> None:
        """Draw none of `slots` again before something else is written there."""
        with self._lock:
            self._priorities[slots] = 0.0

    def generations(self, slots: NDArray[np.int64]) -> NDArray[np.uint32]:
        """[N], of `slots` [N] as of the last `follow`."""
        with self._lock:
            found: NDArray[np.uint32] = self._generations[slots]
            return found
