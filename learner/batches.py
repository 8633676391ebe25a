"""Batches drawn ahead of the update, by a thread of their own."""

import logging
import queue
import threading
import time
from dataclasses import dataclass

import numpy as np
import torch

from copa.learning import TorchBatch, to_device
from copa.replay import Permit, Replay
from copa.telemetry import metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A batch on the learner's device, and the state of the run when it was permitted."""

    batch: TorchBatch
    player_versions: np.ndarray[tuple[int], np.dtype[np.int64]]
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
        *,
        size: int,
        share: int,
        rewarded_share: float,
        ahead: int,
        device: torch.device,
        rng: np.random.Generator,
        stopping: threading.Event,
    ) -> None:
        self._replay = replay
        self._size, self._share = size, share
        self._rewarded_share = rewarded_share
        self._device = device
        self._rng = rng
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
            segments = self._replay.draw(permit, self._share, self._rng, self._rewarded_share)
            batch = to_device(segments, self._device, pinned=self._device.type == "cuda")
        metrics.SEGMENTS_SAMPLED.inc(self._size)
        return Drawn(batch, segments.player_versions, permit)

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
