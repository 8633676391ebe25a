"""Building the shared parts from a configuration, the same way in every process."""

import threading

from copa.config.schema import Config
from copa.methods import method_named
from copa.replay import Limits, RecordLayout, Replay, ShardedReplay, connect
from copa.replay.connection import shard_clients
from copa.replay.shards import home_place
from copa.tasks import task_spec


def record_layout(config: Config) -> RecordLayout:
    """The layout of the run's segments."""
    spec = task_spec(config.task.name, config.task.options)
    memory = 0
    if config.learning.segment_start == "stored":
        from copa.nets import method_width

        memory = method_width(spec, config)
    return RecordLayout(spec, config.method.T, memory, config.learning.periods)


def open_home(config: Config, stopping: threading.Event | None = None, *, patience: float | None = None) -> Replay:
    """A client of the server at `redis.url`, which counts and leases for the whole run; for who needs no segments.

    It has a connection of its own, for one thread. `patience`: seconds to wait for a Redis that is away, when not those
    of `redis.patience`.
    """
    return Replay(
        connect(config.redis, stopping=stopping),
        *_parts(config),
        patience=config.redis.patience if patience is None else patience,
        stopping=stopping,
        place=home_place(len(config.redis.shards)),
    )


def open_replay(config: Config, stopping: threading.Event | None = None, *, patience: float | None = None) -> Replay:
    """A client of the run's replay, as `open_home`, that reaches the segments too: in one Redis, or in its shards."""
    if not config.redis.shards:
        return open_home(config, stopping, patience=patience)
    return ShardedReplay(
        connect(config.redis, stopping=stopping),
        shard_clients(config.redis),
        *_parts(config),
        patience=config.redis.patience if patience is None else patience,
        stopping=stopping,
    )


def _parts(config: Config) -> tuple[str, RecordLayout, Limits]:
    return config.run.name, record_layout(config), Limits.of(config, method_named(config.method.name).batch(config))
