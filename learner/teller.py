"""What the learner says about itself: Prometheus, TensorBoard, metrics.jsonl."""

import logging

from copa.config.schema import Config
from copa.errors import CopaError
from copa.replay import Replay, ReplayStats
from copa.telemetry import metrics
from copa.telemetry.journal import Journal

log = logging.getLogger(__name__)

LOSSES = ("td_loss", "imagined_td_loss", "nll", "entropy")
"""Scalars of an update that are parts of its loss."""


class Teller:
    """Tells how learning goes."""

    def __init__(self, config: Config, observer: Replay) -> None:
        self._observer = observer
        self._journal = Journal(config, "learner")

    def tell(
        self, scalars: dict[str, float], updates: int, updates_per_second: float, version: int, waits_for: str
    ) -> None:
        """Set the metrics and append to the journal; nothing is told while Redis does not answer."""
        try:
            stats = self._observer.stats()
        except CopaError as error:
            log.warning("nothing to tell: %s", error)
            return
        _show(stats)
        values: dict[str, object] = {
            "updates": updates,
            "updates_per_second": updates_per_second,
            "version": version,
            "replay": {"segments": stats.segments, "bytes": stats.bytes, "lost": stats.lost},
        }
        if waits_for:
            values["waits_for"] = waits_for
        self._journal.write(stats.steps, values | _sorted_out(scalars))

    def close(self) -> None:
        """Flush what was told."""
        self._journal.close()


def _show(stats: ReplayStats) -> None:
    metrics.RUN_STEPS.set(stats.steps)
    metrics.RUN_STEPS_PLANNED.set(stats.total_steps)
    metrics.REPLAY_SEGMENTS.set(stats.segments)
    metrics.REPLAY_CAPACITY.set(stats.capacity)
    metrics.REPLAY_BYTES.set(stats.bytes)
    metrics.REPLAY_LIMIT.set(stats.bytes_limit)
    metrics.REPLAY_ACTORS.set(stats.actors)
    metrics.REPLAY_LOST_SEGMENTS.set(stats.lost)
    metrics.REDIS_RESTARTS.set(stats.server_restarts)
    metrics.LIMITER_OWED.set(stats.owed_updates)
    metrics.LIMITER_TOLERANCE.set(stats.tolerance)


def _sorted_out(scalars: dict[str, float]) -> dict[str, dict[str, float]]:
    losses, norms, others = {}, {}, {}
    for name, value in scalars.items():
        if name.endswith("_grad_norm"):
            group = name.removesuffix("_grad_norm")
            norms[group] = value
            metrics.GRAD_NORM.labels(group).set(value)
        elif name in LOSSES:
            part = name.removesuffix("_loss")
            losses[part] = value
            metrics.LOSS.labels(part).set(value)
        else:
            others[name] = value
    return {"loss": losses, "grad_norm": norms, "learning": others} if scalars else {}
