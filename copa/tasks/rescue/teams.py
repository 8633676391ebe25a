"""Who plays: team sizes, skills, and teams that change."""

from dataclasses import dataclass

import numpy as np

from copa.tasks.base import Ints
from copa.tasks.rescue.chance import Draws
from copa.tasks.rescue.grid import free_cells
from copa.tasks.rescue.options import Options
from copa.tasks.rescue.rules import TRAINING_FIRES, TRAINING_ROBOTS
from copa.tasks.rescue.state import NOTHING, State

TEAMS = ("train", "2", "4", "6", "8", "varying")
"""Teams by name; the first is the training distribution."""


@dataclass(frozen=True, slots=True)
class Team:
    """A distribution of teams and of the fires that they begin with."""

    robots: tuple[int, int]
    """Fewest and most robots at the start."""
    fires: tuple[int, int]
    """Fewest and most fires at the start."""
    skills: tuple[float, float] | None
    """Least and most skill; None for one of the training values."""
    largest: int | None = None
    """Most robots of a team that varies; None for one that does not."""

    def arrivals(self, options: Options) -> int:
        """Most robots that an episode can see."""
        changes = 0 if self.largest is None else (options.horizon - 1) // options.team_period
        return self.robots[1] + changes


def team_named(name: str, options: Options) -> Team:
    """The team `name` of `TEAMS`."""
    if name == "train":
        return Team(TRAINING_ROBOTS, TRAINING_FIRES, None)
    fires, skills = (TRAINING_FIRES[0], options.most_fires), (options.skill_low, options.skill_high)
    if name == "varying":
        return Team((options.smallest_team,) * 2, fires, skills, options.largest_team)
    return Team((int(name),) * 2, fires, skills)


def assemble(state: State, draws: Draws, team: Team, sizes: Ints, *, shared_cells: bool) -> None:
    """`sizes` [B] robots begin in the first slots of each game."""
    for slot in range(sizes.max(initial=0)):
        games = np.flatnonzero(slot < sizes)
        join(state, draws, team, np.full_like(games, slot), games, shared_cells=shared_cells)


def change_teams(state: State, draws: Draws, team: Team, games: Ints, *, shared_cells: bool) -> None:
    """The teams of `games` [N] change by one robot, as in Resource Collection.

    The lowest free slot joins and the lowest occupied slot leaves. Somebody joins at the starting size, leaves when
    the team is at its largest, and either with probability 1/2 in between; a team that has only one size stays.
    """
    if team.largest == team.robots[0]:
        return
    size = state.present[:, games].sum(axis=0)
    joins = (size == team.robots[0]) | ((size != team.largest) & draws.coins(state, games))
    joining, leaving = games[joins], games[~joins]
    leave(state, state.present[:, leaving].argmax(axis=0), leaving)
    join(state, draws, team, state.present[:, joining].argmin(axis=0), joining, shared_cells=shared_cells)


def leave(state: State, slots: Ints, games: Ints) -> None:
    """Empty `slots` [N] of `games` [N]."""
    state.present[slots, games] = False
    state.skill[slots, games] = 0
    state.last[slots, games] = NOTHING


def join(state: State, draws: Draws, team: Team, slots: Ints, games: Ints, *, shared_cells: bool) -> None:
    """A new robot in each of `slots` [N] of different `games` [N], on a uniform random cell."""
    places, skills = draws.robots(state, slots, games, team.skills)
    taken = state.present[:, games] & (not shared_cells)
    state.robot[:, slots, games] = free_cells(state.robot[:, :, games], taken, places)
    state.skill[slots, games] = skills
    state.present[slots, games] = True
