"""How likely each slot of a ring is to be drawn, by what the last update found about it."""

import threading

import numpy as np
from numpy.typing import NDArray

LEAST = 1e-6
"""Added to every error, so that no segment is never drawn again."""


class Priorities:
    """Priorities of the segments in a ring: error to the power of an exponent (Schaul et al. 2016, proportional).

    A segment comes in with the highest priority that there is then, and with 1 where there is none. All calls may come
    from any thread.
    """

    def __init__(self, slots: int, exponent: float, importance: float) -> None:
        """`exponent`: 0 makes all alike, 1 goes in proportion to the error; `importance` as `choose` says."""
        self._exponent, self._importance = exponent, importance
        self._priorities = np.zeros(slots)
        self._evened = np.zeros(slots)
        """Priority to the power of 1 - importance; 0 where the priority is 0."""
        self._stamps = np.zeros(slots, np.uint64)
        self._lock = threading.Lock()

    def follow(self, stamps: NDArray[np.uint64]) -> None:
        """Take note of what was written since the last call, `stamps` [slots] being those of the replay."""
        with self._lock:
            written = np.flatnonzero(stamps != self._stamps)
            if not len(written):
                return
            self._set(written, np.zeros(len(written)))
            highest = self._priorities.max() or 1.0
            self._set(written, np.where(stamps[written] > 0, highest, 0.0))
            self._stamps[written] = stamps[written]

    def drawable(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of `slots` that can be drawn."""
        with self._lock:
            return slots[self._priorities[slots] > 0]

    def choose(
        self, rng: np.random.Generator, count: int, among: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """`count` of all filled slots, or of the slots `among`, in proportion to their priorities.

        One is drawn from each of `count` equal shares of their sum, so that a batch is spread over them.

        Returns:
            The slots [count], and the weight of each [count]: (chance / chance of a uniform draw) ** -importance, over
            the mean of all draws, so that weights are 1 on average. Nothing where there is no segment to draw.
        """
        with self._lock:
            priorities = self._priorities if among is None else self._priorities[among]
            evened = self._evened if among is None else self._evened[among]
            ends = np.cumsum(priorities)
            if not len(ends) or ends[-1] == 0.0:
                return np.empty(0, np.int64), np.empty(0)
            targets = (np.arange(count) + rng.random(count)) / count * ends[-1]
            places = np.searchsorted(ends, targets, side="right")
            if places[-1] == len(ends):
                places = np.minimum(places, np.flatnonzero(priorities)[-1])
            weights = evened[places] / priorities[places] * (ends[-1] / evened.sum())
            return places if among is None else among[places], weights

    def learned(self, slots: NDArray[np.int64], stamps: NDArray[np.uint64], errors: NDArray[np.floating]) -> None:
        """Take note of `errors` [N], of the segments that had the given `stamps` [N] in `slots` [N].

        Segments that were overwritten or forgotten since, and errors that are not finite, change nothing.
        """
        with self._lock:
            valid = (self._stamps[slots] == stamps) & (self._priorities[slots] > 0) & np.isfinite(errors)
            self._set(slots[valid], (np.abs(errors[valid]) + LEAST) ** self._exponent)

    def forget(self, slots: NDArray[np.int64]) -> None:
        """Draw none of `slots` again before something else is written there."""
        with self._lock:
            self._set(slots, np.zeros(len(slots)))

    def stamps(self, slots: NDArray[np.int64]) -> NDArray[np.uint64]:
        """[N], of `slots` [N] as of the last `follow`."""
        with self._lock:
            found: NDArray[np.uint64] = self._stamps[slots]
            return found

    def _set(self, slots: NDArray[np.int64], priorities: NDArray[np.float64]) -> None:
        self._priorities[slots] = priorities
        self._evened[slots] = np.where(priorities > 0, priorities ** (1.0 - self._importance), 0.0)
