"""A game that dies beside an actor: real processes and services, and the stand-in for the game."""

import os
import signal
import urllib.request
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from actor.loop import GAME_LOST
from copa.assembly import open_replay
from copa.config.load import resolve
from copa.replay.server import running
from copa.segments import Segments
from copa.tasks.starcraft.sc2.game_host.scratch import PREFIX
from tests.system.conftest import Begin, lines, note, until
from tests.tasks.starcraft.games import games_of, gone, hosts_of
from tests.tasks.starcraft.standin import install

GAMES = 2
STARTED = 180.0
"""Seconds in which processes and games are up on a machine that is busy."""
TASK = {"task.name": "starcraft/3-8sz", "task.options.engine": "sc2", "task.options.client": "direct"}
SETTINGS = TASK | {"method.name": "aqmix", "run.steps": "1000000", "actor.games": str(GAMES), "actor.groups": "1"}


@pytest.fixture
def game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in is where roles that are begun afterwards look for the game."""
    for name, value in install(tmp_path / "game").items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def slow_game(game: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in takes longer to start than any test; gives the folder for temporary files."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("STANDIN_START_SECONDS", "600")
    return temporary


def test_an_actor_carries_on_when_its_game_is_killed(game: None, begin: Begin, tmp_path: Path) -> None:
    said, folder = tmp_path / "said.txt", tmp_path / "run"
    with running() as server:
        settings = SETTINGS | {"redis.url": server.url, "run.folder": str(folder)}
        flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
        begin("learner", *flags)
        config = resolve(preset="smoke", file=None, flags=settings, environment={}).config
        actor = begin("actor", *flags)
        replay = open_replay(config)
        until(lambda: lines(folder, "learner") and replay.stats().segments > 8, actor, said, STARTED)

        while not (dropped := [line for line in lines(folder, "actor") if "dropped" in line]):
            (victim, _) = games_of(actor.pid)  # between two of its battles there is none to lose: then once more
            os.kill(victim, signal.SIGKILL)
            until(
                lambda old=victim: old not in (now := games_of(actor.pid)) and len(now) == GAMES, actor, said, STARTED
            )
        assert [(line["dropped"], line["reason"]) for line in dropped] == [(1, GAME_LOST)]
        before = replay.stats().segments
        until(lambda: replay.stats().segments > before + 20, actor, said, STARTED)
        assert len(games_of(actor.pid)) == GAMES
        assert counted(folder) == 1

        actor.send_signal(signal.SIGTERM)
        actor.wait(30)
        segments = replay.layout.decode_intact(replay.read(np.arange(replay.stats().segments)))
    unfinished = broken_off(segments, config.method.T)
    assert len(unfinished) <= GAMES + 1
    assert "Traceback" not in said.read_text()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGKILL, -signal.SIGKILL)])
def test_an_actor_whose_games_take_long_to_start_is_alive_and_ends_when_told_to(
    number: signal.Signals, code: int, slow_game: Path, begin: Begin, tmp_path: Path
) -> None:
    said, folder = tmp_path / "said.txt", tmp_path / "run"
    with running() as server:
        settings = SETTINGS | {"redis.url": server.url, "run.folder": str(folder)}
        flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
        begin("learner", *flags)
        actor = begin("actor", *flags)
        until(lambda: len(games_of(actor.pid)) == GAMES, actor, said, STARTED)
        below = hosts_of(actor.pid) + games_of(actor.pid)
        idle = [seconds_since_the_last_beat(folder)]
        until(lambda: beats(idle, folder) >= 3, actor, said, STARTED)
        assert set(below) == set(hosts_of(actor.pid) + games_of(actor.pid)), "the same games are awaited still"

        actor.send_signal(number)
        assert actor.wait(30) == code
        gone(below)
    assert list(slow_game.glob(f"{PREFIX}*")) == []
    assert "Traceback" not in said.read_text()
    assert ("was told to stop while it waited" in said.read_text()) == (number == signal.SIGTERM)


def beats(idle: list[float], folder: Path) -> int:
    """How often a look has found less than the one before; looks once more."""
    idle.append(seconds_since_the_last_beat(folder))
    return sum(later < earlier for earlier, later in pairwise(idle))


def seconds_since_the_last_beat(folder: Path) -> float:
    """As the actor itself says."""
    return float(served(folder, "healthz").split()[2])


def broken_off(segments: Segments, T: int) -> list[int]:
    """Episodes without an end; checks that of every episode only whole segments, without a hole, are there."""
    unfinished = []
    for episode in np.unique(segments.episodes):
        own = segments.take(np.flatnonzero(segments.episodes == episode))
        own = own.take(np.argsort(own.first_steps))
        np.testing.assert_array_equal(own.first_steps, T * np.arange(len(own)))
        assert (own.lengths[~own.episode_end] == T).all()
        if not own.episode_end.any():
            unfinished.append(int(episode))
    return unfinished


def counted(folder: Path) -> float:
    """The actor's own count of segments that it dropped because a game was lost."""
    found = [
        line
        for line in served(folder, "metrics").splitlines()
        if "segments_dropped_total{" in line and GAME_LOST in line
    ]
    return sum(float(line.rsplit(maxsplit=1)[1]) for line in found)


def served(folder: Path, what: str) -> str:
    """What the actor answers on its telemetry port."""
    noted = note(folder, "actor-0")
    assert noted is not None
    with urllib.request.urlopen(f"http://127.0.0.1:{noted['port']}/{what}") as answer:
        return str(answer.read().decode())
