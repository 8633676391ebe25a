"""A hand-written expert that sees everything: a yardstick."""

import numpy as np

from copa.tasks.base import Ints
from copa.tasks.rescue.grid import offsets
from copa.tasks.rescue.rules import DOWN, LEFT, PUT_OUT, RIGHT, ROBOTS, UP
from copa.tasks.rescue.state import Small, State


def greedy_actions(state: State, *, wrap: bool) -> Ints:
    """Actions [B, A]: in slot order, each robot goes to the best burning building that is not covered, and puts it out.

    The best has most `level / (1 + distance)`, distance in moves; of equals it is the first row. A building is covered
    when the skills of those that chose it reach its level. A robot for which there is none stays and puts out.
    """
    games = np.arange(state.games)
    covered = np.zeros_like(state.level)
    actions = np.empty((state.games, ROBOTS), np.int64)
    for slot in range(ROBOTS):
        way = offsets(state.robot[:, slot, None], state.fire, wrap=wrap)
        distance = np.abs(way[0]) + np.abs(way[1])
        worth = np.where(covered < state.level, state.level / (1 + distance), 0)
        goal = worth.argmax(axis=0)
        wanted = state.present[slot] & (worth[goal, games] > 0)
        covered[goal, games] += state.skill[slot] * wanted
        actions[:, slot] = np.where(wanted, action_towards(way[:, goal, games]), PUT_OUT)
    return actions


def action_towards(way: Small) -> Ints:
    """Actions [N] that go `way` [2, N], along x first; where there is no way left, put out."""
    x, y = way
    return np.select([x > 0, x < 0, y > 0, y < 0], [RIGHT, LEFT, UP, DOWN], PUT_OUT)
