"""Weights: versions, what is kept, what is torn, notices."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from copa.config.schema import RedisSettings
from copa.errors import DataError, UnavailableError
from copa.replay.server import running
from copa.weights import WeightStore


@pytest.fixture
def store(settings: RedisSettings, run_name: str) -> Iterator[WeightStore]:
    store = WeightStore(settings, run_name, kept=3)
    yield store
    store.close()


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"player.a": torch.full((3, 2), value), "coach.b": torch.arange(4).float().reshape(2, 2).T * value}


def test_published_weights_arrive_whole(store: WeightStore) -> None:
    assert store.latest() == 0
    assert store.pull() is None
    before = time.time()
    assert store.publish(tensors(2.0), updates=7) == 1
    published = store.pull()
    assert published is not None
    assert (published.version, published.updates) == (1, 7)
    assert before <= published.published_at <= time.time()
    assert set(published.tensors) == {"player.a", "coach.b"}
    for name, tensor in tensors(2.0).items():
        assert torch.equal(published.tensors[name], tensor)
    assert store.pull(newer_than=1) is None


def test_averages_are_beside_the_newest_version_alone(
    store: WeightStore, settings: RedisSettings, run_name: str
) -> None:
    reader = WeightStore(settings, run_name, averages=True)
    assert reader.pull() is None
    for update in (1, 2):
        store.publish(tensors(update), updates=update, averages=tensors(update / 4))
    found, learned = reader.pull(), store.pull()
    assert found is not None
    assert learned is not None
    assert (found.version, found.updates, found.published_at) == (2, 2, learned.published_at)
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in tensors(0.5).items())
    assert all(torch.equal(learned.tensors[name], tensor) for name, tensor in tensors(2.0).items())
    assert reader.pull(newer_than=2) is None
    assert len(list(store.link.client.scan_iter(match=store.keys.averages + "*"))) == 1
    store.publish(tensors(3), updates=3)
    with pytest.raises(DataError, match=r"no averages beside weights version 3: .* same learning\.averaging_rate"):
        reader.pull(newer_than=2)
    reader.close()


def test_only_the_newest_versions_are_kept(store: WeightStore) -> None:
    for update in range(6):
        store.publish(tensors(update), updates=update)
    kept = {
        key.decode().rsplit(":", 1)[1]
        for key in store.link.client.scan_iter(match=store.keys.version(0)[:-1] + "[0-9]*")
    }
    assert kept == {"4", "5", "6"}
    assert store.latest() == 6


def test_versions_are_not_used_twice_by_another_publisher(
    store: WeightStore, settings: RedisSettings, run_name: str
) -> None:
    store.publish(tensors(1), updates=1)
    other = WeightStore(settings, run_name)
    assert other.publish(tensors(2), updates=2) == 2
    assert store.publish(tensors(3), updates=3) == 3
    assert other.publish(tensors(4), updates=4, newer_than=50) == 51
    other.close()


def test_versions_go_on_when_the_server_forgot_some(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        store = WeightStore(RedisSettings(url=server.url, patience=10), "run")
        reader = WeightStore(RedisSettings(url=server.url, patience=10), "run")
        for update in range(3):
            store.publish(tensors(update), updates=update)
        log = next((tmp_path / "data" / "appendonlydir").glob("*.incr.aof"))
        size = log.stat().st_size
        store.publish(tensors(9), updates=9)
        server.kill()
        with log.open("rb+") as file:
            file.truncate(size)
        server.start()
        assert reader.latest() == 3
        assert WeightStore(RedisSettings(url=server.url), "run").publish(tensors(5), updates=5) > 4
        published = reader.pull(newer_than=4)
        assert published is not None
        assert published.updates == 5


def test_readers_follow_a_server_that_came_back_empty() -> None:
    with running(options={"appendonly": "no"}) as server:
        settings = RedisSettings(url=server.url, patience=10)
        reader = WeightStore(settings, "run")
        assert WeightStore(settings, "run").publish(tensors(1), updates=1, newer_than=50) == 51
        server.kill()
        server.start()
        assert reader.pull(newer_than=51) is None, "nothing is there"
        assert WeightStore(settings, "run").publish(tensors(2), updates=2) == 1
        published = reader.pull(newer_than=51)
        assert published is not None
        assert (published.version, published.updates) == (1, 2)
        assert reader.pull(newer_than=1) is None


def test_publishing_to_a_server_out_of_memory_is_refused_in_words() -> None:
    with running() as server:
        store = WeightStore(RedisSettings(url=server.url), "run")
        assert store.publish(tensors(1), updates=1) == 1
        store.link.client.config_set("maxmemory", 1)
        with pytest.raises(UnavailableError, match=r"out of memory .*raise its maxmemory, or lower replay\.capacity"):
            store.publish(tensors(2), updates=2)
        assert store.latest() == 1, "whole or not at all"
        store.link.client.config_set("maxmemory", 0)
        assert store.publish(tensors(2), updates=2) == 3


def test_a_version_that_expired_between_pointer_and_value_is_asked_for_again(store: WeightStore) -> None:
    store.publish(tensors(1), updates=1)
    store.publish(tensors(2), updates=2)
    store.link.command("SET", store.keys.latest, 99)
    timer = threading.Timer(0.05, store.publish, (tensors(3),), {"updates": 3})
    timer.start()
    published = store.pull(newer_than=2)
    timer.join()
    assert published is not None
    assert published.version == 3


def test_weights_that_are_missing_or_damaged_are_refused(store: WeightStore) -> None:
    store.link.command("SET", store.keys.latest, 99)
    with pytest.raises(DataError, match=r"version 99 .* announced but not in Redis"):
        store.pull()
    for junk in (b"", b"\x08" + bytes(7) + b"{}{}{}{}", b"x" * 100):
        store.link.command("SET", store.keys.version(99), junk)
        with pytest.raises(DataError, match="version 99 is damaged"):
            store.pull()


def test_a_notice_ends_the_wait(store: WeightStore, settings: RedisSettings, run_name: str) -> None:
    reader = WeightStore(settings, run_name)
    assert not reader.wait_for_newer(0, timeout=0.05)
    timer = threading.Timer(0.2, store.publish, (tensors(1),), {"updates": 1})
    timer.start()
    assert reader.wait_for_newer(0, timeout=30)
    timer.join()
    assert reader.wait_for_newer(0, timeout=0)
    reader.close()


def test_readers_see_whole_versions_while_they_are_published(
    store: WeightStore, settings: RedisSettings, run_name: str
) -> None:
    reader = WeightStore(settings, run_name)
    done = threading.Event()

    def publish() -> None:
        for update in range(1, 60):
            store.publish({name: torch.full((200, 200), float(update)) for name in "abc"}, updates=update)
        done.set()

    thread = threading.Thread(target=publish)
    thread.start()
    version = 0
    while not done.is_set() or reader.latest() > version:
        published = reader.pull(newer_than=version)
        if published is not None:
            assert published.version > version
            version = published.version
            values = torch.stack(list(published.tensors.values()))
            assert bool((values == published.updates).all())
    thread.join()
    assert version == 59
    reader.close()
