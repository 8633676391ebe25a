"""Following weights: whatever Redis holds, the follower lives on."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from prometheus_client import REGISTRY

from copa.assembly import open_replay
from copa.config.schema import Config
from copa.replay.server import running
from copa.weights import Published, WeightStore
from copa.weights_follower import WeightsFollower
from tests.coach.parts import wait_until

WEIGHTS = {"player.a": torch.zeros(3)}


@contextmanager
def following() -> Iterator[tuple[Config, WeightStore, WeightsFollower]]:
    with running() as server:
        config = Config.model_validate({"redis": {"url": server.url, "patience": 5.0}})
        open_replay(config).claim("test")
        store = WeightStore(config.redis, config.run.name)
        follower = WeightsFollower(WeightStore(config.redis, config.run.name), 0.05)
        try:
            yield config, store, follower
        finally:
            follower.close()


def taken(follower: WeightsFollower) -> Published:
    found: list[Published] = []

    def take() -> bool:
        published = follower.take()
        found.extend([published] if published else [])
        return bool(found)

    wait_until(take)
    return found[0]


def test_weights_are_taken_once_and_their_age_grows() -> None:
    with following() as (_, store, follower):
        store.publish(WEIGHTS, updates=1)
        first = follower.wait_first(threading.Event())
        assert first is not None
        assert first.version == 1
        assert follower.take() is None
        ages = []
        for _ in range(3):
            ages.append(REGISTRY.get_sample_value("copa_weights_staleness_seconds") or 0.0)
            time.sleep(0.02)
        assert 0.0 <= ages[0] < ages[1] < ages[2]
        assert ages[2] <= time.time() - first.published_at


def test_a_redis_that_came_back_empty_begins_a_new_history() -> None:
    with following() as (config, store, follower):
        for _ in range(3):
            store.publish(WEIGHTS, updates=1)
        wait_until(lambda: taken(follower).version == 3)
        store.link.command("FLUSHALL")
        open_replay(config).claim("another")
        assert WeightStore(config.redis, config.run.name).publish(WEIGHTS, updates=2) == 1
        assert taken(follower).version == 1


def test_an_unexpected_error_is_logged_once_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    with following() as (_, store, follower):
        store.publish(WEIGHTS, updates=1)
        assert taken(follower).version == 1
        store.link.command("DEL", store.keys.latest)
        store.link.command("RPUSH", store.keys.latest, "no version")
        wait_until(lambda: "WRONGTYPE" in caplog.text)
        assert not follower.confirm_fresh(0.0, 0.3)
        store.link.command("DEL", store.keys.latest)
        assert store.publish(WEIGHTS, updates=2) == 2
        assert taken(follower).version == 2
        assert follower.confirm_fresh(0.0, 5.0)
        assert caplog.text.count("weights cannot be pulled") == 1
