"""Segments on their way to Redis: pushed from a thread, so that games never stop for it."""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal, get_args

from actor.group import Played
from copa.errors import UnavailableError
from copa.replay import ActorLease, Admission, LeaseLostError, RecordLayout, Replay
from copa.segments import Segments
from copa.telemetry import metrics

log = logging.getLogger(__name__)

LARGEST_PUSH = 256
"""Segments in one push."""

LOOK_SECONDS = 0.25
"""Pause without a push after which the replay is asked how things stand."""


DropReason = Literal["lease lost", "redis unavailable", "shutdown"]
DROP_REASONS: tuple[DropReason, ...] = get_args(DropReason)


@dataclass(frozen=True, slots=True)
class Dropped:
    """Segments that Redis did not acknowledge and never will."""

    segments: int
    reason: DropReason


class Outbox:
    """Keeps segments until Redis acknowledges them, in order and exactly once.

    A push that failed is repeated with the same sequence number until Redis answers.
    """

    def __init__(
        self, replay: Replay, lease: ActorLease, layout: RecordLayout, capacity: int, stopping: threading.Event
    ) -> None:
        self._replay = replay
        self._lease = lease
        self._layout = layout
        self._capacity = capacity
        self._stopping = stopping
        self._waiting: deque[Played] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._hurried = threading.Event()
        self._failure: Exception | None = None
        self._unacknowledged = 0
        self._sequence = 0
        self._steps_total = 0
        self._segments_total = 0
        self._label = str(lease.actor)
        metrics.SEGMENTS_ACKNOWLEDGED.labels(self._label)
        for reason in DROP_REASONS:
            metrics.SEGMENTS_DROPPED.labels(self._label, reason)
        self._admission = replay.admission(lease)
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()

    @property
    def admission(self) -> Admission:
        """The replay's latest answer: steps of the whole run, and how long to wait."""
        return self._admission

    def put(self, played: Played) -> None:
        """Hand over what was played; waits while too much is unacknowledged, unless the process is stopping.

        Raises:
            LeaseLostError: another process has this actor's id now.
            Exception: what else stopped the pushing for good.
        """
        waited = metrics.OUTBOX_WAIT.labels(self._label)
        with self._changed:
            while self._unacknowledged >= self._capacity and self._failure is None and not self._stopping.is_set():
                began = time.monotonic()
                self._changed.wait(LOOK_SECONDS)
                waited.inc(time.monotonic() - began)
            self.check()
            self._waiting.append(played)
            self._unacknowledged += len(played.segments)
            metrics.SEGMENTS_UNACKNOWLEDGED.labels(self._label).set(self._unacknowledged)
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what stopped the pushing for good, if anything did."""
        if self._failure is not None:
            raise self._failure

    def close(self, seconds: float) -> Dropped | None:
        """Push what is left for at most `seconds`; the rest is dropped, counted and returned."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)
        self._hurried.set()
        if not self._unacknowledged:
            return None
        dropped = Dropped(self._unacknowledged, self._reason())
        metrics.SEGMENTS_DROPPED.labels(self._label, dropped.reason).inc(dropped.segments)
        metrics.SEGMENTS_UNACKNOWLEDGED.labels(self._label).set(0)
        log.warning("dropped %d segments that Redis did not acknowledge: %s", dropped.segments, dropped.reason)
        return dropped

    def _reason(self) -> DropReason:
        match self._failure:
            case LeaseLostError():
                return "lease lost"
            case UnavailableError():
                return "redis unavailable"
            case _:
                return "shutdown"

    def _work(self) -> None:
        try:
            while (batch := self._next_batch()) is not None:
                if batch:
                    self._push(batch)
                else:
                    self._admission = self._replay.admission(self._lease)
        except Exception as error:  # whatever ends this thread must end the actor
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _next_batch(self) -> list[Played] | None:
        """What to push at once; empty when nothing came for a while, None when nothing will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing, timeout=LOOK_SECONDS)
            if not self._waiting:
                return None if self._closing else []
            batch = [self._waiting.popleft()]
            size = len(batch[0].segments)
            while self._waiting and size + len(self._waiting[0].segments) <= LARGEST_PUSH:
                batch.append(self._waiting.popleft())
                size += len(batch[-1].segments)
            return batch

    def _push(self, batch: list[Played]) -> None:
        segments = Segments.concatenate([played.segments for played in batch])
        self._sequence += 1
        self._steps_total += sum(played.steps for played in batch)
        self._segments_total += len(segments)
        push = self._layout.push(
            segments,
            sequence=self._sequence,
            steps_total=self._steps_total,
            segments_total=self._segments_total,
        )
        began = time.monotonic()
        self._admission = self._replay.push(self._lease, push)
        while not self._admission.acknowledged:
            if self._hurried.wait(self._admission.wait_seconds):
                return
            self._admission = self._replay.push(self._lease, push)
        if time.monotonic() - began > 1.0:
            log.warning("a push took %.1f s; %d segments wait", time.monotonic() - began, self._unacknowledged)
        metrics.SEGMENTS_ACKNOWLEDGED.labels(self._label).inc(len(segments))
        with self._changed:
            self._unacknowledged -= len(segments)
            metrics.SEGMENTS_UNACKNOWLEDGED.labels(self._label).set(self._unacknowledged)
            self._changed.notify_all()
