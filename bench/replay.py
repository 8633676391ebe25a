"""Insert into and sample from the replay, against the same server's own many-key write and read.

One process, client and server on the same machine, unix socket, Resource Collection's records. The raw side moves
the same payloads with MSET and MGET; both sides take turns, and the medians of their rates are compared.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np

from bench.report import Row, main
from copa.config.schema import RedisSettings
from copa.replay import Limits, Push, RecordLayout, Replay, Sampler, connect, ring_bytes
from copa.replay.server import running
from copa.segments import Segments
from copa.tasks import task_spec

T = 4
CAPACITY = 8_192
PUSH = 128
BATCH = 512


def run(quick: bool = False) -> list[Row]:
    """Segments per second of insert and sample, alone and with encoding and decoding."""
    rounds = 20 if quick else 150
    layout = RecordLayout(task_spec("resource_collection"), T)
    limits = Limits(CAPACITY, BATCH, BATCH, 100, 4.0, 10**9, free_running=True)
    with running(max_bytes=2 * ring_bytes(layout, CAPACITY)) as server:
        client = connect(RedisSettings(url=server.url))
        replay = Replay(client, "bench", layout, limits)
        replay.claim("bench")
        pusher = Pusher(replay)
        segments = random_segments(layout, PUSH)
        records = layout.encode(segments)
        rng = np.random.default_rng(0)
        uniform, half = Sampler(replay, rng), Sampler(replay, rng, rewarded_share=0.5)
        by_priority = Sampler(replay, rng, priority=0.6, importance=0.4)

        def raw_keys(slots: list[int]) -> list[bytes]:
            return [b"raw:%d" % slot for slot in slots]

        def raw_insert(turn: int) -> None:
            first = turn * PUSH % CAPACITY
            pairs = zip(raw_keys(list(range(first, first + PUSH))), records, strict=True)
            replay.link.command("MSET", *(part for pair in pairs for part in pair))

        def raw_sample(_: int) -> None:
            replay.link.command("MGET", *raw_keys(rng.integers(0, CAPACITY, BATCH).tolist()))

        def sample(_: int) -> None:
            permit = replay.permit(BATCH)
            replay.read(rng.integers(0, permit.segments, BATCH))

        def draw(sampler: Sampler) -> Callable[[int], object]:
            return lambda _: sampler.draw(replay.permit(BATCH), BATCH)

        for turn in range(CAPACITY // PUSH):
            pusher.push(segments)
            raw_insert(turn)
        inserts = _rates(
            rounds, PUSH, raw_insert, lambda _: pusher.push_records(records), lambda _: pusher.push(segments)
        )
        samples = _rates(
            rounds,
            BATCH,
            raw_sample,
            sample,
            draw(uniform),
            draw(half),
            draw(by_priority),
        )
        client.close()
    unit = "segments/s"
    write, read = f"MSET of {PUSH}", f"MGET of {BATCH}"
    return [
        Row(f"insert, {PUSH} records of {layout.record_bytes} B", inserts[1], inserts[0], unit, write),
        Row("insert with encoding", inserts[2], inserts[0], unit, write),
        Row(f"permit and read, {BATCH} records", samples[1], samples[0], unit, read),
        Row("permit, draw and decode", samples[2], samples[0], unit, read),
        Row("the same, half from rewarded segments", samples[3], samples[0], unit, read),
        Row("the same, by priority", samples[4], samples[0], unit, read),
    ]


class Pusher:
    """An actor that pushes the same segments again and again."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self.lease = replay.lease_actor()
        self.pushes = 0
        self.segments = 0

    def push(self, segments: Segments) -> None:
        """Push `segments`, encoding them."""
        layout = self.replay.layout
        total = self._next(len(segments))
        push = layout.push(segments, sequence=self.pushes, steps_total=total * layout.steps, segments_total=total)
        self.replay.push(self.lease, push)

    def push_records(self, records: list[bytes]) -> None:
        """Push `records`."""
        total = self._next(len(records))
        steps = total * self.replay.layout.steps
        self.replay.push(self.lease, Push(self.pushes, records, bytes(len(records)), steps, total))

    def _next(self, count: int) -> int:
        self.pushes += 1
        self.segments += count
        return self.segments


def _rates(rounds: int, items: int, *sides: Callable[[int], object]) -> list[float]:
    """Median items per second of each side, taken in turns."""
    seconds: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds):
        for side, taken in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            side(turn)
            taken.append(time.perf_counter() - start)
    return [items / statistics.median(taken) for taken in seconds]


def random_segments(layout: RecordLayout, count: int) -> Segments:
    """`count` segments of `layout`'s task, none shorter than its T."""
    spec, T, rng = layout.spec, layout.steps, np.random.default_rng(0)
    A, views = spec.slots, T + 1

    def floats(*shape: int) -> np.ndarray:
        return rng.standard_normal((count, *shape)).astype(np.float32)

    def bits(*shape: int) -> np.ndarray:
        return rng.random((count, *shape)) < 0.5

    return Segments(
        agents=floats(views, A, spec.agent_features),
        traits=floats(views, A, spec.trait_features),
        entities=floats(views, spec.entity_rows, spec.entity_features),
        visible=bits(views, A, spec.rows),
        present=bits(views, A, spec.rows),
        available=bits(views, A, len(spec.actions)),
        actions=rng.integers(0, len(spec.actions), (count, T, A)),
        rewards=floats(T),
        lengths=np.full(count, T),
        terminated=np.zeros(count, np.bool_),
        episode_end=np.zeros(count, np.bool_),
        previous=np.zeros((count, A), np.int64),
        memory=np.zeros((count, A, 0), np.float32),
        episodes=np.arange(count),
        first_steps=np.zeros(count, np.int64),
        player_versions=np.ones(count, np.int64),
        coach_versions=np.ones(count, np.int64),
    )


if __name__ == "__main__":
    main(run)
