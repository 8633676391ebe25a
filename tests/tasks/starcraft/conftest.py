"""The stand-in installed, and engines against it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from copa.tasks.starcraft.sc2.engine import GameEngine
from tests.tasks.starcraft.games import hosts_of
from tests.tasks.starcraft.sc2 import Make, python_of
from tests.tasks.starcraft.standin import install


@pytest.fixture
def game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, installed; the folder of its installation."""
    for name, value in install(tmp_path / "game").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "game"


@pytest.fixture
def make(game: Path) -> Iterator[Make]:
    """Makes engines, which end with the test."""
    made: list[GameEngine] = []

    def begin(battles: int = 1, client: str = "direct", python: str | None = None) -> GameEngine:
        made.append(GameEngine(battles, 3, python=python or python_of(client), client=client))
        return made[-1]

    yield begin
    for engine in made:
        engine.close()
    assert not hosts_of(os.getpid())
