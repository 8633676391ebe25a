"""What surrounds a run is not as it should be: one clear message, its exit code, nothing left running."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from copa.replay.server import running
from tests.system.conftest import Start


@pytest.fixture
def redis_url() -> Iterator[str]:
    with running() as server:
        yield server.url


def refused(start: Start, code: int, *words: str, arguments: tuple[str, ...]) -> None:
    run = start("--preset", "smoke", *arguments)
    assert run.wait() == code, run.said()
    said = [line for line in run.said().splitlines() if line.startswith("error: ")]
    assert len(said) == 1, run.said()
    assert all(word in said[0] for word in words), said
    assert "Traceback" not in run.said()
    assert run.processes() == set()


def test_port_in_use(start: Start, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        at = ("--telemetry.port", port, "--run-dir", str(tmp_path / "run"))
        refused(start, 3, "telemetry.port", port, arguments=at)


def test_redis_absent(start: Start, tmp_path: Path) -> None:
    at = ("--redis.url", "redis://127.0.0.1:1", "--redis.timeout", "1", "--run-dir", str(tmp_path / "run"))
    refused(start, 3, "127.0.0.1:1", arguments=at)


def test_foreign_schema(start: Start, tmp_path: Path, redis_url: str) -> None:
    quiet = ("--telemetry.tensorboard", "false", "--evaluator.final_episodes", "0")
    at = ("--redis.url", redis_url, "--run.steps", "1500", *quiet)
    first = start("--preset", "smoke", *at, "--run-dir", str(tmp_path / "first"))
    assert first.wait() == 0, first.said()
    foreign = (*at, "--method.T", "8", "--run-dir", str(tmp_path / "second"))
    refused(start, 4, "schema", "run.name", "copa replay reset", arguments=foreign)
    other = (*at, "--run-dir", str(tmp_path / "third"))
    refused(start, 4, "smoke", "run.name", "copa replay reset", arguments=other)


def test_run_is_running(start: Start, tmp_path: Path) -> None:
    run = start("--preset", "smoke", "--run.steps", "200000", "--run-dir", str(tmp_path / "run"))
    run.until(lambda: (tmp_path / "run" / "logs" / "learner-0.log").exists(), "a first process")
    second = start("--resume", str(tmp_path / "run"))
    assert second.wait() == 4
    assert str(run.process.pid) in second.said()
