"""Global episode numbers, leased from Redis in blocks so that no two actors play the same game."""

import numpy as np

from copa.replay import Replay
from copa.tasks.base import Ints


class EpisodeNumbers:
    """Hands out numbers one block at a time; what an actor leaves of its block is never played."""

    def __init__(self, replay: Replay, block: int) -> None:
        self._replay = replay
        self._block = block
        self._next = self._end = 0

    def take(self, count: int) -> Ints:
        """The next `count` numbers."""
        taken: list[int] = []
        while len(taken) < count:
            if self._next == self._end:
                self._next = self._replay.lease_episodes(self._block)
                self._end = self._next + self._block
            use = min(count - len(taken), self._end - self._next)
            taken.extend(range(self._next, self._next + use))
            self._next += use
        return np.asarray(taken, dtype=np.int64)
