"""The learner's loop: update, publish, checkpoint, tell."""

import contextlib
import logging
import math
import time
from collections.abc import Iterator

import numpy as np
import torch

from copa.assembly import open_replay
from copa.config.schema import Config
from copa.errors import DataError, MismatchError, UnavailableError
from copa.learning import Outcome, UpdateRule
from copa.replay import Replay, Sampler
from copa.run_folder import RunFolder
from copa.runtime import Process
from copa.telemetry import metrics
from copa.weights import WeightStore
from learner.batches import Batches, Drawn
from learner.feedback import Feedback
from learner.keeper import Keeper
from learner.progress import Progress
from learner.publisher import Publisher
from learner.teller import Teller
from learner.together import Leading, shares

log = logging.getLogger(__name__)

OBSERVER_PATIENCE = 1.0
"""Seconds that telling and saving wait for a Redis that is away."""


class Learner:
    """Owns the learning rule and everything that leaves it."""

    def __init__(
        self,
        config: Config,
        folder: RunFolder,
        rule: UpdateRule,
        replay: Replay,
        store: WeightStore,
        device: torch.device,
        progress: Progress,
    ) -> None:
        self._config = config
        self._rule = rule
        self._replay = replay
        self._device = device
        self._progress = progress
        self._outcome: Outcome | None = None
        observer = open_replay(config, patience=OBSERVER_PATIENCE)
        rng = np.random.default_rng([config.run.seed, rule.updates])
        self._sampler = Sampler.of(replay, rng, config.replay)
        self._feedback = Feedback(rule, self._sampler)
        self._keeper = Keeper(config, folder.path, rule, observer)
        self._teller = Teller(config, observer)
        self._leading = Leading(config, rule.peers)
        self._publisher = Publisher(
            store, config.learner.publish_seconds, config.learner.publish_updates, newer_than=progress.version
        )

    def run(self, frame: Process) -> None:
        """Learn until the run is finished or `frame.stopping` is set; a checkpoint is written in any case but these.

        Raises:
            MismatchError: another learner has the run now, or the processes of this one have come to differ; the
                run's folder is left alone.
            DataError: learning diverged; the last good checkpoint is left alone.
        """
        drawing = shares(self._config, self._rule.peers)
        batches = Batches(
            self._replay,
            self._sampler,
            size=drawing.batch,
            share=drawing.share,
            ahead=self._config.replay.prefetch,
            device=self._device,
            stopping=frame.stopping,
        )
        self._publish()
        frame.ready()
        try:
            self._learn(frame, batches)
        except (MismatchError, DataError):
            raise
        except BaseException:
            self._save()
            raise
        else:
            self._save()
            self._publish()
        finally:
            self._leading.end()
            self._publisher.close(timeout=3.0)
            batches.close(timeout=1.0)
            self._teller.close()

    def _learn(self, frame: Process, batches: Batches) -> None:
        settings = self._config.learner
        told = saved = time.monotonic()
        told_updates = self._rule.updates
        while not frame.stopping.is_set():
            frame.beat()
            now = time.monotonic()
            if now - told >= settings.log_seconds:
                rate = (self._rule.updates - told_updates) / (now - told)
                self._teller.tell(
                    self._finite_scalars(), self._rule.updates, rate, self._publisher.version, batches.waits_for
                )
                told, told_updates = now, self._rule.updates
            if now - saved >= settings.checkpoint_seconds and self._rule.updates > self._keeper.updates:
                with _logged_when_unavailable():
                    self._save()
                saved = now
            try:
                with _counting_wait():
                    drawn = batches.take(timeout=0.5)
            except TimeoutError:
                self._leading.wait()
                continue
            if drawn is None:
                break
            self._leading.go(drawn.permit)
            self._update(drawn)
            if self._publisher.due(self._rule.updates):
                self._publish()

    def _update(self, drawn: Drawn) -> None:
        with metrics.UPDATE_SECONDS.time():
            progress = drawn.permit.steps / self._config.run.steps
            self._outcome = self._feedback.update(drawn.batch, drawn.origin, progress=min(progress, 1.0))
        metrics.UPDATES.inc()
        self._progress.steps = drawn.permit.steps
        self._progress.sampled = drawn.permit.sampled
        behind = self._publisher.version - drawn.player_versions
        metrics.STALENESS_VERSIONS.observe(max(0.0, float(np.mean(behind))))

    def _finite_scalars(self) -> dict[str, float]:
        """Scalars of the last update.

        Raises:
            DataError: one is not a finite number.
        """
        scalars = {} if self._outcome is None else self._outcome.scalars()
        for name, value in scalars.items():
            if not math.isfinite(value):
                raise DataError(
                    f"learning diverged: {name} = {value} at update {self._rule.updates}; earlier checkpoints are kept:"
                    " lower learning.lr or learning.clip, or give a lower learning.reward_scale, and start anew"
                )
        return scalars

    def _publish(self) -> None:
        self._publisher.offer(self._rule.weights(), self._rule.updates, self._rule.averages())

    def _save(self) -> None:
        self._finite_scalars()
        self._progress.version = self._publisher.version
        self._keeper.save(self._progress)


@contextlib.contextmanager
def _counting_wait() -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        metrics.BATCH_WAIT.inc(time.monotonic() - began)


@contextlib.contextmanager
def _logged_when_unavailable() -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:
        log.error("%s; trying again at the next checkpoint", error)
