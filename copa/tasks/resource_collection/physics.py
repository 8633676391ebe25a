"""Forces and motion: steps 1 to 3 of the rules. Forces are only computed where bodies are near enough to touch."""

import numpy as np
from numpy.typing import ArrayLike

from copa.tasks.base import Ints
from copa.tasks.resource_collection.rules import (
    ACCELERATION,
    ACTION_AXES,
    AGENT_RADIUS,
    AGENTS,
    CONTACT_FORCE,
    FRICTION,
    LANDMARK_RADII,
    LANDMARKS,
    NEGLIGIBLE,
    SMALLEST,
    SOFTNESS,
    TIME_STEP,
    WALL_AXIS,
    WALL_END,
    WALL_HALF_WIDTH,
)
from copa.tasks.resource_collection.state import Reals, State

FIRST, SECOND = np.triu_indices(AGENTS, k=1)
"""The pairs of agents, in order."""
AGENT_REACH = (2 * AGENT_RADIUS + NEGLIGIBLE) ** 2
LANDMARK_REACH = ((AGENT_RADIUS + LANDMARK_RADII + NEGLIGIBLE) ** 2)[:, None]
WALL_CONTACT = WALL_AXIS - WALL_HALF_WIDTH - AGENT_RADIUS


def advance(state: State, actions: Ints) -> None:
    """Move all agents by one step of `actions` [B, A]."""
    force = action_force(state, actions)
    add_contacts_of_agents(state, force)
    add_contacts_with_landmarks(state, force)
    add_walls(state, force)
    integrate(state, force)


def action_force(state: State, actions: Ints) -> Reals:
    """[2, A, B], zero for absent agents."""
    force: Reals = np.take(ACTION_AXES.astype(state.dtype), actions.T, axis=1)
    force *= ACCELERATION * state.traits[3] * state.present
    return force


def squared_distance(here: Reals, there: Reals) -> Reals:
    """Of points [2, ...] that broadcast against each other."""
    total: Reals = here[0] - there[0]
    total *= total
    other = here[1] - there[1]
    other *= other
    total += other
    return total


def distances_to_landmarks(state: State) -> Reals:
    """Squared, from every agent to every landmark [A, 8, B]."""
    return squared_distance(state.position[:, :, None], state.landmark[:, None])


def distances_of_agents(state: State) -> Reals:
    """Squared, within every pair of agents [15, B]."""
    return squared_distance(state.position[:, FIRST], state.position[:, SECOND])


def add_contacts_of_agents(state: State, force: Reals) -> None:
    """Add to `force` [2, A, B] what agents that touch do to each other."""
    near = distances_of_agents(state) < AGENT_REACH
    near &= state.present[FIRST]
    near &= state.present[SECOND]
    pair, game = np.divmod(np.flatnonzero(near), state.games)
    first, second = FIRST[pair], SECOND[pair]
    push = contact_force(state.position[:, first, game] - state.position[:, second, game], 2 * AGENT_RADIUS)
    add_at(force, first, game, push)
    add_at(force, second, game, -push)


def add_contacts_with_landmarks(state: State, force: Reals) -> None:
    """Add to `force` [2, A, B] what landmarks do to agents that touch them."""
    near = distances_to_landmarks(state) < LANDMARK_REACH.astype(state.dtype)
    near &= state.there
    near &= state.present[:, None]
    pair, game = np.divmod(np.flatnonzero(near), state.games)
    agent, landmark = np.divmod(pair, LANDMARKS)
    offset = state.position[:, agent, game] - state.landmark[:, landmark, game]
    add_at(force, agent, game, contact_force(offset, (AGENT_RADIUS + LANDMARK_RADII)[landmark]))


def contact_force(offset: Reals, reach: ArrayLike) -> Reals:
    """Force [2, N] on bodies at `offset` [2, N] from others, when they touch at distance `reach` [N]."""
    distance = np.maximum(np.hypot(offset[0], offset[1]), SMALLEST)
    push: Reals = offset * (CONTACT_FORCE * softplus(reach - distance) / distance)
    return push


def softplus(depth: Reals) -> Reals:
    """`depth` where it is positive, 0 where it is negative, with a smooth corner."""
    soft: Reals = SOFTNESS * np.logaddexp(0.0, depth / SOFTNESS)
    return soft


def add_at(force: Reals, agents: Ints, games: Ints, push: Reals) -> None:
    """Add `push` [2, N] to the forces on `agents` [N] of `games` [N], an agent possibly more than once."""
    bodies = agents * force.shape[2] + games
    for axis in range(2):
        np.add.at(force[axis].reshape(-1), bodies, push[axis].astype(force.dtype))


def add_walls(state: State, force: Reals) -> None:
    """Add to `force` [2, A, B] what the walls do; an agent partly beyond a wall's end is pushed around it."""
    near = np.flatnonzero(np.abs(state.position) > WALL_CONTACT - NEGLIGIBLE)
    if not len(near):
        return
    body, game = np.divmod(near, state.games)
    across, agent = np.divmod(body, AGENTS)
    place = state.position[across, agent, game]
    along = state.position[1 - across, agent, game]
    beyond = along - np.clip(along, -WALL_END, WALL_END)
    angle = np.arcsin(np.clip(beyond / AGENT_RADIUS, -1.0, 1.0))
    to_wall = place - np.copysign(WALL_AXIS, place)
    depth = np.cos(angle) * AGENT_RADIUS + WALL_HALF_WIDTH - np.abs(to_wall)
    strength = CONTACT_FORCE * softplus(depth) * (np.abs(beyond) <= AGENT_RADIUS)
    push = np.stack((np.cos(angle) * np.sign(to_wall) * strength, np.sin(angle) * strength))
    add_at(force, agent, game, np.where(across == 0, push, push[::-1]))


def integrate(state: State, force: Reals) -> None:
    """Turn `force` [2, A, B] into velocities, no faster than the top speed, and positions."""
    velocity = state.velocity
    velocity *= FRICTION
    velocity += TIME_STEP * force
    speed = np.sqrt(velocity[0] * velocity[0] + velocity[1] * velocity[1])
    np.maximum(speed, SMALLEST, out=speed)
    velocity *= np.minimum(state.traits[3] / speed, 1.0)
    state.position += TIME_STEP * velocity
