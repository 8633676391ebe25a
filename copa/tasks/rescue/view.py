"""What is seen: features and masks."""

import numpy as np

from copa.tasks.base import Bools, View
from copa.tasks.rescue.grid import offsets
from copa.tasks.rescue.options import Options
from copa.tasks.rescue.rules import ACTIONS, FIRES, ROBOTS, SIDE
from copa.tasks.rescue.state import NOTHING, State

COORDINATES = np.linspace(-1.0, 1.0, SIDE, dtype=np.float32)
"""Of a cell, as a network gets them."""
LAST_ACTIONS = np.eye(len(ACTIONS) + 1, dtype=np.float32)[:, 1:]
"""One-hot of the last action, by 1 + its number; the first row, of no action, is all zeros."""
AGENT_FEATURES = 2 + len(ACTIONS)
ENTITY_FEATURES = 2 + 1


def view(state: State, options: Options) -> View:
    """The view of all games, in arrays of its own."""
    agents = np.empty((state.games, ROBOTS, AGENT_FEATURES), np.float32)
    agents[:, :, :2] = (COORDINATES[state.robot] * state.present).T
    agents[:, :, 2:] = LAST_ACTIONS[state.last.T - NOTHING]
    entities = np.empty((state.games, FIRES, ENTITY_FEATURES), np.float32)
    burning = state.burning()
    entities[:, :, :2] = (COORDINATES[state.fire] * burning).T
    entities[:, :, 2] = state.level.T
    there = np.concatenate((state.present, burning)) & state.present[:, None]
    return View(
        agents=agents,
        traits=np.ascontiguousarray(state.skill.T)[:, :, None],
        entities=entities,
        visible=by_game(near(state, options) & there),
        present=by_game(there),
        available=np.ones((state.games, ROBOTS, len(ACTIONS)), np.bool_),
    )


def near(state: State, options: Options) -> Bools:
    """[A, A+E, B], whether a row's cell is within a robot's sight."""
    cells = np.concatenate((state.robot, state.fire), axis=1)
    apart = np.abs(offsets(state.robot[:, :, None], cells[:, None], wrap=options.edges == "wrap"))
    within: Bools = np.maximum(apart[0], apart[1]) <= options.sight
    return within


def by_game(masks: Bools) -> Bools:
    """`masks` [A, A+E, B] as [B, A, A+E], contiguous."""
    return np.ascontiguousarray(np.moveaxis(masks, -1, 0))
