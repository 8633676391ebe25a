"""Tasks made of PettingZoo environments."""

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo import ParallelEnv

from copa.errors import ConfigError, DataError
from copa.tasks import make_task
from copa.tasks.base import TaskSpec
from copa.tasks.checking.subject import Subject
from copa.tasks.checking.suite import CHECKS, run
from copa.tasks.drawing import Body, Drawing
from copa.tasks.from_pettingzoo import Agent, EnvironmentTask, FromPettingZoo, Scene
from copa.tasks.pettingzoo import parallel_env

HORIZON = 8


class Candles(ParallelEnv):
    """Candles burn down; one that is out is dead. Each may burn slowly (0) or, unless it is short, brightly (1).

    A match comes along for the second half. The episode ends when all are out, or after 8 steps.
    """

    def __init__(self, count: int = 3) -> None:
        self.possible_agents = [f"candle {number}" for number in range(count)]
        self.agents: list[str] = []

    def observation_space(self, agent: str) -> spaces.Space:
        return spaces.Box(0.0, 20.0, (1,), np.float32)

    def action_space(self, agent: str) -> spaces.Discrete:
        return spaces.Discrete(2)

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        lengths = np.random.default_rng(seed).integers(4, 14, len(self.possible_agents))
        self.length = dict(zip(self.possible_agents, lengths.tolist(), strict=True))
        self.agents = list(self.possible_agents)
        self.clock = 0
        return self._told()

    def step(self, actions: dict[str, int]) -> tuple[dict, dict, dict, dict, dict]:
        assert set(actions) == set(self.agents)
        for agent, action in actions.items():
            assert action == 0 or self.length[agent] > 2
            self.length[agent] -= 1 + action
        self.clock += 1
        over = self.clock == HORIZON
        ended = {agent: self.length[agent] <= 0 for agent in self.agents}
        cut = {agent: over and not ended[agent] for agent in self.agents}
        observations, infos = self._told()
        self.agents = [agent for agent in self.agents if not (ended[agent] or cut[agent])]
        return observations, {agent: 1.0 + action for agent, action in actions.items()}, ended, cut, infos

    def _told(self) -> tuple[dict, dict]:
        masks = {agent: np.array([1, self.length[agent] > 2], np.int8) for agent in self.agents}
        return (
            {agent: np.float32([self.length[agent]]) for agent in self.agents},
            {agent: {"action_mask": masks[agent]} for agent in self.agents},
        )


def candles_scene(env: Candles) -> Scene:
    return Scene(
        agents={name: Agent([length], []) for name, length in env.length.items()},
        entities={"match": [float(env.clock)]} if env.clock > 3 else {},
    )


def candles_drawing(env: Candles) -> Drawing:
    bodies = [Body(name, float(i), 0.0, 0.3, "#ffffff") for i, name in enumerate((*env.length, "match"))]
    return Drawing((-1.0, -1.0, 5.0, 1.0), tuple(bodies))


SPEC = TaskSpec(
    name="candles",
    slots=3,
    entity_rows=1,
    agent_features=1,
    trait_features=0,
    entity_features=1,
    actions=("slowly", "brightly", "not at all"),
    horizon=HORIZON,
    recorded_steps=HORIZON,
    trait_centre=(),
    first_action="zeros",
    teams=("train", "two"),
    held_out=("two",),
)
CANDLES = FromPettingZoo(
    SPEC,
    teams={"train": [Candles], "two": [functools.partial(Candles, 2)]},
    scene=candles_scene,
    greedy=lambda env: dict.fromkeys(env.agents, 0),
    drawing=candles_drawing,
)


def started(kind: FromPettingZoo = CANDLES, team: str = "train", games: int = 1) -> EnvironmentTask:
    task = kind(games=games, seed=3, team=team, options={})
    task.reset(np.arange(games), np.arange(games))
    return task


@pytest.mark.parametrize("check", [check for check in CHECKS if check.name != "process"], ids=lambda check: check.name)
def test_agents_that_die_and_masks_keep_the_contract(check: Any) -> None:
    finding = run(check, Subject("candles", CANDLES, {}))
    assert finding.state == "ok", finding.line


def test_the_dead_leave_their_slot_and_the_game_ends_with_the_last() -> None:
    task = started(games=32)
    running = np.ones(32, np.bool_)
    burning = np.ones((32, 3), np.bool_)
    ends = []
    for _ in range(HORIZON):
        step = task.step(np.zeros((32, 3), np.int64))
        np.testing.assert_array_equal(step.reward, burning.sum(axis=1) * running)
        assert not (step.terminated & step.truncated).any()
        members, length = step.view.members(), step.view.agents[..., 0]
        goes_on = running & ~step.terminated
        np.testing.assert_array_equal(length[goes_on] > 0, members[goes_on])
        np.testing.assert_array_equal(step.view.available[..., 1], members & (length > 2))
        assert not step.view.available[..., 2].any()
        burning = np.where(goes_on[:, None], members, burning)
        running &= ~(step.terminated | step.truncated)
        ends.append((int(step.terminated.sum()), int(step.truncated.sum())))
    assert not running.any()
    assert sum(terminated for terminated, _ in ends) > 0
    assert [truncated > 0 for _, truncated in ends] == [False] * (HORIZON - 1) + [True]


def test_an_entity_that_comes_later_is_present_from_then_on() -> None:
    task = started()
    for clock in range(1, HORIZON + 1):
        view = task.step(np.zeros((1, 3), np.int64)).view
        assert view.present[0, view.members()[0], 3].all() == (clock > 3)
        assert view.entities[0, 0, 0] == (clock if clock > 3 else 0)


def test_a_drawing_names_slots_and_rows() -> None:
    task = started(team="two")
    bodies = task.drawing(0).bodies
    assert [(body.name, body.slot, body.row) for body in bodies] == [
        ("candle 0", 0, 0),
        ("candle 1", 1, 1),
        ("match", None, None),
    ]


def collecting() -> FromPettingZoo:
    """Resource Collection's PettingZoo form as a task again: agents there come and go, under ever new names."""
    spec = replace(make_task("resource_collection", games=1, seed=0).spec, teams=("varying",), held_out=())

    class Remembered(ParallelEnv):
        """The last observations beside the environment, which is what a scene can be told from."""

        def __init__(self) -> None:
            self.inner = parallel_env("resource_collection", team="varying")
            self.possible_agents = self.inner.possible_agents
            self.observations: dict[str, Any] = {}

        @property
        def agents(self) -> list[str]:
            return self.inner.agents

        def action_space(self, agent: str) -> spaces.Discrete:
            return self.inner.action_space(agent)

        def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
            self.observations, infos = self.inner.reset(seed=seed)
            return self.observations, infos

        def step(self, actions: dict[str, int]) -> tuple:
            result = self.inner.step(actions)
            self.observations = result[0]
            return result

    def scene(env: Remembered) -> Scene:
        def own(seen: dict[str, Any]) -> Agent:
            return Agent(seen["agents"][seen["slot"]], seen["traits"][seen["slot"]], [])

        return Scene({name: own(seen) for name, seen in env.observations.items()}, {})

    return FromPettingZoo(
        spec,
        teams={"varying": [Remembered]},
        scene=scene,
        greedy=lambda env: dict.fromkeys(env.agents, 0),
        drawing=lambda env: Drawing((0.0, 0.0, 1.0, 1.0), ()),
        reward=max,
    )


def test_a_task_that_went_through_pettingzoo_is_the_same_task() -> None:
    wrapped = collecting()(games=1, seed=0, team="varying", options={})
    row, episode = np.zeros(1, np.int64), np.zeros(1, np.int64)
    view = wrapped.reset(row, episode)
    seed = wrapped._playing[0].environment.inner._task.draws.seed
    task = make_task("resource_collection", games=1, seed=seed, team="varying")
    expected = task.reset(row, episode)
    rng = np.random.default_rng(0)
    assert wrapped.arrivals == task.arrivals
    for _ in range(task.spec.horizon):
        members = expected.members()
        np.testing.assert_array_equal(view.members(), members)
        np.testing.assert_array_equal(view.agents[members], expected.agents[members])
        np.testing.assert_array_equal(view.traits[members], expected.traits[members])
        actions = rng.integers(0, 5, (1, 6))
        step, there = wrapped.step(actions), task.step(actions)
        assert step.reward[0] == there.reward[0]
        assert step.truncated[0] == there.truncated[0]
        assert step.terminated[0] == there.terminated[0]
        view, expected = step.view, there.view


class Moody(Candles):
    """Burns as it likes, whatever the seed."""

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        return super().reset(seed=None)


def test_an_environment_that_does_not_repeat_itself_is_found() -> None:
    kind = replace(CANDLES, teams={"train": [Moody], "two": [Moody]})
    wrong = {check.name for check in CHECKS if run(check, Subject("candles", kind, {})).state == "wrong"}
    assert {"repeated", "batch", "reset", "snapshot"} <= wrong


def scene_with(**changes: Any) -> FromPettingZoo:
    return replace(CANDLES, scene=lambda env: replace(candles_scene(env), **changes))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (replace(CANDLES, spec=replace(SPEC, slots=2)), "no slot of 2 is free for agent 'candle 2'"),
        (replace(CANDLES, spec=replace(SPEC, agent_features=4)), "agent 'candle 0' has 1 features; the spec says 4"),
        (replace(CANDLES, spec=replace(SPEC, trait_features=2)), "the traits of agent 'candle 0' has 0"),
        (
            replace(CANDLES, spec=replace(SPEC, actions=("slowly",))),
            r"acts in Discrete\(2\), not in a Discrete of up to 1",
        ),
        (scene_with(agents={}), "the scene lacks agent 'candle 0', which is alive"),
        (scene_with(entities={"a": [0.0], "b": [0.0]}), "entities a, b do not fit into 1 rows"),
        (
            scene_with(agents={f"candle {i}": Agent([1.0], [], ["the moon"]) for i in range(3)}),
            "agent 'candle 0' sees 'the moon', which is not in the scene",
        ),
    ],
)
def test_a_scene_that_does_not_fit_is_named(kind: FromPettingZoo, words: str) -> None:
    with pytest.raises(DataError, match=words):
        started(kind)


def test_settings_that_do_not_fit_are_named() -> None:
    with pytest.raises(ConfigError, match=r"spec\.teams are train, two, but there are environments for train"):
        replace(CANDLES, teams={"train": [Candles]})
    with pytest.raises(ConfigError, match="did you mean 'two'"):
        started(team="twoo")
    counted = replace(CANDLES, options={"count": 3})
    with pytest.raises(ConfigError, match="did you mean 'count'"):
        counted.describe({"coutn": 3})
    with pytest.raises(ConfigError, match="option 'count' of candles is 'three'; it must be of type int"):
        counted.describe({"count": "three"})
    assert counted(games=1, seed=0, team="train", options={"count": 2}).arrivals == 2
    assert counted(games=1, seed=0, team="train", options={}).arrivals == 3


def test_a_foreign_snapshot_is_refused() -> None:
    with pytest.raises(DataError, match=r"snapshot field 'episode' is \[2\]; this task needs \[1\]"):
        started().restore(started(games=2).snapshot())
