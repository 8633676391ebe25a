"""The task: what it does with an engine."""

import sys
from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import pytest

from copa.errors import ConfigError, DataError, UnavailableError
from copa.tasks import make_task, task_names, task_spec
from copa.tasks.base import Option, Step, View
from copa.tasks.starcraft import MarinesMaraudersMedivacs, StarCraft, ZealotsAndStalkers
from copa.tasks.starcraft.engines import ENGINES
from copa.tasks.starcraft.options import Options, read_options
from copa.tasks.starcraft.spawn import ALLY_ORDER, ENEMY_ORDER, slot_order
from copa.tasks.starcraft.units import MOVE, Orders, Units
from tests.tasks.starcraft.field import battle, killed
from tests.tasks.starcraft.recorded import EPISODES, Recorded, lengths_of, recording

NAMES = ["starcraft/3-8sz", "starcraft/3-8MMM"]
SETS = {"3-8sz": ZealotsAndStalkers, "3-8MMM": MarinesMaraudersMedivacs}
VIEW = [f.name for f in fields(View)]


def replayed(name: str = "3-8sz", crashes: Mapping[int, int] | None = None, **options: Option) -> StarCraft:
    """A task with a game for each recorded episode, all of them begun."""
    task = SETS[name](games=EPISODES, seed=0, options=options, engine=Recorded(EPISODES, name, crashes))
    task.reset(np.arange(EPISODES), np.arange(EPISODES))
    return task


def drawn(view: View, episodes: np.ndarray, step: int) -> np.ndarray:
    """Random available actions that depend on episode and step alone."""
    shape = view.available.shape[1:]
    numbers = np.stack([np.random.default_rng([int(episode), step]).random(shape) for episode in episodes])
    return np.where(view.available, numbers, -1.0).argmax(axis=2)


def stopped(view: View) -> np.ndarray:
    """Everybody stops, and the dead do nothing."""
    return np.where(view.available[..., 1], 1, 0)


def steps_of(task: StarCraft, count: int) -> list[Step]:
    found = []
    view = task._view()
    for _ in range(count):
        found.append(task.step(stopped(view)))
        view = found[-1].view
    return found


def test_both_sets_are_found_by_name() -> None:
    assert set(NAMES) <= set(task_names())
    for name, traits, actions, features in (("3-8sz", 7, 14, 38), ("3-8MMM", 8, 22, 46)):
        spec = task_spec(f"starcraft/{name}")
        assert (spec.slots, spec.entity_rows, spec.horizon, spec.recorded_steps) == (8, 8, 150, 150)
        assert (spec.trait_features, len(spec.actions)) == (traits, actions)
        assert spec.agent_features == spec.entity_features == features
        assert spec.first_action == "zeros"
        assert spec.trait_centre == (0.0,) * traits
        assert task_spec(f"starcraft/{name}", {"traits": "refil"}).trait_features == traits - 5


def test_teams_are_the_whole_list_and_its_parts() -> None:
    spec = task_spec(NAMES[0])
    assert spec.teams == ("3-8", "3-5", "6-8", "3", "4", "5", "6", "7", "8")
    assert spec.held_out == ()
    split = task_spec(NAMES[0], {"train": "3-5"})
    assert split.teams[0] == "3-5"
    assert set(split.teams) == set(spec.teams)
    assert split.held_out == ("6-8",)


def test_the_defaults_are_the_documented_ones() -> None:
    options = read_options({}, NAMES[0])
    assert options == Options(
        engine="micro",
        traits="full",
        dead="absent",
        timeout="truncated",
        train="3-8",
        client="smac",
        python=sys.executable,
    )
    assert options.engine_settings == {}
    assert read_options({"engine": "sc2", "python": "p"}, NAMES[0]).engine_settings == {"client": "smac", "python": "p"}
    assert make_task(NAMES[0], games=1, seed=0).arrivals == ZealotsAndStalkers(games=1, seed=0).arrivals == 8


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("team", "sizes"), [("3-8", range(3, 9)), ("3-5", range(3, 6)), ("6-8", range(6, 9)), ("7", [7])]
)
def test_a_team_is_so_many_against_as_many(name: str, team: str, sizes: range) -> None:
    task = make_task(name, games=200, seed=0, team=team)
    view = task.reset(np.arange(200), np.arange(200))
    allies = view.members().sum(axis=1)
    np.testing.assert_array_equal(allies, view.present[:, 0, 8:].sum(axis=1))
    assert set(allies.tolist()) == set(sizes)
    assert task.arrivals == max(sizes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"options": {"engine": "macro"}}, "Unknown value of option 'engine' of starcraft/3-8sz: 'macro' .*'micro'"),
        ({"options": {"trait": "full"}}, "did you mean 'traits'"),
        ({"options": {"dead": True}}, "Allowed: 'absent', 'present'"),
        ({"options": {"timeout": "terminated"}}, "Allowed: 'truncated', 'terminal'"),
        ({"options": {"train": "3-6"}}, "Allowed: '3-8', '3-5'"),
        ({"team": "9"}, "Unknown team of starcraft/3-8sz: '9'"),
        ({"games": 0}, "games is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_task(NAMES[0], **({"games": 1, "seed": 0} | settings))


@pytest.mark.parametrize("name", NAMES)
def test_the_engine_lines_both_sides_up_by_type_and_place(name: str) -> None:
    task = make_task(name, games=100, seed=0)
    task.reset(np.arange(100), np.arange(100))
    assert isinstance(task, StarCraft)
    units = task._units
    for side, places in ((slice(0, 8), ALLY_ORDER), (slice(8, 16), ENEMY_ORDER)):
        order = slot_order(units.kind[:, side], units.x[:, side], units.y[:, side], places)
        np.testing.assert_array_equal(order, np.tile(np.arange(8), (100, 1)))
    for kind in range(5):
        counts = units.kind == kind
        np.testing.assert_array_equal(counts[:, :8].sum(axis=1), counts[:, 8:].sum(axis=1))


def test_tags_are_drawn_anew_for_each_episode() -> None:
    task = make_task(NAMES[0], games=2, seed=0)
    first = task.reset(np.arange(2), np.array([0, 1])).agents[:, 0, :16].argmax(axis=1)
    again = [task.reset(np.array([0]), np.array([episode])).agents[0, 0, :16].argmax() for episode in range(2, 40)]
    assert set(again) == set(range(8, 16))
    assert task.reset(np.array([1]), np.array([0])).agents[1, 0, :16].argmax() == first[0]


def test_battles_end_as_they_were_recorded() -> None:
    for name in SETS:
        recorded = recording(name)
        found = steps_of(replayed(name), 150)
        ends = np.stack([step.terminated | step.truncated for step in found])
        np.testing.assert_array_equal(ends.argmax(axis=0) + 1, lengths_of(name))
        assert (ends.sum(axis=0) == 1).all()
        late = np.stack([step.truncated for step in found]).any(axis=0)
        np.testing.assert_array_equal(late, recorded["outcome"] == "timeout")
        won = np.stack([step.info["battle_won"] for step in found])
        np.testing.assert_array_equal(won.any(axis=0), recorded["outcome"] == "win")
        assert not (won & ~ends).any()
        rewards = np.stack([step.reward for step in found])
        total = np.bincount(recorded["episode"], recorded["reward"])
        np.testing.assert_allclose(rewards.sum(axis=0), total, rtol=1e-5)
        assert {"win", "loss", "timeout"} <= set(recorded["outcome"].tolist())


def test_a_timeout_is_terminal_where_it_is_told_to_be() -> None:
    found = steps_of(replayed(timeout="terminal"), 150)
    assert not any(step.truncated.any() for step in found)
    assert np.stack([step.terminated for step in found]).any(axis=0).all()
    assert not found[-1].info["battle_won"][recording("3-8sz")["outcome"] == "timeout"].any()


class Staged(Recorded):
    """Shows one battle before the first step, and another after it."""

    def __init__(self, first: Units, then: Units) -> None:
        super().__init__(battles=1)
        self._first, self._then = first, then

    def start(self, rows: np.ndarray, episodes: np.ndarray, armies: np.ndarray) -> None:
        self._units.put(rows, self._first)
        self._state["fighting"][rows] = True

    def step(self, orders: Orders) -> np.ndarray:
        self._units.put(np.array([0]), self._then)
        return np.zeros(1, np.bool_)


OPEN = {
    "3-8sz": battle([("Stalker", 1, 1), ("Zealot", 2, 1)], [("Zealot", 1, 2), ("Stalker", 2, 2)]),
    "3-8MMM": battle([("Marine", 1, 1), ("Medivac", 2, 1)], [("Marine", 1, 2), ("Medivac", 2, 2)]),
}


@pytest.mark.parametrize("timeout", ["truncated", "terminal"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(
    ("name", "dead", "end", "worth"),
    [
        ("3-8sz", (), "open", 0),
        ("3-8sz", (8, 9), "won", 2 * 10 + 150 + 160 + 200),
        ("3-8sz", (0, 1), "lost", 0),
        ("3-8sz", (0, 1, 8, 9), "drawn", 2 * 10 + 150 + 160),
        ("3-8MMM", (), "open", 0),
        ("3-8MMM", (8,), "won", 10 + 45 + 200),
        ("3-8MMM", (0,), "lost", 0),
        ("3-8MMM", (0, 8), "lost", 10 + 45),
        ("3-8MMM", (0, 1, 8, 9), "lost", 2 * 10 + 45 + 150),
    ],
)
def test_what_is_decided_is_an_end_also_in_the_last_step_and_only_the_open_times_out(
    name: str, dead: tuple[int, ...], end: str, worth: float, last: bool, timeout: str
) -> None:
    engine = Staged(OPEN[name], killed(OPEN[name], *dead))
    task = SETS[name](games=1, seed=0, options={"timeout": timeout}, engine=engine)
    view = task.reset(np.zeros(1, np.int64), np.zeros(1, np.int64))
    task._clock[:] = 149 if last else 148
    step = task.step(stopped(view))
    late = end == "open" and last
    assert step.terminated[0] == (end != "open" or (late and timeout == "terminal"))
    assert step.truncated[0] == (late and timeout == "truncated")
    assert step.info["battle_won"][0] == (end == "won")
    assert step.reward[0] == pytest.approx(worth * 20 / task.scenarios.max_reward)
    assert engine.snapshot()["fighting"][0] == (end == "open" and not last), "the engine is told of every end"
    if end != "open" or last:
        again = task.step(stopped(step.view))
        assert not np.stack((again.reward, again.terminated, again.truncated, again.info["battle_won"])).any()
    task.reset(np.zeros(1, np.int64), np.ones(1, np.int64))
    assert task.snapshot()["clock"][0] == 0


def test_an_ended_battle_stays_as_it_is() -> None:
    task = replayed()
    view, ended, last = task._view(), np.zeros(EPISODES, np.bool_), None
    for _ in range(149):
        step = task.step(stopped(view))
        view = step.view
        assert not step.reward[ended].any()
        assert not (step.terminated | step.truncated | step.info["battle_won"])[ended].any()
        if last is not None:
            for name in VIEW:
                np.testing.assert_array_equal(getattr(view, name)[ended], getattr(last, name)[ended])
        ended |= step.terminated | step.truncated
        last = view
    assert ended.sum() >= 15
    np.testing.assert_array_equal(task.snapshot()["clock"], np.minimum(lengths_of("3-8sz"), 149))
    row = np.array([int(np.flatnonzero(ended)[0])])
    fresh = task.reset(row, np.array([100]))
    assert fresh.members()[row].any()


def test_a_lost_battle_is_told_once_and_waits_for_a_reset() -> None:
    task = replayed(crashes={3: 5, 7: 0})
    found = steps_of(task, 8)
    lost = np.stack([step.lost for step in found if step.lost is not None])
    assert np.argwhere(lost).tolist() == [[0, 7], [5, 3]]
    for step in found[5:]:
        assert [step.reward[3], step.terminated[3], step.truncated[3], step.info["battle_won"][3]] == [0] * 4
        np.testing.assert_array_equal(step.view.agents[3], found[4].view.agents[3])
    again = task.reset(np.array([3]), np.array([23]))
    assert again.members()[3].any()
    assert not task.step(stopped(again)).lost.any()  # type: ignore[union-attr]


def test_orders_reach_the_engine_for_battles_that_go_on() -> None:
    engine = Recorded(2)
    task = ZealotsAndStalkers(games=2, seed=0, engine=engine)
    view = task.reset(np.array([1]), np.array([0]))
    east = np.where(view.available[..., 4], 4, stopped(view))
    east[0] = 3
    task.step(east)
    assert not engine.orders[-1].kind[0].any()
    assert (engine.orders[-1].kind[1] == MOVE).sum() == (east[1] == 4).sum() > 0
    before = recording("3-8sz")["reset_x"][0, :8]
    moved = east[1] == 4
    np.testing.assert_allclose(engine.orders[-1].point[1, moved, 0], before[moved] + 2)


def test_what_is_not_available_is_refused_by_name() -> None:
    task = replayed()
    view = task._view()
    actions = stopped(view)
    actions[4, 1] = 0
    view.available[...] = True
    with pytest.raises(DataError, match="agent 1 of game 4 cannot 'no-op' now"):
        task.step(actions)
    for wrong, message in (
        (np.zeros((EPISODES, 7), np.int64), r"int64\[20, 7\]"),
        (np.zeros((EPISODES, 8)), "float64"),
        (np.full((EPISODES, 8), 14), "allowed are 0 to 13"),
    ):
        with pytest.raises(DataError, match=message):
            task.step(wrong)
    with pytest.raises(DataError, match="reset"):
        task.reset(np.array([EPISODES]), np.array([0]))


def test_an_engine_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "sc2", "a_module_that_is_not_there:Engine")
    with pytest.raises(UnavailableError, match=r"task option engine is 'sc2'.*a_module_that_is_not_there.*micro"):
        make_task(NAMES[0], games=1, seed=0, options={"engine": "sc2"})


def test_the_engine_is_closed_with_its_task() -> None:
    engine = Recorded(1)
    task = ZealotsAndStalkers(games=1, seed=0, engine=engine)
    assert not engine.closed
    del task
    assert engine.closed
