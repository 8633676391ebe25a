"""Who takes what, and what it is worth: step 4 of the rules."""

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Ints
from copa.tasks.resource_collection.physics import squared_distance
from copa.tasks.resource_collection.rules import (
    AGENT_RADIUS,
    AGENTS,
    AT_HOME,
    AT_INVADER,
    AT_NOTHING,
    CATCH_REWARD,
    CAUGHT,
    DELIVERED,
    DELIVERY_REWARD,
    HOME,
    INVADED,
    INVADER,
    INVASION_REWARD,
    LANDMARK_RADII,
    LANDMARKS,
    PICK_UP_REWARD,
    PICKED_UP,
    RESOURCE_TYPES,
    RESOURCES,
    TOUCH_MARGIN,
)
from copa.tasks.resource_collection.state import Reals, State

Bits = NDArray[np.uint8]

AGENT_TOUCH = ((AGENT_RADIUS + LANDMARK_RADII + TOUCH_MARGIN) ** 2)[:, None]
INVASION = (LANDMARK_RADII[INVADER] + LANDMARK_RADII[HOME] + TOUCH_MARGIN) ** 2

PRECEDENCE = np.array([INVADER, *RESOURCES, HOME])
"""Landmarks in the order in which an agent that touches several takes one; bit i of a byte is the i-th of them."""
BITS = np.zeros((LANDMARKS, 1), np.uint8)
BITS[PRECEDENCE, 0] = 1 << np.arange(LANDMARKS)
HOME_BIT = BITS[HOME, 0]
EMPTY_HANDED = ~HOME_BIT
"""What an agent may take that carries nothing: an invader or a resource."""
CARRYING = HOME_BIT | BITS[INVADER, 0]
"""What an agent may take that carries something: an invader, or home to deliver at."""
LANDMARK_OF_BIT = np.zeros(256, np.int64)
LANDMARK_OF_BIT[1 << np.arange(LANDMARKS)] = PRECEDENCE

KIND = np.full(LANDMARKS, AT_HOME, np.int8)
KIND[RESOURCES] = RESOURCE_TYPES + 1
KIND[INVADER] = AT_INVADER
"""What an agent is `at` when it takes a landmark."""
WORTH = np.zeros(LANDMARKS)
WORTH[HOME] = DELIVERY_REWARD
WORTH[INVADER] = CATCH_REWARD
"""Reward for taking a landmark that is no resource."""
EVENT = np.full(LANDMARKS, PICKED_UP)
EVENT[HOME] = DELIVERED
EVENT[INVADER] = CAUGHT
"""Which of `EVENTS` it is to take each landmark."""


def collect(state: State, squared: Reals) -> tuple[Reals, Bools]:
    """Rewards [A, B] of this step, and in which games the invader went [B].

    `squared` [A, 8, B] is the squared distance from agents to landmarks. What was picked up or caught is gone
    from the state, agents carry and are `at` what they should, and all that happened is counted.
    """
    reward = np.zeros((AGENTS, state.games), state.dtype)
    invader = state.there[INVADER].copy()
    invade(state, reward)
    state.at.fill(AT_NOTHING)
    take(state, take_turns(touched(state, squared)), reward)
    return reward, invader & ~state.there[INVADER]


def invade(state: State, reward: Reals) -> None:
    """An invader that touches home is gone, at the cost of the first agent present."""
    place = state.landmark[:, INVADER]
    reached = squared_distance(place, state.landmark[:, HOME]) <= INVASION
    reached &= state.there[INVADER]
    games = np.flatnonzero(reached)
    if len(games):
        members = state.present[:, games]
        paying = members.any(axis=0)
        games, members = games[paying], members[:, paying]
        reward[members.argmax(axis=0), games] = INVASION_REWARD
        state.happened[INVADED, games] += 1
        remove(state, np.full(len(games), INVADER), games)


def touched(state: State, squared: Reals) -> Bits:
    """What each agent touches and could take, as bits [A, B]."""
    touching = squared <= AGENT_TOUCH.astype(state.dtype)
    touching &= state.there
    touching &= state.present[:, None]
    bits: Bits = np.bitwise_or.reduce(touching * BITS, axis=1)
    bits &= np.where(state.carried == 0, EMPTY_HANDED, CARRYING)
    return bits


def take_turns(bits: Bits) -> Bits:
    """What each agent takes [A, B], one bit or none, of the `bits` [A, B] it touches.

    Agents choose in slot order, each the first that nobody took before; home is for all.
    """
    if not bits.any():
        return bits
    left = np.full(bits.shape[1], 255, np.uint8)
    for slot in range(AGENTS):
        mine = bits[slot]
        mine &= left
        mine &= -mine
        left &= ~mine | HOME_BIT
    return bits


def take(state: State, taken: Bits, reward: Reals) -> None:
    """Carry out what was `taken` [A, B], one bit or none, and add its worth to `reward` [A, B]."""
    agent, game = np.divmod(np.flatnonzero(taken), state.games)
    landmark = LANDMARK_OF_BIT[taken[agent, game]]
    reward[agent, game] += WORTH[landmark]
    state.at[agent, game] = KIND[landmark]
    counted = np.bincount(EVENT[landmark] * state.games + game, minlength=state.happened.size)
    state.happened += counted.reshape(state.happened.shape)

    home = landmark == HOME
    state.carried[agent[home], game[home]] = 0
    remove(state, landmark[~home], game[~home])

    kind = KIND[landmark]
    picked = (kind > AT_HOME) & (kind < AT_INVADER)
    agent, game, kind = agent[picked], game[picked], kind[picked]
    state.carried[agent, game] = kind
    reward[agent, game] += PICK_UP_REWARD * state.traits[kind - 1, agent, game]


def remove(state: State, landmarks: Ints, games: Ints) -> None:
    """Landmarks [N] of `games` [N] are gone."""
    state.there[landmarks, games] = False
    state.landmark[:, landmarks, games] = 0.0
