"""Servers of a sharded replay that are killed: what survives, what is counted, who waits for whom."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from copa.config.schema import RedisSettings
from copa.errors import UnavailableError
from copa.replay import RecordLayout, Replay, ReplayGoneError, Sampler, ShardedReplay, connect
from copa.replay.server import RunningServer, running
from tests.durable import DURABLE
from tests.replay.examples import small_limits
from tests.replay.test_exactly_once import push_of
from tests.replay.test_shards import episodes_in, inserted, push

Servers = list[RunningServer]


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """A home and two shards."""
    with ExitStack() as stack:
        yield [stack.enter_context(running(tmp_path / str(number), options=DURABLE)) for number in range(3)]


def open_replay(servers: Servers, layout: RecordLayout, patience: float = 20.0) -> ShardedReplay:
    home, *shards = (connect(RedisSettings(url=server.url, patience=patience)) for server in servers)
    return ShardedReplay(home, shards, "run", layout, small_limits(capacity=1000, minimum=20), patience=patience)


def without_data(server: RunningServer) -> None:
    """Kill the server and start it with nothing."""
    server.kill()
    for file in (server.server.folder / "appendonlydir").iterdir():
        file.unlink()
    server.start()


@pytest.mark.parametrize("victim", [0, 1], ids=["home", "shard"])
def test_a_server_killed_between_shard_and_home_neither_loses_nor_doubles(
    servers: Servers, layout: RecordLayout, victim: int
) -> None:
    replay = open_replay(servers, layout)
    replay.claim("tests")
    lease = replay.lease_actor()
    push(replay, lease, 0)
    pushed = push_of(layout, 1, first=5, count=5, total=10)
    assert replay.shards[0].push(lease, pushed).acknowledged
    servers[victim].kill()
    back = threading.Timer(0.3, servers[victim].start)
    back.start()
    assert replay.push(lease, pushed).acknowledged
    back.join()
    assert replay.push(lease, pushed).repeated
    assert inserted(replay) == [10, 10, 0]
    assert episodes_in(replay) == list(range(10))
    assert push(replay, lease, 2)
    stats = replay.stats()
    assert (stats.steps, stats.inserted, stats.segments, stats.lost) == (60, 15, 15, 0)
    assert stats.server_restarts == 1


def test_what_a_killed_shard_lost_is_counted_and_both_sides_warm_up_again(
    servers: Servers, layout: RecordLayout
) -> None:
    replay = open_replay(servers, layout)
    replay.claim("tests")
    leases = [replay.lease_actor(), replay.lease_actor()]
    push(replay, leases[1], 0, first=1000)
    log = next((servers[1].server.folder / "appendonlydir").glob("*.incr.aof"))
    for sequence in range(20):
        push(replay, leases[0], sequence)
        if sequence == 0:
            kept = log.stat().st_size
    assert replay.permit(8).granted
    assert replay.admission().reason == "actors ahead"
    servers[1].kill()
    with log.open("rb+") as file:
        file.truncate(kept)
    servers[1].start()

    permit = replay.permit(8)
    assert (permit.reason, permit.segments) == ("warming up", 10)
    assert replay.admission().reason == "", "both sides are judged by the same number, so that one of them goes on"
    assert push(replay, leases[0], 20)
    stats = replay.stats()
    assert (stats.inserted, stats.lost, stats.steps) == (110, 95, 440)
    assert inserted(replay) == [110, 10, 5]
    assert push(replay, leases[0], 21)
    permit = replay.permit(8)
    assert (permit.granted, permit.segments) == (True, 20)
    rng = np.random.default_rng(0)
    assert len(Sampler(replay, rng, rewarded_share=0.5).draw(permit, 8).segments) == 8
    assert sum(np.count_nonzero(shard.side.generations) for shard in replay.shards) == 20
    assert replay.stats().server_restarts == 1


def test_totals_that_the_home_forgot_are_made_good(servers: Servers, layout: RecordLayout) -> None:
    replay = open_replay(servers, layout)
    replay.claim("tests")
    lease = replay.lease_actor()
    log = next((servers[0].server.folder / "appendonlydir").glob("*.incr.aof"))
    for sequence in range(4):
        push(replay, lease, sequence)
        if sequence == 0:
            kept = log.stat().st_size
    servers[0].kill()
    with log.open("rb+") as file:
        file.truncate(kept)
    servers[0].start()
    assert inserted(replay) == [5, 20, 0]
    push(replay, lease, 4)
    assert inserted(replay) == [25, 25, 0]
    stats = replay.stats()
    assert (stats.steps, stats.lost) == (100, 0)


def test_a_shard_that_kept_nothing_is_noticed_and_begins_with_what_the_checkpoint_knows(
    servers: Servers, layout: RecordLayout
) -> None:
    replay = open_replay(servers, layout)
    replay.claim("tests")
    leases = [replay.lease_actor(), replay.lease_actor()]
    for sequence in range(3):
        for lease in leases:
            push(replay, lease, sequence, first=1000 * lease.actor)
        if sequence == 1:
            counters = json.loads(json.dumps(replay.counters()))
    without_data(servers[2])
    address = servers[2].url
    gone: list[Callable[[], object]] = [
        replay.stats,
        lambda: replay.permit(8),
        lambda: push(replay, leases[1], 3, first=1000),
    ]
    for act in gone:
        with pytest.raises(ReplayGoneError, match=f"is not in Redis at {address}"):
            act()
    assert push(replay, leases[0], 3), "actors of the other shard go on"

    assert replay.claim("tests", restore=True).created
    assert not push(replay, leases[1], 3, first=1000), "its actors wait until the counters are back"
    replay.restore_counters(counters)
    assert push(replay, leases[1], 3, first=1000)
    stats = replay.stats()
    assert (stats.inserted, stats.segments, stats.steps) == (40, 25, 160)
    assert stats.lost == 15, "ten that the ring held at the checkpoint, five that came after it"
    assert sorted(episodes_in(replay)) == [*range(20), *range(1015, 1020)]
    assert not replay.claim("tests", restore=True).created


def test_who_needs_a_shard_that_is_away_waits_for_it_and_then_names_it(servers: Servers, layout: RecordLayout) -> None:
    replay = open_replay(servers, layout, patience=0.3)
    replay.claim("tests")
    leases = [replay.lease_actor(), replay.lease_actor()]
    for lease in leases:
        push(replay, lease, 0, count=10)
    servers[2].kill()
    assert push(replay, leases[0], 1)
    replay.admission(leases[1])
    for act in (lambda: push(replay, leases[1], 1), lambda: replay.permit(8), replay.stats):
        with pytest.raises(UnavailableError, match=rf"{servers[2].url} could not be reached for 0\.3 s"):
            act()
    servers[2].start()
    assert push(replay, leases[1], 1)
    assert replay.permit(8).granted
    assert Replay.stats(replay).server_restarts == 0
    assert replay.stats().lost == 0
