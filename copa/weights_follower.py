"""Following published weights from a thread, so that no loop waits for Redis."""

import logging
import threading
import time

from copa.errors import CopaError
from copa.telemetry import metrics
from copa.weights import Published, WeightStore

log = logging.getLogger(__name__)


def show_weights(version: int, published_at: float) -> None:
    """Let this process's metrics say which weights are in use, and their age at every scrape."""
    metrics.WEIGHTS_VERSION.set(version)
    metrics.STALENESS_SECONDS.set_function(lambda: max(0.0, time.time() - published_at))


class WeightsFollower:
    """Pulls newer weights in the background; the owner takes them between two pieces of work.

    Whatever goes wrong with a pull is logged once for each kind of error and changes nothing: the owner goes on with
    the weights it has, and the follower goes on trying.
    """

    def __init__(self, store: WeightStore, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._newest: Published | None = None
        self._version = 0
        self._published_at = 0.0
        self._complaint: type[Exception] | None = None
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._stop = threading.Event()
        self._look = threading.Event()
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="weights", daemon=True)
        self._thread.start()

    def take(self) -> Published | None:
        """The weights that arrived last, if they were not taken before."""
        with self._lock:
            newest, self._newest = self._newest, None
        if newest is not None:
            self._published_at = newest.published_at
            show_weights(newest.version, newest.published_at)
        return newest

    def wait_first(self, stopping: threading.Event) -> Published | None:
        """The first weights; None when `stopping` is set before they come."""
        while not stopping.is_set():
            if self._arrived.wait(0.1):
                return self.take()
        return None

    def confirm_fresh(self, limit: float, timeout: float) -> bool:
        """Whether the weights in hand are younger than `limit` seconds, or the newest there are.

        Looks at once when they are older, and waits for that look at most `timeout` seconds. What the look found is
        there to `take`.
        """
        if time.time() - self._published_at <= limit:
            return True
        self._looked.clear()
        self._look.set()
        return self._looked.wait(timeout)

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._look.set()
        self._thread.join(2.0)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                published = self._store.pull(self._version)
            except Exception as error:  # a thread that ended here would leave its owner with old weights for good
                self._complain(error)
            else:
                self._complaint = None
                metrics.WEIGHTS_LOOKED.set_to_current_time()
                if published is not None:
                    self._version = published.version
                    with self._lock:
                        self._newest = published
                    self._arrived.set()
                self._looked.set()
            self._look.wait(self._seconds)
            self._look.clear()

    def _complain(self, error: Exception) -> None:
        if type(error) is not self._complaint and not self._stop.is_set():
            log.warning(
                "weights cannot be pulled; going on with version %d: %s",
                self._version,
                error,
                exc_info=None if isinstance(error, CopaError) else error,
            )
        self._complaint = type(error)
