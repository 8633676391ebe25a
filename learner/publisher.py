"""Publishing weights from a thread, at most once in a while; only the newest matter."""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from copa.telemetry import metrics
from copa.weights import WeightStore

log = logging.getLogger(__name__)


RETRY_SECONDS = 1.0
"""Pause after a publication that failed."""


@dataclass(frozen=True, slots=True)
class _Offer:
    weights: Mapping[str, Tensor]
    updates: int
    averages: Mapping[str, Tensor] | None


class Publisher:
    """Publishes what is offered; a newer offer replaces one that still waits."""

    def __init__(self, store: WeightStore, seconds: float, updates: int, *, newer_than: int = 0) -> None:
        """`newer_than`: a version that was published before, which no version may reach again."""
        self._store = store
        self._seconds = seconds
        self._updates = updates
        self._offer: _Offer | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._offered_at = 0.0
        self._offered_updates = 0
        self._retry = threading.Event()
        self.version = max(store.latest(), newer_than)
        """Version published last."""
        self._thread = threading.Thread(target=self._work, name="publisher", daemon=True)
        self._thread.start()

    def due(self, updates: int) -> bool:
        """Whether it is time to offer the weights of update number `updates`."""
        return updates - self._offered_updates >= self._updates and time.monotonic() - self._offered_at >= self._seconds

    def offer(self, weights: Mapping[str, Tensor], updates: int, averages: Mapping[str, Tensor] | None = None) -> None:
        """Hand over weights to be published, and their averages where there are any."""
        with self._changed:
            self._offer = _Offer(weights, updates, averages)
            self._offered_at = time.monotonic()
            self._offered_updates = updates
            self._changed.notify()

    def close(self, timeout: float) -> None:
        """Publish what still waits, for at most `timeout` seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._retry.set()
        self._thread.join(timeout)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._offer is not None or self._closing)
                offer = self._offer
            if offer is None:
                return
            if self._publish(offer):
                with self._changed:
                    if self._offer is offer:
                        self._offer = None
            elif self._retry.wait(RETRY_SECONDS):
                return

    def _publish(self, offer: _Offer) -> bool:
        """Whether `offer` was published; whatever went wrong, the newest offer is tried again."""
        try:
            self.version = self._store.publish(
                offer.weights, updates=offer.updates, newer_than=self.version, averages=offer.averages
            )
        except Exception as error:
            log.warning("weights of update %d are not published, trying again: %s", offer.updates, error)
            return False
        metrics.WEIGHTS_VERSION.set(self.version)
        return True
