"""The published program's greedy expert. It moves bodies without physics, so it is a yardstick, not a policy."""

import numpy as np

from copa.tasks.base import Bools
from copa.tasks.resource_collection.physics import distances_to_landmarks
from copa.tasks.resource_collection.rules import AGENTS, HOME, INVADER, RESOURCE_TYPES, RESOURCES, TYPES
from copa.tasks.resource_collection.state import CARRIED, State

SPEED_SHARE = 1 / 20
"""Distance along each axis that the expert covers in a step, in units of the top speed."""


def move_greedily(state: State, running: Bools) -> None:
    """Move every agent of the games that are `running` [B] towards its goal.

    The agent nearest to the invader goes to it, one that carries goes home, any other goes to the nearest
    resource of its best type among those that are there; of equals the first. Without a goal it stays.
    Whether it carries it knows from its last observation, which does not show a pick-up or delivery made since.
    """
    distance = np.where(state.there & state.present[:, None], distances_to_landmarks(state), np.inf)
    chaser = distance[:, INVADER].argmin(axis=0) == np.arange(AGENTS)[:, None]
    chaser &= np.isfinite(distance[:, INVADER])

    types_there = np.stack([state.there[RESOURCES[kind == RESOURCE_TYPES]].any(axis=0) for kind in range(TYPES)])
    best = np.where(types_there[:, None], state.traits[:TYPES], -np.inf).argmax(axis=0)
    wanted = RESOURCE_TYPES[None, :, None] == best[:, None]
    resource = RESOURCES[np.where(wanted, distance[:, RESOURCES], np.inf).argmin(axis=1)]

    carries = state.observed[:, :, CARRIED].any(axis=2).T
    goal = np.where(chaser, INVADER, np.where(carries, HOME, resource))
    reachable = np.isfinite(np.take_along_axis(distance, goal[:, None], axis=1))[:, 0] & running
    delta = np.take_along_axis(state.landmark, goal[None], axis=1) - state.position
    length = np.sqrt(delta[0] ** 2 + delta[1] ** 2)
    unit = np.divide(delta, length, out=np.zeros_like(delta), where=(length > 0) & reachable)
    state.position += unit * np.minimum(state.traits[3] * SPEED_SHARE, np.abs(delta))
