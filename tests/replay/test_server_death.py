"""A Redis that is killed: what survives, what is counted, what goes on by itself."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import redis
import torch

from copa.config.schema import RedisSettings
from copa.errors import UnavailableError
from copa.replay import ActorLease, RecordLayout, Replay, ReplayGoneError, Sampler, connect
from copa.replay.server import RunningServer, running
from copa.weights import WeightStore
from tests.durable import DURABLE
from tests.replay.examples import small_limits, some_segments


def open_replay(server: RunningServer, layout: RecordLayout, patience: float = 20.0) -> Replay:
    settings = RedisSettings(url=server.url, patience=patience)
    return Replay(connect(settings), "run", layout, small_limits(capacity=1000), patience=patience)


def push(replay: Replay, lease: ActorLease, sequence: int, count: int = 5) -> bool:
    segments = some_segments(replay.layout.spec, 4, count, first_episode=count * sequence)
    total = count * (sequence + 1)
    return replay.push(
        lease, replay.layout.push(segments, sequence=sequence, steps_total=4 * total, segments_total=total)
    ).acknowledged


def test_what_a_killed_server_lost_is_counted_and_counters_heal(tmp_path: Path, layout: RecordLayout) -> None:
    with running(tmp_path / "data", options=DURABLE) as server:
        replay = open_replay(server, layout)
        replay.claim("tests")
        lease = replay.lease_actor()
        for sequence in range(20):
            assert push(replay, lease, sequence)
        replay.lease_episodes(50)
        assert replay.permit(8).granted
        drawn = replay.stats().sampled
        server.kill()
        log = next((tmp_path / "data" / "appendonlydir").glob("*.incr.aof"))
        with log.open("rb+") as file:
            file.truncate(log.stat().st_size * 2 // 3)
        server.start()

        present = replay.stats().inserted
        assert 0 < present < 100
        assert push(replay, lease, 20)
        stats = replay.stats()
        assert (stats.inserted, stats.lost) == (present + 5, 100 - present)
        assert stats.steps == 4 * 105
        assert stats.server_restarts == 1
        assert replay.lease_episodes(1) > 50, "numbers that may have been leased are not leased again"

        permit = replay.permit(8)
        assert permit.granted
        assert permit.sampled == drawn + 8, "a forgotten permit is counted by the next"
        replay.refresh_side(permit)
        assert np.count_nonzero(replay.side.generations) == permit.segments == present + 5
        assert len(Sampler(replay, np.random.default_rng(0), rewarded_share=0.5).draw(permit, 8).segments) == 8


def test_calls_wait_for_a_server_that_comes_back(tmp_path: Path, layout: RecordLayout) -> None:
    with running(tmp_path / "data", options=DURABLE) as server:
        replay = open_replay(server, layout)
        replay.claim("tests")
        lease = replay.lease_actor()
        push(replay, lease, 0)
        for sequence in (1, 2):
            server.kill()
            back = threading.Timer(0.3, server.start)
            back.start()
            assert push(replay, lease, sequence)
            back.join()
        stats = replay.stats()
        assert (stats.inserted, stats.lost, stats.server_restarts) == (15, 0, 2)


def test_patience_ends_in_words(tmp_path: Path, layout: RecordLayout) -> None:
    with running(tmp_path / "data", options=DURABLE) as server:
        replay = open_replay(server, layout, patience=0.3)
        replay.claim("tests")
        server.kill()
        with pytest.raises(UnavailableError, match=r"could not be reached for 0\.3 s"):
            replay.permit(8)


def test_a_server_that_kept_nothing_is_refilled_from_counters(layout: RecordLayout) -> None:
    with running(options={"appendonly": "no"}) as server:
        replay = open_replay(server, layout)
        replay.claim("tests")
        lease = replay.lease_actor()
        for sequence in range(4):
            push(replay, lease, sequence)
        assert replay.permit(8).granted
        counters = replay.counters()
        push(replay, lease, 4)
        server.kill()
        server.start()
        for act in (replay.stats, lambda: replay.permit(8), lambda: push(replay, lease, 5), replay.lease_actor):
            with pytest.raises(ReplayGoneError):
                act()

        assert replay.claim("tests", restore=True).created
        assert not push(replay, lease, 5), "pushes wait until the counters are back"
        replay.link.patience = 0.2
        with pytest.raises(UnavailableError, match="waiting to be restored"):
            replay.lease_episodes(1)
        replay.link.patience = 20.0
        replay.restore_counters(counters)
        assert push(replay, lease, 5)
        stats = replay.stats()
        assert (stats.steps, stats.sampled, stats.segments) == (4 * 30, 8, 5)
        assert (stats.inserted, stats.lost) == (25, 25), "20 that the ring held, 5 that came after the counters"
        assert replay.permit(8).reason == "warming up"
        assert replay.lease_actor().actor == 1


def test_the_ring_of_a_finished_run_is_not_lost_when_the_run_is_extended(layout: RecordLayout) -> None:
    with running(options={"appendonly": "no"}) as server:
        client = connect(RedisSettings(url=server.url, patience=20.0))
        replay = Replay(client, "run", layout, small_limits(total_steps=80))
        replay.claim("tests")
        lease = replay.lease_actor()
        for sequence in range(4):
            push(replay, lease, sequence)
        for _ in range(5):
            assert not replay.counters()["finished"], "updates are owed"
            assert replay.permit(8).granted
        assert replay.permit(8).finished
        counters = json.loads(json.dumps(replay.counters()))
        assert counters["finished"]
        server.kill()
        server.start()

        extended = Replay(client, "run", layout, small_limits(total_steps=160))
        assert extended.claim("tests", restore=True).created
        extended.restore_counters(counters)
        push(extended, extended.lease_actor(), 0)
        stats = extended.stats()
        assert (stats.steps, stats.sampled, stats.inserted) == (100, 40, 25)
        assert (stats.segments, stats.lost) == (5, 0)
        assert not extended.counters()["finished"]


def test_giving_back_to_a_server_that_is_gone_is_short_and_no_error(tmp_path: Path, layout: RecordLayout) -> None:
    with running(tmp_path / "data", options=DURABLE) as server:
        replay = open_replay(server, layout, patience=600.0)
        replay.claim("tests")
        lease = replay.lease_actor()
        server.kill()
        began = time.monotonic()
        replay.release_actor(lease)
        replay.release()
        assert time.monotonic() - began < 60


def fill_disk(server: RunningServer, client: redis.Redis) -> None:
    """Make the server refuse writes, since it cannot save: where its file should be there is a folder."""
    (server.server.folder / "dump.rdb").mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    while client.info("persistence")["rdb_last_bgsave_status"] != "err":
        time.sleep(0.01)


def free_disk(server: RunningServer, client: redis.Redis) -> None:
    """Let the server save and write again."""
    (server.server.folder / "dump.rdb").rmdir()
    client.bgsave()


def test_a_full_disk_is_waited_for_and_then_named(tmp_path: Path, layout: RecordLayout) -> None:
    with running(tmp_path / "data", options=DURABLE) as server:
        settings = RedisSettings(url=server.url, patience=0.2)
        replay, store = open_replay(server, layout), WeightStore(settings, "run")
        replay.claim("tests")
        lease = replay.lease_actor()
        fill_disk(server, replay.link.client)
        replay.link.patience = 0.2
        for act in (
            lambda: push(replay, lease, 0),
            lambda: replay.permit(8),
            lambda: store.publish({"player.a": torch.zeros(2)}, updates=1),
            lambda: store.link.transaction(("SET", "a", 1), ("SET", "b", 2)),
            lambda: connect(settings),
        ):
            with pytest.raises(UnavailableError, match=r"cannot write to its disk for 0\.2 s .* full or not writable"):
                act()
        replay.release()
        assert replay.stats().inserted == 0
        replay.link.patience = 20.0
        freed = threading.Timer(0.3, free_disk, (server, replay.link.client))
        freed.start()
        assert push(replay, lease, 0)
        freed.join()
        assert replay.stats().inserted == 5


def test_an_incarnation_that_the_server_forgot_is_still_told_apart(tmp_path: Path, layout: RecordLayout) -> None:
    with running(tmp_path / "data", options=DURABLE) as server:
        replay = open_replay(server, layout)
        replay.claim("tests")
        log = next((tmp_path / "data" / "appendonlydir").glob("*.incr.aof"))
        size = log.stat().st_size
        lease = replay.lease_actor()
        push(replay, lease, 0)
        server.kill()
        with log.open("rb+") as file:
            file.truncate(size)
        server.start()
        assert push(replay, lease, 1)
        assert replay.stats().lost == 5
        assert replay.lease_actor().actor == 1
