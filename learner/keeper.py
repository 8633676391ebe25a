"""Keeping what was learned: checkpoints, whatever Redis does meanwhile."""

import logging
from pathlib import Path

from copa import checkpoint
from copa.checkpoint import Checkpoint
from copa.config.schema import Config
from copa.errors import CopaError
from copa.learning import UpdateRule
from copa.replay import Replay
from learner.progress import Progress

log = logging.getLogger(__name__)

EXPORT = "replay.export"
"""File in the run's folder that holds the replay, where `replay.checkpoint` is set."""


class Keeper:
    """Writes checkpoints into the run's folder."""

    def __init__(self, config: Config, folder: Path, rule: UpdateRule, observer: Replay) -> None:
        self._config = config
        self._checkpoints = folder / "checkpoints"
        self._export = folder / EXPORT if config.replay.checkpoint else None
        self._rule = rule
        self._observer = observer
        self.updates = rule.updates
        """Updates in the last checkpoint."""

    def save(self, progress: Progress) -> None:
        """Write a checkpoint, also when Redis cannot be asked for its counters; then the replay, where that is wanted.

        Raises:
            UnavailableError: the disk is full, or the folder not writable.
        """
        try:
            progress.counters = self._observer.counters()
        except CopaError as error:
            log.warning("the checkpoint keeps older counters of the replay: %s", error)
        path = checkpoint.save(
            self._checkpoints,
            Checkpoint(
                tensors=self._rule.state(),
                config=self._config,
                updates=self._rule.updates,
                steps=max(int(progress.counters.get("steps", 0)), progress.steps),
                version=progress.version,
                counters=progress.saved_counters(),
            ),
            self._config.learner.checkpoints_kept,
        )
        self.updates = self._rule.updates
        log.info("checkpoint %s", path.name)
        if self._export is not None:
            try:
                self._observer.export(self._export)
            except CopaError as error:
                log.warning("the replay is not exported: %s", error)
