"""The engine `sc2`: what it tells the game, and what it reads from it."""

import os
from pathlib import Path

import numpy as np
import pytest

from copa.errors import UnavailableError
from copa.tasks import make_task
from copa.tasks.base import Task
from copa.tasks.starcraft.sc2.engine import DTYPES
from copa.tasks.starcraft.sc2.game_host import unit_numbers, wire
from copa.tasks.starcraft.spawn import ALLY_ORDER, spawn_points
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, UNIT_TYPES, ZEALOT
from copa.tasks.starcraft.units import ATTACK, HEAL, MOVE, STOP, UNITS, Orders
from tests.tasks.starcraft.games import games_of, hosts_of
from tests.tasks.starcraft.sc2 import BIOLOGICAL, CLIENTS, ZEALOTS, Make, first_rows, orders, python_of

pytestmark = pytest.mark.usefixtures("game")


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
    assert len(seeds_of_games()) == 1
    engine.start(np.array([1]), np.array([5]), BIOLOGICAL)
    assert (engine.units.x[0] != engine.units.x[1]).any()


def test_a_game_has_the_seed_of_the_run_and_of_its_first_episode(make: Make) -> None:
    engine = make(battles=2)
    engine.start(np.arange(2), np.array([4, 5]), np.repeat(ZEALOTS, 2, axis=0))
    seeds = seeds_of_games()
    assert len(seeds) == 2
    engine.start(np.array([1]), np.array([6]), ZEALOTS)
    assert seeds_of_games() == seeds


def seeds_of_games() -> set[str]:
    """As their hosts were told."""
    return {Path(f"/proc/{host}/cmdline").read_text().split("\0")[-2] for host in hosts_of(os.getpid())}


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
