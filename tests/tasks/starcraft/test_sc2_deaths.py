"""Games, hosts and players that die, hang, or take their time: what is lost, and that nothing is left over."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from copa.errors import UnavailableError
from copa.tasks.starcraft.sc2 import engine as engine_module
from copa.tasks.starcraft.sc2 import host as host_module
from copa.tasks.starcraft.sc2.game_host.scratch import PREFIX
from copa.tasks.starcraft.units import Orders
from tests.tasks.starcraft.games import alive, children, games_of, gone, hosts_of
from tests.tasks.starcraft.sc2 import CLIENTS, ZEALOTS, Make, first_rows, orders, python_of
from tests.tasks.starcraft.standin import ROOT

pytestmark = pytest.mark.usefixtures("game")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this process too."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def left_in(temporary: Path) -> list[str]:
    """Folders of hosts."""
    return [found.name for found in temporary.glob(f"{PREFIX}*")]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_game_that_is_killed_loses_its_battle_alone(make: Make, client: str) -> None:
    engine = make(battles=2, client=client)
    engine.start(np.arange(2), np.arange(2), np.repeat(ZEALOTS, 2, axis=0))
    told = Orders(np.zeros((2, 8), np.int8), np.zeros((2, 8, 2), np.float32), np.zeros((2, 8), np.int8))
    assert not engine.step(told).any()
    before = engine.units
    (game,) = children(engine._hosts[1].pid)
    os.kill(game, signal.SIGKILL)
    np.testing.assert_array_equal(engine.step(told), [False, True])
    np.testing.assert_array_equal(engine.units.x[1], before.x[1])
    assert (engine.units.x[0] != before.x[0]).any()
    assert not engine.step(told).any()
    assert len(games_of(os.getpid())) == 1
    engine.start(np.array([1]), np.array([9]), ZEALOTS)
    assert not engine.step(told).any()
    assert len(games_of(os.getpid())) == 2


def test_a_game_that_died_between_two_battles_is_started_anew(make: Make) -> None:
    engine = make()
    first_rows(engine, ZEALOTS)
    engine.end(np.array([0]))
    (before,) = games_of(os.getpid())
    os.kill(before, signal.SIGKILL)
    first_rows(engine, ZEALOTS, 1)
    assert not engine.step(orders()).any()
    assert games_of(os.getpid()) != [before]


def test_deaths_count_from_the_last_battle_that_was_fought_to_its_end(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "DEATHS_IN_A_ROW", 2)
    engine = make()
    for episode in range(3):
        first_rows(engine, ZEALOTS, episode)
        engine.end(np.array([0]))
        (game,) = games_of(os.getpid())
        os.kill(game, signal.SIGKILL)
    first_rows(engine, ZEALOTS, 3)
    assert not engine.step(orders()).any()


def test_a_game_that_hangs_is_ended_and_its_battle_lost(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make()
    first_rows(engine, ZEALOTS)
    (game,) = games_of(os.getpid())
    os.kill(game, signal.SIGSTOP)
    monkeypatch.setattr(engine_module, "STEP_SECONDS", 0.5)
    assert engine.step(orders()).all()
    assert not alive(game)


def test_a_host_that_does_not_end_is_ended_with_its_group(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make()
    first_rows(engine, ZEALOTS)
    (host,), (game,) = hosts_of(os.getpid()), games_of(os.getpid())
    os.kill(host, signal.SIGSTOP)
    monkeypatch.setattr(host_module, "STOP_SECONDS", 0.5)
    engine.close()
    gone([host, game])


def test_a_game_that_keeps_dying_is_given_up(game: Path, make: Make) -> None:
    (binary,) = game.glob("Versions/*/SC2_x64")
    binary.write_text("#!/bin/sh\necho no licence was accepted\nexit 7\n")
    with pytest.raises(
        UnavailableError,
        match=r"(?s)game of battle 0 died 5 times in a row.*code 7.*no licence was accepted.*'micro'",
    ):
        first_rows(make(), ZEALOTS)


PLAYER = """
import sys, time
import numpy as np
from copa.tasks import make_task
options = {"engine": "sc2", "client": sys.argv[1], "python": sys.argv[2]}
task = make_task("starcraft/3-8sz", games=2, seed=0, options=options)
task.reset(np.arange(2), np.arange(2))
print("ready", flush=True)
while True:
    step = task.step(task.greedy())
    over = np.flatnonzero(step.terminated | step.truncated | step.lost)
    if len(over):
        task.reset(over, over)
"""


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_who_plays(client: str, number: signal.Signals, temporary: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PLAYER, client, python_of(client)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as player:
        try:
            assert player.stdout is not None
            assert player.stdout.readline() == b"ready\n"
            below = hosts_of(player.pid) + games_of(player.pid)
            assert len(below) == 4
            player.send_signal(number)
            player.wait(10)
            gone(below, 10)
            assert left_in(temporary) == []
        finally:
            player.kill()


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_outlives_its_host(make: Make, client: str, temporary: Path) -> None:
    engine = make(client=client)
    first_rows(engine, ZEALOTS)
    (host,), (game,) = hosts_of(os.getpid()), games_of(os.getpid())
    os.kill(host, signal.SIGKILL)
    gone([game], 10)
    assert len(left_in(temporary)) == 1
    assert engine.step(orders()).all()
    assert left_in(temporary) == []


def test_what_was_left_by_those_that_were_all_killed_goes_with_the_next_start(make: Make, temporary: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PLAYER, "direct", sys.executable], cwd=ROOT, stdout=subprocess.PIPE
    ) as player:
        assert player.stdout is not None
        assert player.stdout.readline() == b"ready\n"
        player.send_signal(signal.SIGSTOP)
        for victim in (*hosts_of(player.pid), player.pid):
            os.kill(victim, signal.SIGKILL)
    left = left_in(temporary)
    assert len(left) == 2
    engine = make()
    first_rows(engine, ZEALOTS)
    (mine,) = left_in(temporary)
    assert mine not in left
    engine.close()
    assert left_in(temporary) == []
