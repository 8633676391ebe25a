"""The outbox: every segment reaches Redis once, whatever Redis does meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from prometheus_client import REGISTRY

from actor.group import Played
from actor.outbox import Dropped, Outbox
from copa.assembly import open_replay, record_layout
from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.replay import ActorLease, LeaseLostError, Replay
from copa.replay.server import RunningServer, running
from copa.segments import Segments
from copa.tasks import task_spec
from tests.durable import DURABLE

SPEC = task_spec("resource_collection")
T = 4
SEGMENTS = 8


def played(seed: int) -> Played:
    rng = np.random.default_rng(seed)
    n, a, rows = SEGMENTS, SPEC.slots, SPEC.rows
    segments = Segments(
        agents=rng.random((n, T + 1, a, SPEC.agent_features), dtype=np.float32),
        traits=rng.random((n, T + 1, a, SPEC.trait_features), dtype=np.float32),
        entities=rng.random((n, T + 1, SPEC.entity_rows, SPEC.entity_features), dtype=np.float32),
        visible=rng.random((n, T + 1, a, rows)) < 0.5,
        present=np.ones((n, T + 1, a, rows), dtype=bool),
        available=np.ones((n, T + 1, a, len(SPEC.actions)), dtype=bool),
        actions=rng.integers(0, 5, (n, T, a)),
        rewards=rng.random((n, T), dtype=np.float32),
        lengths=np.full(n, T),
        terminated=np.zeros(n, dtype=bool),
        episode_end=np.zeros(n, dtype=bool),
        previous=np.zeros((n, a), dtype=np.int64),
        memory=np.zeros((n, a, 0), dtype=np.float32),
        episodes=np.full(n, seed),
        first_steps=np.arange(n),
        player_versions=np.ones(n, dtype=np.int64),
        coach_versions=np.ones(n, dtype=np.int64),
    )
    return Played(segments, steps=n * T, returns=np.zeros(0, dtype=np.float32), lost=0)


def settings(server: RunningServer, patience: float = 20.0) -> Config:
    return Config.model_validate(
        {
            "redis": {"url": server.url, "patience": patience},
            "replay": {"capacity": 5000, "minimum": 10, "free_running": True},
        }
    )


@contextmanager
def opened(
    server: RunningServer, capacity: int = 1000, patience: float = 20.0
) -> Iterator[tuple[Replay, ActorLease, Outbox]]:
    config = settings(server, patience)
    replay = open_replay(config)
    replay.claim("test")
    lease = replay.lease_actor()
    outbox = Outbox(open_replay(config), lease, record_layout(config), capacity, threading.Event())
    try:
        yield replay, lease, outbox
    finally:
        outbox.close(5.0)


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def _raises(call: Callable[[], None], kind: type[Exception]) -> bool:
    try:
        call()
    except kind:
        return True
    return False


def dropped(reason: str) -> float:
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        if metric.name == "copa_segments_dropped"
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["reason"] == reason
    )


def test_everything_put_arrives_once_and_in_order() -> None:
    with running(options=DURABLE) as server, opened(server) as (replay, _, outbox):
        for seed in range(30):
            outbox.put(played(seed))
        assert outbox.close(10.0) is None
        stats = replay.stats()
        assert (stats.inserted, stats.lost, stats.steps) == (30 * SEGMENTS, 0, 30 * SEGMENTS * T)
        records = [record for record in replay.read(np.arange(30 * SEGMENTS)) if record is not None]
        segments = replay.layout.decode(records)
        np.testing.assert_array_equal(segments.episodes, np.repeat(np.arange(30), SEGMENTS))
        np.testing.assert_array_equal(segments.rewards[:SEGMENTS], played(0).segments.rewards)
        assert outbox.admission.total_steps == 30 * SEGMENTS * T


def test_a_server_that_dies_and_returns_gets_everything() -> None:
    with running(options=DURABLE) as server, opened(server) as (replay, _, outbox):
        outbox.put(played(0))
        wait_for(lambda: replay.stats().inserted == SEGMENTS)
        server.kill()
        for seed in range(1, 6):
            outbox.put(played(seed))
        time.sleep(0.5)
        server.start()
        wait_for(lambda: replay.stats().inserted == 6 * SEGMENTS, 20.0)
        assert replay.stats().lost == 0


def test_a_lost_lease_stops_the_actor_and_counts_what_is_dropped() -> None:
    with running(options=DURABLE) as server, opened(server) as (replay, lease, outbox):
        before = dropped("lease lost")
        outbox.put(played(0))
        wait_for(lambda: replay.stats().inserted == SEGMENTS)
        replay.release_actor(lease)
        successor = replay.lease_actor()
        assert (successor.actor, successor.incarnation) == (lease.actor, lease.incarnation + 1)
        outbox.put(played(1))
        wait_for(lambda: _raises(outbox.check, LeaseLostError))
        assert outbox.close(1.0) == Dropped(SEGMENTS, "lease lost")
        assert dropped("lease lost") == before + SEGMENTS
        assert replay.stats().inserted == SEGMENTS


def test_a_redis_that_stays_away_stops_the_actor_and_is_named() -> None:
    with running(options=DURABLE) as server, opened(server, patience=0.5) as (replay, _, outbox):
        outbox.put(played(0))
        wait_for(lambda: replay.stats().inserted == SEGMENTS)
        before = dropped("redis unavailable")
        server.kill()
        outbox.put(played(1))
        wait_for(lambda: _raises(outbox.check, UnavailableError))
        assert outbox.close(1.0) == Dropped(SEGMENTS, "redis unavailable")
        assert dropped("redis unavailable") == before + SEGMENTS


def test_a_full_outbox_holds_the_games() -> None:
    with running(options=DURABLE) as server, opened(server, capacity=2 * SEGMENTS) as (replay, _, outbox):
        outbox.put(played(0))
        wait_for(lambda: replay.stats().inserted == SEGMENTS)
        server.kill()
        outbox.put(played(1))
        outbox.put(played(2))
        blocked = threading.Thread(target=outbox.put, args=(played(3),), daemon=True)
        blocked.start()
        blocked.join(0.7)
        assert blocked.is_alive()
        server.start()
        blocked.join(20.0)
        assert not blocked.is_alive()
        wait_for(lambda: replay.stats().inserted == 4 * SEGMENTS, 20.0)
