"""Which segments of a replay make a batch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copa.config.schema import ReplaySettings
from copa.errors import DataError
from copa.replay.limits import Permit
from copa.replay.priorities import Priorities
from copa.replay.replay import Replay
from copa.segments import Segments

_REDRAWS = 8


@dataclass(frozen=True, slots=True)
class Origin:
    """Which records of the ring the N segments of a batch are."""

    slots: NDArray[np.int64]
    """[N]"""
    stamps: NDArray[np.uint64]
    """[N], of what was written there (`Replay.stamps`)."""


@dataclass(frozen=True, slots=True)
class Draw:
    """N segments, as `Sampler.draw` drew them."""

    segments: Segments
    weights: NDArray[np.float32] | None = None
    """[N], 1 on average: what to multiply the squared errors of each segment by; None where all count alike."""
    origin: Origin | None = None
    """What `Sampler.learned` needs; None where nothing is drawn by priority."""


class Sampler:
    """Draws batches for one reader of a replay; `draw` belongs to the thread of the replay's `permit`.

    Segments are drawn uniformly over the filled slots, without repeats where there are enough. With `rewarded_share`,
    that share of a batch comes from segments with a positive reward (where there is one), the rest from all.

    With a `priority` above 0, either part is drawn in proportion to (error + 1e-6) ** priority, the error being what
    `learned` was told last of that segment; one that is new comes in with the highest priority that there is. What is
    drawn more often than uniformly counts less (Schaul et al. 2016, Section 3.4): weights are
    (chance / uniform chance) ** -importance, over their mean in either part, so that the share itself is not evened
    out. They do not depend on the size of a batch.
    """

    def __init__(
        self,
        replay: Replay,
        rng: np.random.Generator,
        *,
        rewarded_share: float = 0.0,
        priority: float = 0.0,
        importance: float = 0.0,
    ) -> None:
        """All three within 0..1."""
        self._replay, self._rng = replay, rng
        self._rewarded_share = rewarded_share
        self._priorities = Priorities(replay.limits.capacity, priority, importance) if priority > 0 else None

    @staticmethod
    def of(replay: Replay, rng: np.random.Generator, settings: ReplaySettings) -> "Sampler":
        """The sampler that `settings` ask for."""
        return Sampler(
            replay,
            rng,
            rewarded_share=settings.rewarded_share,
            priority=settings.priority,
            importance=settings.importance,
        )

    def draw(self, permit: Permit, count: int) -> Draw:
        """`count` segments of the ring as `permit`, which was granted, saw it.

        Damaged records are skipped, counted in the replay's `corrupt` and replaced by others.

        Raises:
            DataError: the replay is empty, or damaged records, whose slots are named, cannot be replaced.
        """
        if permit.segments < 1:
            raise DataError("The replay is empty: draw with a granted permit only.")
        rewarded: NDArray[np.int64] = np.empty(0, np.int64)
        if self._rewarded_share > 0 or self._priorities is not None:
            self._replay.refresh_side(permit)
        if self._rewarded_share > 0:
            rewarded = self._replay.rewarded()
        if self._priorities is not None:
            self._priorities.follow(self._replay.stamps())
            rewarded = self._priorities.drawable(rewarded)
        from_rewarded = round(count * self._rewarded_share) if len(rewarded) else 0
        wanted = [(from_rewarded, rewarded), (count - from_rewarded, None)]
        records: list[bytes] = []
        kept: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
        damaged: list[int] = []
        for _ in range(_REDRAWS):
            chosen = [self._choose(permit, number, among) for number, among in wanted if number]
            slots, weights = (np.concatenate(parts) for parts in zip(*chosen, strict=True))
            if not len(slots):
                break
            whole, intact = self._replay.read_intact(slots)
            records += whole
            kept.append((slots[intact], weights[intact]))
            if len(records) == count:
                return self._drawn(records, *(np.concatenate(parts) for parts in zip(*kept, strict=True)))
            damaged += slots[~intact].tolist()
            if self._priorities is not None:
                self._priorities.forget(slots[~intact])
            wanted = [(count - len(records), None)]
        raise DataError(
            f"Replay of run {self._replay.run!r}: {len(damaged)} damaged or missing records, for instance in slots "
            f"{sorted(set(damaged))[:8]}: was the ring written by something else? `copa replay reset` empties it."
        )

    def learned(self, origin: Origin | None, errors: NDArray[np.floating]) -> None:
        """Take note of the `errors` [N], not negative, that an update found in the segments of a draw, in its order."""
        if self._priorities is not None and origin is not None:
            self._priorities.learned(origin.slots, origin.stamps, errors)

    def _choose(
        self, permit: Permit, count: int, among: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """`count` of all filled slots, or of `among`, and the weight of each."""
        if self._priorities is not None:
            return self._priorities.choose(self._rng, count, among)
        population = permit.segments if among is None else len(among)
        drawn = self._rng.choice(population, count, replace=count > population, shuffle=False)
        return self._replay.filled(permit, drawn) if among is None else among[drawn], np.ones(count)

    def _drawn(self, records: list[bytes], slots: NDArray[np.int64], weights: NDArray[np.float64]) -> Draw:
        segments = self._replay.layout.decode_intact(records)
        if self._priorities is None:
            return Draw(segments)
        return Draw(segments, weights.astype(np.float32), Origin(slots, self._priorities.stamps(slots)))
