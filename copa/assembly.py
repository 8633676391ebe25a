"""Building the shared parts from a configuration, the same way in every process."""

import threading

from copa.config.schema import Config
from copa.methods import method_named
from copa.replay import Limits, RecordLayout, Replay, connect
from copa.tasks import task_spec


def record_layout(config: Config) -> RecordLayout:
    """The layout of the run's segments."""
    spec = task_spec(config.task.name, config.task.options)
    memory = 0
    if config.learning.segment_start == "stored":
        from copa.nets import method_width

        memory = method_width(spec, config)
    return RecordLayout(spec, config.method.T, memory)


def open_replay(config: Config, stopping: threading.Event | None = None, *, patience: float | None = None) -> Replay:
    """A client of the run's replay with a connection of its own, for one thread.

    `patience`: seconds to wait for a Redis that is away, when not those of `redis.patience`.
    """
    return Replay(
        connect(config.redis, stopping=stopping),
        config.run.name,
        record_layout(config),
        Limits.of(config, method_named(config.method.name).batch(config)),
        patience=config.redis.patience if patience is None else patience,
        stopping=stopping,
    )
