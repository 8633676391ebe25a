"""Who plays: team sizes, characteristics, and teams that change."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from copa.tasks.base import Ints
from copa.tasks.resource_collection.chance import Draws, Numbers
from copa.tasks.resource_collection.rules import AGENTS, AT_HOME, AT_NOTHING, HORIZON, START_RADIUS
from copa.tasks.resource_collection.state import State


@dataclass(frozen=True, slots=True)
class Team:
    """A distribution of teams."""

    sizes: tuple[int, ...]
    """Agents at the start, in turn by global episode number."""
    held_out: bool
    """Characteristics from ranges, instead of the three training values of each."""
    change: Literal["never", "varying", "grow"] = "never"
    """`varying`: agents join and leave; `grow`: agents join until the team is full, as in the published program."""

    def arrivals(self, period: int) -> int:
        """Most agents that an episode can see, when the team changes every `period` steps."""
        match self.change:
            case "never":
                return max(self.sizes)
            case "grow":
                return AGENTS
            case "varying":
                return max(self.sizes) + (HORIZON - 1) // period


TEAMS = {
    "train": Team(sizes=(2, 3, 4), held_out=False),
    "5": Team(sizes=(5,), held_out=True),
    "6": Team(sizes=(6,), held_out=True),
    "varying": Team(sizes=(4,), held_out=True, change="varying"),
    "grow": Team(sizes=(4,), held_out=True, change="grow"),
}
"""Teams by name; the first is the training distribution."""


def draw_traits(state: State, team: Team, draws: Draws, speed: float, slots: Ints, games: Ints) -> None:
    """New characteristics for `slots` [N] of `games` [N]."""
    draw: Callable[[State, Ints, Ints], Numbers] = draws.held_out_traits if team.held_out else draws.training_traits
    traits = draw(state, games, slots)
    traits[3] *= speed
    state.traits[:, slots, games] = traits


def assemble(state: State, team: Team, draws: Draws, speed: float) -> None:
    """The team of each game takes its places, evenly on a circle about home, the first at angle 0."""
    games = np.tile(np.arange(state.games), AGENTS)
    slots = np.repeat(np.arange(AGENTS), state.games)
    draw_traits(state, team, draws, speed, slots, games)
    sizes = np.array(team.sizes)[state.episode % len(team.sizes)]
    slot = np.arange(AGENTS)[:, None]
    angle = 2 * np.pi * slot / sizes
    state.present[:] = slot < sizes
    state.position[:] = START_RADIUS * np.stack((np.cos(angle), np.sin(angle))) * state.present


def change_teams(state: State, team: Team, draws: Draws, speed: float, games: Ints) -> tuple[Ints, Ints]:
    """The teams of `games` [N] change by one agent; returns the slots and the games in which somebody joined.

    The lowest free slot joins and the lowest occupied slot leaves. A team that varies has somebody join at its
    starting size or below, leave when it is full, and either with probability 1/2 in between.
    """
    size = state.present[:, games].sum(axis=0)
    if team.change == "grow":
        joins, leaves = size < AGENTS, np.zeros(len(games), np.bool_)
    else:
        joins = (size <= team.sizes[0]) | ((size < AGENTS) & draws.coins(state, games))
        leaves = ~joins
    joining: Ints = games[joins]
    leaving: Ints = games[leaves]

    leave(state, state.present[:, leaving].argmax(axis=0), leaving)
    slots = (~state.present[:, joining]).argmax(axis=0)
    join(state, team, draws, speed, slots, joining)
    return slots, joining


def leave(state: State, slots: Ints, games: Ints) -> None:
    """Empty `slots` [N] of `games` [N]."""
    state.present[slots, games] = False
    state.position[:, slots, games] = 0.0
    state.velocity[:, slots, games] = 0.0
    state.carried[slots, games] = 0
    state.at[slots, games] = AT_NOTHING


def join(state: State, team: Team, draws: Draws, speed: float, slots: Ints, games: Ints) -> None:
    """A new agent in each of `slots` [N] of `games` [N], at rest, at a random angle on the starting circle."""
    draw_traits(state, team, draws, speed, slots, games)
    state.present[slots, games] = True
    state.position[:, slots, games] = START_RADIUS * draws.joiner_directions(state, games)
    state.velocity[:, slots, games] = 0.0
    state.carried[slots, games] = 0
    state.at[slots, games] = AT_HOME
