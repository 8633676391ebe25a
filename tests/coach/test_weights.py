"""Where the service's weights come from: whatever Redis holds, the service goes on looking."""

import time

import pytest
from prometheus_client import REGISTRY

from copa.assembly import open_replay
from copa.config.schema import Config
from copa.replay.server import running
from copa.weights import WeightStore
from tests.coach.parts import Loop, make_coach, make_config, wait_until, weights_of


def test_the_watcher_survives_errors_and_a_new_history_and_tells_the_age(
    loop: Loop, socket: str, caplog: pytest.LogCaptureFixture
) -> None:
    def age() -> float:
        return REGISTRY.get_sample_value("copa_weights_staleness_seconds") or 0.0

    weights = weights_of(make_coach(1))
    with running() as redis:
        values = make_config(socket).model_dump()
        values["redis"] |= {"url": redis.url, "patience": 5.0}
        config = Config.model_validate(values)
        open_replay(config).claim("test")
        store = WeightStore(config.redis, config.run.name)
        store.publish(weights, updates=1)
        store.publish(weights, updates=2)
        with loop.serving(config, WeightStore(config.redis, config.run.name)) as (server, _):
            wait_until(lambda: server.version == 2)
            before = age()
            time.sleep(0.05)
            assert age() > before
            store.link.command("DEL", store.keys.latest)
            store.link.command("RPUSH", store.keys.latest, "no version")
            wait_until(lambda: "WRONGTYPE" in caplog.text)
            time.sleep(1.2)
            assert caplog.text.count("no newer weights can be used") == 1
            store.link.command("FLUSHALL")
            open_replay(config).claim("another")
            assert WeightStore(config.redis, config.run.name).publish(weights, updates=3) == 1
            wait_until(lambda: server.version == 1)
