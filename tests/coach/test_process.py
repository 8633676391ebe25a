"""`python -m coach_service` beside a real Redis."""

import os
import signal
import socket as sockets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from coach_service.weights import LOOK_SECONDS
from copa.assembly import open_replay
from copa.coaching import CoachClient
from copa.config.load import to_toml
from copa.config.schema import Config
from copa.replay.server import RunningServer, running
from copa.weights import WeightStore
from tests.coach.parts import ROOT, Games, make_coach, make_config, means, nobody, wait_until, weights_of

PATIENCE = 20.0


@pytest.fixture
def redis() -> Iterator[RunningServer]:
    with running() as server:
        yield server


def config_for(socket: str, url: str, folder: Path) -> Config:
    values = make_config(socket, beta=1e6).model_dump()
    values["redis"] |= {"url": url, "patience": 5.0}
    values["run"] |= {"folder": folder}
    return Config.model_validate(values)


def claim(config: Config) -> None:
    open_replay(config).claim("test")


@contextmanager
def coach_service(config: Config, folder: Path) -> Iterator[subprocess.Popen[str]]:
    file = folder / "config.toml"
    file.write_text(to_toml(config, preset="paper"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "coach_service", "--config", str(file)],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        print(process.communicate()[1])


def test_weights_swap_while_a_stream_is_open_and_redis_may_go_away(
    redis: RunningServer, socket: str, tmp_path: Path
) -> None:
    config = config_for(socket, redis.url, tmp_path)
    claim(config)
    store = WeightStore(config.redis, config.run.name)
    store.publish(weights_of(make_coach(1)), updates=1)
    games = Games(3)
    everyone = int(games.everyone.sum())
    with coach_service(config, tmp_path) as process, CoachClient(socket, config, sample=False) as client:

        def ask(step: int) -> tuple[int, int]:
            client.ask(0, step, games.view, games.everyone if step == 0 else nobody(games.view))
            answer = client.collect(0, PATIENCE)
            assert answer is not None
            return answer.version, answer.sent

        assert ask(0) == (1, everyone)
        assert ask(1) == (1, 0)
        second = make_coach(2)
        store.publish(weights_of(second), updates=2)
        answers = []

        def swapped() -> bool:
            answers.append(ask(2))
            return answers[-1][0] == 2

        wait_until(swapped)
        assert answers[-1] == (2, everyone)
        np.testing.assert_allclose(client.held(0)[games.everyone], means(second, games.view)[games.everyone], atol=1e-5)
        redis.kill()
        away_until = time.monotonic() + 3 * LOOK_SECONDS
        while time.monotonic() < away_until:
            assert ask(3) == (2, 0)
        redis.start()
        third = store.publish(weights_of(make_coach(3)), updates=3, newer_than=2)
        wait_until(lambda: ask(4)[0] == third)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_in_use_is_one_line_and_an_exit_code(redis: RunningServer, tmp_path: Path) -> None:
    with sockets.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        config = config_for(address, redis.url, tmp_path)
        claim(config)
        with coach_service(config, tmp_path) as process:
            _, errors = process.communicate(timeout=30)
            assert process.returncode == 3
            assert errors.splitlines()[-1].startswith(f"error: coach.address: {address} is in use or cannot be bound")
            assert "Traceback" not in errors
