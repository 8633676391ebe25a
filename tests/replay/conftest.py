"""One real server for all tests of this folder; each test has runs of its own on it."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from copa.config.schema import RedisSettings
from copa.replay import RecordLayout, Replay, connect
from copa.replay.server import running
from tests.replay.examples import small_limits, small_spec

_runs = itertools.count()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    with running() as server:
        yield server.url


@pytest.fixture
def settings(server_url: str) -> RedisSettings:
    return RedisSettings(url=server_url, patience=2.0, timeout=2.0)


@pytest.fixture
def client(settings: RedisSettings) -> Iterator[redis.Redis]:
    with connect(settings) as client:
        yield client


@pytest.fixture
def run_name() -> str:
    return f"test-{next(_runs)}"


@pytest.fixture
def layout() -> RecordLayout:
    return RecordLayout(small_spec(), 4)


MakeReplay = Callable[..., Replay]


@pytest.fixture
def make_replay(client: redis.Redis, run_name: str, layout: RecordLayout) -> MakeReplay:
    """Replays of one run; keyword arguments are limits, `claim=False` leaves the run to be claimed."""

    def make(claim: bool = True, **limits: Any) -> Replay:
        replay = Replay(client, run_name, layout, small_limits(**limits), patience=2.0)
        if claim:
            replay.claim("tests")
        return replay

    return make
