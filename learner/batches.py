"""Batches drawn ahead of the update, by a thread of their own."""

import logging
import queue
import threading
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from copa.learning import TorchBatch
from copa.replay import Origin, Permit, Replay, Sampler
from copa.telemetry import metrics
from learner.feedback import on_device

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch on the learner's device, where it came from, and the state of the run when it was permitted."""

    batch: TorchBatch
    origin: Origin | None
    player_versions: NDArray[np.int64]
    """[N], weights versions that the segments were acted with."""
    permit: Permit


class Batches:
    """Draws batches as fast as the limiter permits, a few ahead.

    Each permit is for `size` segments, of which this process draws `share` and its peers the rest. Iterating ends when
    the run is finished or `stopping` is set.
    """

    def __init__(
        self,
        replay: Replay,
        sampler: Sampler,
        *,
        size: int,
        share: int,
        ahead: int,
        device: torch.device,
        stopping: threading.Event,
    ) -> None:
        self._replay, self._sampler = replay, sampler
        self._size, self._share = size, share
        self._device = device
        self._stopping = stopping
        self._queue: queue.Queue[Drawn | None] = queue.Queue(maxsize=ahead)
        self._failure: Exception | None = None
        for reason in ("warming up", "learner ahead"):
            metrics.LIMITER_WAIT.labels("learner", reason)
        self.waits_for = ""
        """Why the limiter holds the learner back just now; empty when it does not."""
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def take(self, timeout: float) -> Drawn | None:
        """The next batch; None when the run is over.

        Raises:
            TimeoutError: none came within `timeout` seconds.
            Exception: what stopped the drawing for good.
        """
        try:
            drawn = self._queue.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        if drawn is None and self._failure is not None:
            raise self._failure
        return drawn

    def close(self, timeout: float) -> None:
        """Wait for the thread to end; `stopping` is set, or the run is over."""
        self._thread.join(timeout)

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                permit = self._replay.permit(self._size)
                if permit.finished:
                    break
                if permit.granted:
                    self.waits_for = ""
                    self._hand_over(self._draw(permit))
                else:
                    self._wait(permit)
        except Exception as error:  # whatever ends this thread must end the learner
            self._failure = error
        self._hand_over(None)

    def _draw(self, permit: Permit) -> Drawn:
        with metrics.SAMPLE_SECONDS.time():
            draw = self._sampler.draw(permit, self._share)
            batch = on_device(draw, self._device)
        metrics.SEGMENTS_SAMPLED.inc(self._size)
        return Drawn(batch, draw.origin, draw.segments.player_versions, permit)

    def _wait(self, permit: Permit) -> None:
        self.waits_for = permit.reason
        began = time.monotonic()
        self._stopping.wait(permit.wait_seconds)
        metrics.LIMITER_WAIT.labels("learner", permit.reason).inc(time.monotonic() - began)

    def _hand_over(self, drawn: Drawn | None) -> None:
        while not self._stopping.is_set():
            try:
                self._queue.put(drawn, timeout=0.2)
            except queue.Full:
                continue
            return
