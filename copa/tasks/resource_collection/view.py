"""What is seen: features and masks."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Floats, Ints, View
from copa.tasks.resource_collection.physics import FIRST, SECOND, distances_of_agents, distances_to_landmarks
from copa.tasks.resource_collection.rules import (
    ACTIONS,
    AGENTS,
    AT_INVADER,
    AT_NOTHING,
    INVADER,
    LANDMARK_RADII,
    LANDMARKS,
    RESOURCE_TYPES,
    RESOURCES,
    SIGHT,
    TYPES,
)
from copa.tasks.resource_collection.state import AGENT_FEATURES, CARRIED, Reals, State

AT = slice(CARRIED.stop, AGENT_FEATURES)
AT_VALUES = AT_INVADER - AT_NOTHING + 1
ENTITY_FEATURES = 2 + 1 + TYPES + 1
SIGHT_OF_AGENTS = SIGHT**2
SIGHT_OF_LANDMARKS = ((SIGHT + LANDMARK_RADII) ** 2)[:, None]

ROWS = AGENTS + LANDMARKS
ROW_BITS = (1 << np.arange(ROWS, dtype=np.uint16))[:, None]
"""A mask over rows is computed as the bits of one number, and unpacked by a table."""
UNPACKED = ((np.arange(2**ROWS)[:, None] >> np.arange(ROWS)) & 1).astype(np.bool_)
"""[2**14, 14], the mask of every number."""


def _agent_table() -> Reals:
    table = np.zeros(((1 + TYPES) * AT_VALUES, AGENT_FEATURES))
    rows = np.arange(len(table))
    carried, at = np.divmod(rows, AT_VALUES)
    table[rows, CARRIED.start - 1 + carried] = 1.0
    table[rows, AT.start + at] = 1.0
    return table


def _entity_table() -> Reals:
    kind = np.zeros(LANDMARKS, np.int64)
    kind[RESOURCES] = 1 + RESOURCE_TYPES
    kind[INVADER] = 1 + TYPES
    table = np.zeros((LANDMARKS, ENTITY_FEATURES))
    table[np.arange(LANDMARKS), 2 + kind] = 1.0
    return table


AGENT_TABLE = _agent_table()
"""Features of an agent at rest at the origin, by what it carries and what it is at."""
ENTITY_TABLE = _entity_table()
"""Features of the landmarks at the origin."""


def observe(state: State) -> None:
    """Take every agent's observation of itself into `state.observed`."""
    code = state.carried.astype(np.intp) * AT_VALUES + (state.at - AT_NOTHING)
    np.take(AGENT_TABLE.astype(state.dtype), code.T, axis=0, out=state.observed, mode="clip")
    for axis in range(2):
        state.observed[:, :, axis] = state.velocity[axis].T
        state.observed[:, :, 2 + axis] = state.position[axis].T


def observe_joiners(state: State, slots: Ints, games: Ints) -> None:
    """Take the observations of the agents that joined in `slots` [N] of `games` [N]."""
    few = state.take(games)
    observe(few)
    state.observed[games, slots] = few.observed[np.arange(len(games)), slots]


def view(state: State) -> View:
    """The view of all games, in arrays of its own."""
    traits = np.empty((state.games, AGENTS, len(state.traits)), state.dtype)
    for trait, values in enumerate(state.traits):
        traits[:, :, trait] = values.T
    entities = np.empty((state.games, LANDMARKS, ENTITY_FEATURES), state.dtype)
    entities[:] = ENTITY_TABLE
    for axis in range(2):
        entities[:, :, axis] = state.landmark[axis].T
    rows = np.concatenate((state.present, state.there))
    return View(
        agents=cast(Floats, state.observed.copy()),
        traits=cast(Floats, traits),
        entities=cast(Floats, entities),
        visible=visible(state, rows),
        present=present(state, rows),
        available=np.ones((state.games, AGENTS, len(ACTIONS)), np.bool_),
    )


def visible(state: State, rows: Bools) -> Bools:
    """Of the `rows` [A+E, B] that are there, those near enough to be seen by each agent present [B, A, A+E]."""
    near = np.empty((AGENTS, ROWS, state.games), np.bool_)
    near[FIRST, SECOND] = near[SECOND, FIRST] = distances_of_agents(state) <= SIGHT_OF_AGENTS
    near[np.arange(AGENTS), np.arange(AGENTS)] = True
    np.less_equal(distances_to_landmarks(state), SIGHT_OF_LANDMARKS.astype(state.dtype), out=near[:, AGENTS:])
    near &= rows
    return unpack(np.bitwise_or.reduce(near * ROW_BITS, axis=1) * state.present)


def present(state: State, rows: Bools) -> Bools:
    """The `rows` [A+E, B] that are there, for every agent present [B, A, A+E]."""
    return unpack(np.bitwise_or.reduce(rows * ROW_BITS, axis=0) * state.present)


def unpack(bits: NDArray[np.uint16]) -> Bools:
    """Masks [B, A, A+E] of the rows whose bits are set in `bits` [A, B]."""
    return np.take(UNPACKED, bits.T, axis=0)
