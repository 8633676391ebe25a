"""Simple Spread of mpe2 as a task: a team covers as many landmarks as it has members, and bumps into nobody.

To make it one for a coach, teams have two to five members, every second of them slow, and an agent sees no farther
than 0.8: who should cover what can be told only from above.
"""

import functools
import os
import statistics
from typing import Any

import numpy as np

from copa.tasks.base import TaskSpec
from copa.tasks.drawing import Body, Drawing
from copa.tasks.from_pettingzoo import Agent, FromPettingZoo, Scene

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
from mpe2 import simple_spread_v3  # pygame greets on import, unless it is told not to

MOST, HORIZON, SIGHT = 5, 25, 0.8
SPEEDS = (1.0, 0.4)
ACTIONS = ("stay", "left", "right", "down", "up")


def environment(members: int, *, local_ratio: float) -> Any:
    """`members` agents of different speeds, and as many landmarks."""
    made = simple_spread_v3.parallel_env(N=members, local_ratio=local_ratio, max_cycles=HORIZON)
    for number, agent in enumerate(made.unwrapped.world.agents):
        agent.max_speed = SPEEDS[number % 2]
    return made


def scene(env: Any) -> Scene:
    """Who and what there is, and who sees it."""
    world = env.unwrapped.world

    def seen(agent: Any) -> list[str]:
        return [other.name for other in world.entities if np.linalg.norm(other.state.p_pos - agent.state.p_pos) < SIGHT]

    return Scene(
        agents={
            agent.name: Agent([*agent.state.p_vel, *agent.state.p_pos], [agent.max_speed], seen(agent))
            for agent in world.agents
        },
        entities={landmark.name: landmark.state.p_pos for landmark in world.landmarks},
    )


def greedy(env: Any) -> dict[str, int]:
    """Slow agents first, each goes to the nearest landmark that nobody before it goes to."""
    world = env.unwrapped.world
    left, actions = list(world.landmarks), dict[str, int]()
    for agent in sorted(world.agents, key=lambda agent: agent.max_speed):
        goal = min(left, key=lambda landmark: float(np.linalg.norm(landmark.state.p_pos - agent.state.p_pos)))
        left.remove(goal)
        x, y = goal.state.p_pos - agent.state.p_pos - 0.3 * agent.state.p_vel
        if max(abs(x), abs(y)) < 0.05:
            actions[agent.name] = 0
        elif abs(x) > abs(y):
            actions[agent.name] = 1 if x < 0 else 2
        else:
            actions[agent.name] = 3 if y < 0 else 4
    return actions


def drawing(env: Any) -> Drawing:
    """Landmarks as squares, agents as circles with their sight."""
    world = env.unwrapped.world
    bodies = []
    for thing in (*world.landmarks, *world.agents):
        x, y = thing.state.p_pos.tolist()
        if thing.movable:
            bodies.append(Body(thing.name, x, y, thing.size, "#5959d9", sight=SIGHT))
        else:
            bodies.append(Body(thing.name, x, y, thing.size, "#404040", shape="square"))
    return Drawing((-2.0, -2.0, 2.0, 2.0), tuple(bodies))


mpe2_spread = FromPettingZoo(
    TaskSpec(
        name="mpe2_spread",
        slots=MOST,
        entity_rows=MOST,
        agent_features=4,
        trait_features=1,
        entity_features=2,
        actions=ACTIONS,
        horizon=HORIZON,
        recorded_steps=HORIZON,
        trait_centre=(0.5,),
        first_action="zeros",
        teams=("train", "5"),
        held_out=("5",),
    ),
    teams={
        "train": [functools.partial(environment, members) for members in (2, 3, 4)],
        "5": [functools.partial(environment, 5)],
    },
    scene=scene,
    greedy=greedy,
    drawing=drawing,
    reward=statistics.fmean,
    options={"local_ratio": 0.5},
)
