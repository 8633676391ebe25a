"""The planner that knows everything."""

import re

import numpy as np

from copa.config.schema import Config
from copa.evaluation import evaluate
from copa.tasks.resource_collection.rules import HOME, RESOURCES
from copa.tasks.resource_collection.task import ResourceCollection
from examples.planner import Goal, plan, played, steer
from tests.examples.programs import run

EPISODES = 24
SEED = 7


def test_it_is_ahead_of_the_greedy_expert_and_of_one_that_plans_seldom() -> None:
    greedy = evaluate(Config(), "greedy", teams=["5"], episodes=EPISODES, seed=SEED)["5"].mean
    always, seldom = (played("5", EPISODES, SEED, every)[0].mean() for every in (1, 12))
    assert greedy + 20 < always
    assert seldom + 20 < always


def test_as_a_program() -> None:
    output = run("planner.py", "--team", "5", "--episodes", str(EPISODES), "--seed", str(SEED), "--every", "4")
    said = re.fullmatch(r"mean return (\S+) of 24 episodes, standard error (\S+)\nper episode: (.*)\n", output)
    assert said is not None
    total, counts = played("5", EPISODES, SEED, 4)
    assert float(said[1]) == round(float(total.mean()), 1)
    assert f"caught {counts['caught'].mean():.2f}, invaded {counts['invaded'].mean():.2f}" in said[3]


def test_goals_are_shared_out_and_steered_to() -> None:
    task = ResourceCollection(games=1, seed=SEED, team="5", options={})
    task.reset(np.arange(1), np.arange(1))
    state = task.state
    state.carried[0, 0] = 1
    goals = plan(state, 0)
    assert set(goals) == set(np.flatnonzero(state.present[:, 0]))
    assert goals[0].carried
    free = [tuple(goal.place) for goal in goals.values() if not goal.carried]
    assert len(set(free)) == len(free)
    resources = {tuple(state.landmark[:, resource, 0]) for resource in RESOURCES}
    assert sum(place in resources for place in free) >= len(free) - 1

    state.position[:, 1, 0] = (0.5, 0.1)
    away = Goal(np.array([0.9, 0.1]), carried=False)
    assert steer(state, 0, {1: away})[1] == 2
    state.carried[1, 0] = 1
    assert steer(state, 0, {1: away})[1] == 1, "an agent that has picked something up turns home"
    assert steer(state, 0, {1: Goal(state.landmark[:, HOME, 0].copy(), carried=True)})[1] == 1
