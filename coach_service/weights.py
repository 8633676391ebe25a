"""Where the coach's weights come from, and swapping newer ones in while the service runs."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from copa.config.schema import Config
from copa.errors import CopaError
from copa.nets import Coach, Need, build_coach, load_weights, need_among
from copa.tasks.base import TaskSpec
from copa.telemetry.metrics import WEIGHTS_LOOKED
from copa.weights_follower import show_weights

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Time between two looks for newer weights."""


class VersionedWeights(Protocol):
    """Tensors under names that begin with `coach.`, perhaps `need.`, and others, their version (1 or more) and age."""

    @property
    def version(self) -> int: ...

    @property
    def published_at(self) -> float:
        """Unix time, in seconds."""

    @property
    def tensors(self) -> Mapping[str, Tensor]: ...


class WeightsSource(Protocol):
    """Something that has weights; `copa.weights.WeightStore` is one."""

    def pull(self, newer_than: int) -> VersionedWeights | None:
        """The newest weights, if they are others than version `newer_than`, the one in hand."""


@dataclass(frozen=True, slots=True)
class FixedWeights:
    """Weights that never change: those of a checkpoint."""

    tensors: Mapping[str, Tensor]
    version: int = 1
    published_at: float = field(default_factory=time.time)

    def pull(self, newer_than: int) -> VersionedWeights | None:
        """These weights, if `newer_than` is below their version."""
        return self if newer_than < self.version else None


class WeightsWatcher:
    """A thread that looks for newer weights, builds the coach from them, and hands it over.

    A source that does not answer, weights that do not fit, and whatever else goes wrong are logged once for each kind
    of error and change nothing: the service goes on with the weights it has, and the watcher keeps looking.
    """

    def __init__(
        self, source: WeightsSource, spec: TaskSpec, config: Config, install: Callable[[int, Coach, Need | None], None]
    ) -> None:
        self._source = source
        self._spec = spec
        self._config = config
        self._install = install
        self._version = 0
        self._complaint: type[Exception] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="weights", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; a look that has begun is not waited for."""
        self._stop.set()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except Exception as error:  # a thread that ended here would leave the service with old weights for good
                self._complain(error)
            self._stop.wait(LOOK_SECONDS)

    def _look(self) -> None:
        published = self._source.pull(self._version)
        WEIGHTS_LOOKED.set_to_current_time()
        if published is None:
            return
        self._version = published.version
        coach = build_coach(self._spec, self._config)
        load_weights(coach, published.tensors, "coach.")
        coach.eval()
        self._install(published.version, coach, need_among(published.tensors, self._config.nets.width))
        show_weights(published.version, published.published_at)
        self._complaint = None
        log.info("weights version %d", published.version)

    def _complain(self, error: Exception) -> None:
        if type(error) is not self._complaint and not self._stop.is_set():
            log.warning(
                "no newer weights can be used (seen: version %d): %s",
                self._version,
                error,
                exc_info=None if isinstance(error, CopaError) else error,
            )
        self._complaint = type(error)
