"""What the learner knows of every slot without reading its record: generation and flags."""

import numpy as np
from numpy.typing import NDArray

from copa.replay.keys import Keys
from copa.replay.layout import REWARDED

GENERATION_BYTES = 4
SIDE_BYTES = GENERATION_BYTES + 1
"""Bytes beside the ring per slot: generation and flags."""


def side_commands(keys: Keys, first: int, end: int) -> list[tuple[str, str, int, int]]:
    """Commands that read flags and generations of the slots from `first` to before `end`."""
    return [
        ("GETRANGE", keys.flags, first, end - 1),
        ("GETRANGE", keys.generations, first * GENERATION_BYTES, end * GENERATION_BYTES - 1),
    ]


class SideIndex:
    """A copy of the side bytes, brought up to date by reading only what is new."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.flags: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.generations: NDArray[np.uint32] = np.zeros(capacity, np.uint32)
        self._renewals = 0
        self._position = 0
        self._life = ""
        self._rewarded: NDArray[np.int64] | None = None

    def stale_ranges(self, position: int, life: str) -> list[tuple[int, int]]:
        """Slots (first, end) to read when the ring's position is `position`.

        A ring of another server life, or one that went back, is read as a whole: a restart may have lost and
        rewritten slots.
        """
        if self._renewed(position, life) or position - self._position >= self.capacity:
            return [(0, min(position, self.capacity))] if position else []
        if position == self._position:
            return []
        first, end = self._position % self.capacity, position % self.capacity
        if first < end:
            return [(first, end)]
        return [(first, self.capacity)] + ([(0, end)] if end else [])

    def update(self, ranges: list[tuple[int, int]], read: list[bytes], position: int, life: str) -> None:
        """Take in what the `side_commands` of `ranges` read after the ring had reached `position`."""
        renewed = self._renewed(position, life)
        if renewed:
            self._renewals += 1
            self.flags[:] = 0
            self.generations[:] = 0
        for (first, end), flags, generations in zip(ranges, read[::2], read[1::2], strict=True):
            self.flags[first:end] = np.frombuffer(flags, np.uint8, end - first)
            self.generations[first:end] = np.frombuffer(generations, "<u4", end - first)
        if ranges or renewed:
            self._rewarded = None
        self._position, self._life = position, life

    def rewarded(self) -> NDArray[np.int64]:
        """Slots whose segment has a positive reward, ascending."""
        if self._rewarded is None:
            self._rewarded = np.flatnonzero(self.flags & REWARDED)
        return self._rewarded

    def stamps(self) -> NDArray[np.uint64]:
        """[slots], 0 where nothing is, else a number that is another one whenever something else may lie there: after
        the slot was written, and after the ring had gone back or its server had died."""
        stamps: NDArray[np.uint64] = self.generations + (self.generations > 0) * np.uint64(self._renewals << 32)
        return stamps

    def _renewed(self, position: int, life: str) -> bool:
        return life != self._life or position < self._position
