"""Fixtures: an event loop for servers, a server with known weights, short paths for sockets."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from coach_service.server import CoachServer
from tests.coach.parts import FIRST, Loop, make_config, wait_until


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The event loop of all servers."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def socket() -> Iterator[str]:
    """An address on a unix socket with a short path."""
    with tempfile.TemporaryDirectory(prefix="copa-") as folder:
        yield f"unix:{Path(folder) / 'coach'}"


@pytest.fixture
def server(loop: Loop, socket: str) -> Iterator[CoachServer]:
    """A server with weights version 1 on `socket`."""
    with loop.serving(make_config(socket), FIRST) as (server, _):
        wait_until(lambda: server.version == 1)
        yield server
