"""A game that dies beside an actor: real processes and services, and the stand-in for the game."""

import os
import signal
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from actor.loop import GAME_LOST
from copa.assembly import open_replay
from copa.config.load import resolve
from copa.replay.server import running
from copa.segments import Segments
from tests.system.conftest import Begin, lines, note, until
from tests.tasks.starcraft.games import games_of
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
    noted = note(folder, "actor-0")
    assert noted is not None
    with urllib.request.urlopen(f"http://127.0.0.1:{noted['port']}/metrics") as answer:
        text = answer.read().decode()
    found = [line for line in text.splitlines() if "segments_dropped_total{" in line and GAME_LOST in line]
    return sum(float(line.rsplit(maxsplit=1)[1]) for line in found)
