"""The engine `sc2` against the stand-in for the game, through each client that is here."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from copa.errors import ConfigError, UnavailableError
from copa.tasks import make_task
from copa.tasks.base import Task
from copa.tasks.starcraft.sc2 import engine as engine_module
from copa.tasks.starcraft.sc2 import host as host_module
from copa.tasks.starcraft.sc2.engine import DEATHS_IN_A_ROW, DTYPES, GameEngine
from copa.tasks.starcraft.sc2.game_host import unit_numbers, wire
from copa.tasks.starcraft.spawn import ALLY_ORDER, spawn_points
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, UNIT_TYPES, ZEALOT
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, NONE, STOP, UNITS, Orders
from tests.tasks.starcraft.games import alive, children, games_of, hosts_of, until
from tests.tasks.starcraft.standin import MAP, ROOT, install

SMAC_PYTHON = "SMAC_PYTHON"
"""Environment variable that names an interpreter which has `smac`."""
CLIENTS = ["direct", pytest.param("smac", marks=pytest.mark.starcraft)]
ZEALOTS = np.array([[0, 0, 0, 3, 0]])
BIOLOGICAL = np.array([[2, 1, 1, 0, 0]])

Make = Callable[..., GameEngine]


@pytest.fixture(autouse=True)
def game(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, installed; the folder of its installation."""
    for name, value in install(tmp_path / "game").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "game"


def python_of(client: str) -> str:
    if client == "direct":
        return sys.executable
    if SMAC_PYTHON not in os.environ:
        pytest.skip(f"{SMAC_PYTHON} does not name an interpreter that has smac")
    return os.environ[SMAC_PYTHON]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes engines, which end with the test."""
    made: list[GameEngine] = []

    def begin(battles: int = 1, client: str = "direct", python: str | None = None) -> GameEngine:
        made.append(GameEngine(battles, 3, python=python or python_of(client), client=client))
        return made[-1]

    yield begin
    for engine in made:
        engine.close()
    assert not hosts_of(os.getpid())


def orders(kind: int = NONE, slots: range = range(8), **given: np.ndarray | int) -> Orders:
    """The same for the allies `slots` of one battle."""
    told = Orders(np.zeros((1, 8), np.int8), np.zeros((1, 8, 2), np.float32), np.zeros((1, 8), np.int8))
    told.kind[0, list(slots)] = kind
    for name, value in given.items():
        getattr(told, name)[:] = value
    return told


def first_rows(engine: GameEngine, army: np.ndarray, episode: int = 0) -> None:
    engine.start(np.array([0]), np.array([episode]), army)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", ["3-8sz", "3-8MMM"])
def test_whole_episodes(name: str, client: str) -> None:
    task = make_task(
        f"starcraft/{name}",
        games=2,
        seed=3,
        options={"engine": "sc2", "client": client, "python": python_of(client)},
    )
    try:
        ends, won = played_to_the_end(task, episodes=4)
        assert ends >= 4
        assert 0 <= won <= ends
    finally:
        task._engine.close()  # type: ignore[attr-defined]


def played_to_the_end(task: Task, episodes: int) -> tuple[int, int]:
    """Battles that ended and battles won, with the expert."""
    task.reset(np.arange(2), np.arange(2))
    begun, ends, won, total = 2, 0, 0, 0.0
    while ends < episodes:
        step = task.step(task.greedy())
        assert step.lost is not None
        assert not step.lost.any()
        total += float(step.reward.sum())
        over = np.flatnonzero(step.terminated | step.truncated)
        won += int(step.info["battle_won"].sum())
        if len(over):
            ends += len(over)
            task.reset(over, np.arange(begun, begun + len(over)))
            begun += len(over)
    assert total > 0
    return ends, won


def test_an_army_stands_where_the_spec_puts_it(make: Make) -> None:
    engine = make(battles=2)
    episodes = np.array([7, 8])
    engine.start(np.arange(2), episodes, np.concatenate((BIOLOGICAL, ZEALOTS)))
    units = engine.units
    assert {name: getattr(units, name).dtype for name in DTYPES} == DTYPES
    np.testing.assert_array_equal(units.present.sum(axis=1), [8, 6])
    np.testing.assert_array_equal(units.alive, units.present)
    np.testing.assert_array_equal(units.kind >= 0, units.present)
    by_place = [UNIT_TYPES.index(kind) for kind in (MARAUDER, MARINE, MARINE, MEDIVAC)]
    np.testing.assert_array_equal(units.kind[0, :4], by_place)
    np.testing.assert_array_equal(np.sort(ALLY_ORDER[by_place]), ALLY_ORDER[by_place])
    np.testing.assert_array_equal(units.kind[0, 8:12], [0, 0, 1, 2])
    points = spawn_points(3, episodes)
    for battle, slot in np.argwhere(units.present):
        point = points[battle, slot // 8, units.kind[battle, slot]]
        assert np.hypot(units.x[battle, slot] - point[0], units.y[battle, slot] - point[1]) < 2.5
    zealot = UNIT_TYPES.index(ZEALOT)
    assert set(units.health[1, units.kind[1] == zealot]) == {100.0}
    assert set(units.shield_max[1, units.kind[1] == zealot]) == {50.0}
    settled = 50 + 2 * MEDIVAC.energy_regeneration
    np.testing.assert_allclose(units.energy[0, units.kind[0] == 2], settled)
    assert set(units.energy_max[0, units.kind[0] == 2]) == {200.0}


def test_allies_are_found_in_another_version_of_the_game(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_KNOWN_TYPES", "1944")
    engine = make()
    first_rows(engine, BIOLOGICAL)
    np.testing.assert_array_equal(engine.units.kind[0, :4], [1, 0, 0, 2])


def test_the_first_step_takes_twelve_loops_and_each_other_eight(make: Make) -> None:
    engine = make()
    first_rows(engine, BIOLOGICAL)
    energies = [float(engine.units.energy[0, 3])]
    for _ in range(2):
        engine.step(orders())
        energies.append(float(engine.units.energy[0, 3]))
    np.testing.assert_allclose(np.diff(energies), np.array([12, 8]) * MEDIVAC.energy_regeneration, rtol=1e-5)


def test_orders_reach_the_units_they_are_for(make: Make) -> None:
    engine = make()
    first_rows(engine, np.array([[1, 0, 1, 0, 0]]))
    before = engine.units
    north = np.stack((before.x[:, :8], before.y[:, :8] + 2), axis=-1)
    engine.step(orders(MOVE, range(1), point=north))
    after = engine.units
    assert after.y[0, 0] - before.y[0, 0] == pytest.approx(MARINE.speed * 8, rel=0.05)
    assert (after.x[0, 1], after.y[0, 1]) == (before.x[0, 1], before.y[0, 1])
    engine.step(orders(STOP, range(1)))
    assert engine.units.y[0, 0] == after.y[0, 0]
    told = orders(ATTACK, range(1), target=np.array([8, 0, 0, 0, 0, 0, 0, 0]))
    told.kind[0, 1] = HEAL
    for _ in range(20):
        engine.step(told)
    assert engine.units.energy[0, 1] < before.energy[0, 1]
    assert engine.units.energy[0, 9] < before.energy[0, 9], "what the attack did, the enemy's Medivac heals"


def test_the_enemy_comes_in_every_battle_and_the_dead_stay_as_last_seen(make: Make) -> None:
    engine = make()
    for episode in range(3):
        first_rows(engine, ZEALOTS, episode)
        assert engine.units.alive.sum() == 6
        for _ in range(150):
            before = engine.units
            assert not engine.step(orders()).any()
            if not engine.units.alive[0, :8].any():
                break
        after = engine.units
        assert not after.alive[0, :8].any()
        assert after.alive[0, 8:11].all()
        died = before.alive[0] & ~after.alive[0]
        assert died.any()
        assert not after.health[0, died].any()
        np.testing.assert_array_equal(after.x[0, died], before.x[0, died])
        np.testing.assert_array_equal(after.present, before.present)
        engine.end(np.array([0]))
    assert len(games_of(os.getpid())) == 1


def test_nothing_happens_in_a_battle_that_has_been_ended(make: Make) -> None:
    engine = make(battles=2)
    engine.start(np.array([1]), np.array([0]), ZEALOTS)
    assert not engine.units.present[0].any()
    engine.end(np.array([1]))
    before = engine.units
    told = Orders(np.full((2, 8), MOVE, np.int8), np.zeros((2, 8, 2), np.float32), np.zeros((2, 8), np.int8))
    assert not engine.step(told).any()
    np.testing.assert_array_equal(engine.units.x, before.x)
    assert len(games_of(os.getpid())) == 1


def test_chance_of_the_armies_is_that_of_seed_and_episode(make: Make) -> None:
    engine = make(battles=2)
    engine.start(np.arange(2), np.array([4, 4]), np.repeat(BIOLOGICAL, 2, axis=0))
    np.testing.assert_array_equal(engine.units.x[0], engine.units.x[1])
    engine.start(np.array([1]), np.array([5]), BIOLOGICAL)
    assert (engine.units.x[0] != engine.units.x[1]).any()


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
    until(lambda: not alive(host) and not alive(game), "the end of host and game")


def test_a_game_that_keeps_dying_is_given_up(game: Path, make: Make) -> None:
    (binary,) = game.glob("Versions/*/SC2_x64")
    binary.write_text("#!/bin/sh\necho no licence was accepted\nexit 7\n")
    with pytest.raises(
        UnavailableError,
        match=rf"(?s)game of battle 0 died {DEATHS_IN_A_ROW} times in a row.*code 7.*no licence was accepted.*'micro'",
    ):
        first_rows(make(), ZEALOTS)


def test_a_game_with_another_map_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "DEATHS_IN_A_ROW", 1)
    monkeypatch.setenv("STANDIN_MAP_SIZE", "64")
    with pytest.raises(UnavailableError, match="playable area is 64 x 64, not 32 x 32"):
        first_rows(make(), ZEALOTS)


def test_what_is_missing_is_named_with_what_to_do(game: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(message: str, **settings: str) -> None:
        with pytest.raises(UnavailableError, match=message):
            first_rows(make(**settings), ZEALOTS)

    (binary,) = game.glob("Versions/*/SC2_x64")
    (game / MAP).unlink()
    refused(r"map .*Maps/SMAC_Maps/empty_passive\.SC2Map is missing: copy")
    binary.chmod(0o644)
    refused("SC2_x64 cannot be executed.*chmod")
    binary.unlink()
    refused(r"holds no Versions/Base\*/SC2_x64: SC2PATH must name")
    monkeypatch.setenv("SC2PATH", str(game / "nowhere"))
    refused("no StarCraft II in .*nowhere: set SC2PATH")
    refused("task option python is '/not/there', which cannot be started", python="/not/there")


@pytest.mark.parametrize(
    ("files", "client", "message"),
    [
        ({}, "smac", r"smac is not installed for this interpreter: pip install git\+https"),
        ({"smac/__init__.py": ""}, "smac", "not the StarCraft Multi-Agent Challenge.*hyper-parameter optimiser"),
        (
            {"smac/__init__.py": "", "smac/env.py": "raise TypeError('Descriptors cannot be created directly')"},
            "smac",
            r"smac\.env cannot be imported \(TypeError: Descriptors.*environment of its own",
        ),
        (
            {"s2clientprotocol/__init__.py": "", "s2clientprotocol/sc2api_pb2.py": "raise TypeError('Descriptors')"},
            "direct",
            "sc2api_pb2 cannot be imported.*pip uninstall s2clientprotocol.*pys2clientprotocol",
        ),
    ],
    ids=["no smac", "other smac", "old smac", "old protocol"],
)
def test_packages_that_are_wrong_are_named(
    files: dict[str, str], client: str, message: str, tmp_path: Path, make: Make
) -> None:
    for name, content in files.items():
        (tmp_path / "packages" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "packages" / name).write_text(content)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{tmp_path}/packages" exec \'{sys.executable}\' "$@"\n')
    python.chmod(0o755)
    with pytest.raises(UnavailableError, match=message):
        first_rows(make(client=client, python=str(python)), ZEALOTS)


def test_packages_that_are_missing_are_named(tmp_path: Path, make: Make) -> None:
    python = tmp_path / "python"
    hidden = "import sys; sys.modules['websocket'] = None"
    (tmp_path / "sitecustomize.py").write_text(hidden)
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{tmp_path}:$PYTHONPATH" exec \'{sys.executable}\' "$@"\n')
    python.chmod(0o755)
    with pytest.raises(UnavailableError, match="Not installed for this interpreter: websocket-client"):
        first_rows(make(python=str(python)), ZEALOTS)


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
def test_no_game_outlives_who_plays_it(client: str, number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PLAYER, client, python_of(client)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
    ) as player:
        try:
            assert player.stdout is not None
            assert player.stdout.readline() == b"ready\n"
            below = hosts_of(player.pid) + games_of(player.pid)
            assert len(below) == 4
            player.send_signal(number)
            player.wait(10)
            until(lambda: not any(map(alive, below)), "the end of hosts and games", 10)
        finally:
            player.kill()


@pytest.mark.parametrize("client", CLIENTS)
def test_no_game_outlives_its_host(make: Make, client: str) -> None:
    engine = make(client=client)
    first_rows(engine, ZEALOTS)
    (host,), (game,) = hosts_of(os.getpid()), games_of(os.getpid())
    os.kill(host, signal.SIGKILL)
    until(lambda: not alive(game), "the end of the game", 10)
    assert engine.step(orders()).all()


def test_what_the_host_writes_down_of_the_units_is_what_they_are() -> None:
    assert set(DTYPES) == set(wire.FIELDS)
    assert [kind.stock_id for kind in UNIT_TYPES] == list(unit_numbers.STOCK)
    assert (UNITS, len(UNIT_TYPES)) == (wire.UNITS, wire.TYPES)
    assert unit_numbers.clones(1944) == (1939, 1938, 1940, 1942, 1941)
    assert unit_numbers.clones(1979) == (1974, 1973, 1975, 1977, 1976)


def test_a_game_cannot_be_copied(make: Make) -> None:
    with pytest.raises(UnavailableError, match=r"cannot be copied.*'micro'"):
        make().snapshot()
    with pytest.raises(UnavailableError, match="cannot be copied"):
        make().restore({})


def test_options_of_the_game_need_the_game() -> None:
    for option in ("client", "python"):
        with pytest.raises(ConfigError, match=f"Option '{option}' of starcraft/3-8sz is for engine 'sc2'"):
            make_task("starcraft/3-8sz", games=1, seed=0, options={option: "smac"})
    with pytest.raises(ConfigError, match=r"Unknown value of option 'client'.*'smac', 'direct'"):
        make_task("starcraft/3-8sz", games=1, seed=0, options={"engine": "sc2", "client": "pysc2"})
