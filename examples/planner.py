"""A hand-made planner for Resource Collection that knows everything: what is there to be had?

    python examples/planner.py --team train --episodes 200 --every 4

Unlike the task's greedy expert it obeys physics and moves only by actions; unlike a trained team it knows the whole
state. Agents that carry go home. One agent, if it is worth it, meets the invader on its way. The others share out the
resources so that the best gain per step goes first. Its numbers were tuned by hand on the training distribution.

`--every T` plans only at every T-th step, like a coach. In between agents keep their goals, steer at every step, and
turn home when they have picked something up.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Ints
from copa.tasks.resource_collection.rules import (
    AGENT_RADIUS,
    HOME,
    INVADER,
    INVADER_PACE,
    LANDMARK_RADII,
    PICK_UP_REWARD,
    RESOURCE_TYPES,
    RESOURCES,
    TIME_STEP,
)
from copa.tasks.resource_collection.state import State
from copa.tasks.resource_collection.task import ResourceCollection

Point = NDArray[np.floating]

HOMEWARD = 0.3
"""How much a step of the way home counts beside one of the way to a resource."""
CATCH_WORTH = 5.0
"""What meeting the invader is worth, as a reward."""
STEPS_LOST_WORTH = 2.0
"""How much the steps count that this costs, beside what they would bring otherwise."""
CARRIER_RATE = 0.3
"""What a step of an agent that carries is worth to it, as a reward."""
COAST = 0.2
"""Time for which a body is taken to run on at its velocity when its force ends."""

REACH = AGENT_RADIUS + LANDMARK_RADII
"""[8], distance at which an agent meets each landmark."""
STILL = 0.01
"""Distance from its goal, on either axis, within which an agent rests."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Where an agent is to go."""

    place: Point
    carried: bool
    """Whether it carried something when it was told."""


def plan(state: State, game: int) -> dict[int, Goal]:
    """Goals of the agents of one game; an agent without one stays where it is."""
    agents = [int(agent) for agent in np.flatnonzero(state.present[:, game])]
    landmarks = state.landmark[:, :, game]
    free = [agent for agent in agents if state.carried[agent, game] == 0]
    resources = [int(resource) for resource in RESOURCES if state.there[resource, game]]
    gains = {(agent, resource): _gain(state, game, agent, resource) for agent in free for resource in resources}
    goals = {agent: Goal(landmarks[:, HOME].copy(), carried=True) for agent in agents if agent not in free}
    if state.there[INVADER, game]:
        goals |= _chase(state, game, agents, gains)
    taken: set[int] = set()
    for agent, resource in sorted(gains, key=lambda pair: -gains[pair]):
        if agent not in goals and resource not in taken:
            goals[agent] = Goal(landmarks[:, resource].copy(), carried=False)
            taken.add(resource)
    return goals


def steer(state: State, game: int, goals: Mapping[int, Goal]) -> Ints:
    """Actions [A] that bring the agents of one game towards their goals."""
    actions = np.zeros(state.position.shape[1], dtype=np.int64)
    for agent, goal in goals.items():
        turned = state.carried[agent, game] > 0 and not goal.carried
        place = state.landmark[:, HOME, game] if turned else goal.place
        way = place - state.position[:, agent, game] - COAST * state.velocity[:, agent, game]
        axis = int(np.abs(way).argmax())
        if abs(way[axis]) >= STILL:
            actions[agent] = 1 + 2 * axis + int(way[axis] > 0)
    return actions


def _chase(state: State, game: int, agents: list[int], gains: Mapping[tuple[int, int], float]) -> dict[int, Goal]:
    """The goal of the agent for whom meeting the invader is worth most, if it is for any."""
    best, goals = 0.0, {}
    for agent in agents:
        place, stride = state.position[:, agent, game], state.traits[3, agent, game] * TIME_STEP
        met = _meet(place, state.landmark[:, INVADER, game], stride)
        if met is None:
            continue
        meeting, steps = met
        carried = bool(state.carried[agent, game] > 0)
        rate = CARRIER_RATE if carried else max((gains[pair] for pair in gains if pair[0] == agent), default=0.0)
        detour = HOMEWARD * float(np.hypot(*meeting) - np.hypot(*place)) / stride
        worth = CATCH_WORTH - STEPS_LOST_WORTH * rate * max(steps + detour, 0.0)
        if worth > best:
            best, goals = worth, {agent: Goal(meeting, carried)}
    return goals


def _gain(state: State, game: int, agent: int, resource: int) -> float:
    """Reward per step of fetching `resource`."""
    place, target = state.position[:, agent, game], state.landmark[:, resource, game]
    stride = state.traits[3, agent, game] * TIME_STEP
    way = max(float(np.hypot(*(target - place))) - REACH[resource], 0.0) / stride + 1
    home = max(float(np.hypot(*target)) - REACH[HOME], 0.0) / stride + 1
    ability = float(state.traits[RESOURCE_TYPES[resource - RESOURCES[0]], agent, game])
    return float(PICK_UP_REWARD * ability / (way + HOMEWARD * home))


def _meet(place: Point, invader: Point, stride: float) -> tuple[Point, int] | None:
    """Where an agent meets the invader soonest on its straight way home, and in how many steps; None if too late."""
    distance = max(float(np.hypot(*invader)), REACH[HOME])
    for steps in range(1, int((distance - REACH[HOME]) / INVADER_PACE) + 2):
        meeting = invader * (1 - INVADER_PACE * steps / distance)
        if np.hypot(*(meeting - place)) - REACH[INVADER] <= stride * steps:
            return meeting, steps
    return None


def played(team: str, episodes: int, seed: int, every: int) -> tuple[NDArray[np.float64], dict[str, Ints]]:
    """The team's reward in each of the episodes that `copa eval --seed SEED` plays without options, and how often each
    event happened in it; all [episodes]."""
    task = ResourceCollection(games=episodes, seed=seed, team=team, options={})
    task.reset(np.arange(episodes), np.arange(episodes))
    total = np.zeros(episodes)
    goals: list[dict[int, Goal]] = []
    for step in range(task.spec.horizon):
        if step % every == 0:
            goals = [plan(task.state, game) for game in range(episodes)]
        actions = np.stack([steer(task.state, game, goals[game]) for game in range(episodes)])
        result = task.step(actions)
        total += result.reward
    return total, result.info


def _steps(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; allowed: a whole number of at least 1")
    return int(text)


def main() -> None:
    """Print the mean return and its standard error."""
    parser = argparse.ArgumentParser(description="Play Resource Collection with a planner that knows everything.")
    parser.add_argument("--team", default="train", choices=["train", "5", "6"])
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=_steps, default=1, help="steps between two plans")
    options = parser.parse_args()
    found, counts = played(options.team, options.episodes, options.seed, options.every)
    error = found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else float("nan")
    print(f"mean return {found.mean():.1f} of {len(found)} episodes, standard error {error:.1f}")
    print("per episode: " + ", ".join(f"{name} {count.mean():.2f}" for name, count in counts.items()))


if __name__ == "__main__":
    main()
