"""Insert into and sample from a replay over two shards, against the same replay in one server.

Two actors (threads of one process) and one learner, servers and clients on the same machine, unix sockets, Resource
Collection's records. Both sides take turns, and medians are compared. The home is a third server.

On a machine whose cores the clients and one server fill, two servers can gain nothing: what they would gain with cores
of their own is what the busiest of them spends per segment.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

from bench.replay import BATCH, CAPACITY, PUSH, Pusher, T, random_segments
from bench.report import Row, main
from copa.config.schema import RedisSettings
from copa.replay import Limits, RecordLayout, Replay, Sampler, ShardedReplay, connect, ring_bytes
from copa.replay.server import running
from copa.tasks import task_spec

SHARDS = 2
PUSHES = 2
"""Pushes of each actor, and draws of the learner, in one turn."""


def run(quick: bool = False) -> list[Row]:
    """Segments per second and processor time of the busiest server, two shards beside one server."""
    turns = 20 if quick else 150
    layout = RecordLayout(task_spec("resource_collection"), T)
    limits = Limits(CAPACITY, BATCH, BATCH, 100, 4.0, 10**9, free_running=True)
    with ExitStack() as stack:
        servers = [stack.enter_context(running(max_bytes=2 * ring_bytes(layout, CAPACITY))) for _ in range(2 + SHARDS)]
        alone, home, *shards = (stack.enter_context(connect(RedisSettings(url=server.url))) for server in servers)
        replays: list[Replay] = [
            Replay(alone, "bench", layout, limits),
            ShardedReplay(home, shards, "bench", layout, limits),
        ]
        actors = stack.enter_context(ThreadPoolExecutor(SHARDS))
        inserts, draws, rewarded = [], [], []
        for replay in replays:
            replay.claim("bench")
            side = _Side(replay, actors)
            while replay.stats().segments < CAPACITY:
                side.insert()
            inserts.append(side.insert)
            draws.append(side.draw)
            rewarded.append(side.draw_rewarded)
        busy = [replay.shards if isinstance(replay, ShardedReplay) else [replay] for replay in replays]
        rows = []
        for name, segments, sides in (
            (f"insert by {SHARDS} actors, {PUSH} records at once", SHARDS * PUSHES * PUSH, inserts),
            (f"permit, draw and decode, {BATCH} records", PUSHES * BATCH, draws),
            ("the same, half from rewarded segments", PUSHES * BATCH, rewarded),
        ):
            (one, two), (one_spent, two_spent) = _compare(turns, segments, sides, busy)
            rows.append(Row(f"{name}, {SHARDS} shards", two, one, "segments/s", "one server"))
            busiest = f"{name}: the busiest server's time"
            rows.append(Row(busiest, two_spent, one_spent, "us/segment", "one server", better="lower"))
    return rows


class _Side:
    """What actors and learner do to one replay in a turn."""

    def __init__(self, replay: Replay, actors: ThreadPoolExecutor) -> None:
        self._replay = replay
        self._actors = actors
        self._pushers = [Pusher(replay) for _ in range(SHARDS)]
        self._records = replay.layout.encode(random_segments(replay.layout, PUSH))
        rng = np.random.default_rng(0)
        self._uniform, self._half = Sampler(replay, rng), Sampler(replay, rng, rewarded_share=0.5)

    def insert(self) -> None:
        """All actors push at once."""
        list(self._actors.map(self._push, self._pushers))

    def draw(self) -> None:
        """The learner draws batches."""
        self._draw(self._uniform)

    def draw_rewarded(self) -> None:
        """The learner draws batches, half of each from rewarded segments."""
        self._draw(self._half)

    def _push(self, pusher: Pusher) -> None:
        for _ in range(PUSHES):
            pusher.push_records(self._records)

    def _draw(self, sampler: Sampler) -> None:
        for _ in range(PUSHES):
            sampler.draw(self._replay.permit(BATCH), BATCH)


def _compare(
    turns: int, segments: int, sides: Sequence[Callable[[], None]], servers: Sequence[Sequence[Replay]]
) -> tuple[list[float], list[float]]:
    """Segments per second of each side, and microseconds that the busiest of its `servers` spent per segment."""
    seconds: list[list[float]] = [[] for _ in sides]
    before = [[_spent(server) for server in side] for side in servers]
    for _ in range(turns):
        for side, taken in zip(sides, seconds, strict=True):
            began = time.perf_counter()
            side()
            taken.append(time.perf_counter() - began)
    spent = [
        max(_spent(server) - first for server, first in zip(side, firsts, strict=True))
        for side, firsts in zip(servers, before, strict=True)
    ]
    rates = [segments / statistics.median(taken) for taken in seconds]
    return rates, [one * 1e6 / (turns * segments) for one in spent]


def _spent(server: Replay) -> float:
    """Processor time of a server so far, in seconds."""
    cpu = server.link.command("INFO", "cpu")
    return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


if __name__ == "__main__":
    main(run)
