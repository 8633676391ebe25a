"""The task under check, and what is seen when its episodes are played."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from copa.tasks.base import Bools, Option, Step, Task, TaskSpec, TaskType, View
from copa.tasks.checking.playing import ended, random_actions

SEED = 11
"""Run seed of all games that checks play, unless another one is meant."""
GAMES = 8
"""Games side by side where a check looks at single moments."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Episodes 0 to B-1, in the games of those numbers, after `number` steps."""

    team: str
    number: int
    view: View
    step: Step | None
    """The step that led here; None after the reset."""
    running: Bools
    """[B], games whose episode was not over before that step."""

    def where(self, game: int | None = None) -> str:
        """Where this is, for a message."""
        when = f"after step {self.number}" if self.number else "after the reset"
        return f"team {self.team!r}, {when}" + ("" if game is None else f", episode {game}")


class Subject:
    """A task by its class and options. What was played once is kept, so that checks share it."""

    def __init__(self, name: str, kind: TaskType, options: Mapping[str, Option]) -> None:
        self.name = name
        self.kind = kind
        self.options = dict(options)
        self._seen: dict[str, list[Moment]] = {}

    @property
    def spec(self) -> TaskSpec:
        """The spec under the options."""
        return self.kind.describe(self.options)

    def task(self, team: str, games: int = GAMES, seed: int = SEED) -> Task:
        """`games` games of `team`, none of them started."""
        return self.kind(games=games, seed=seed, team=team, options=self.options)

    def seen(self, team: str) -> Sequence[Moment]:
        """Every moment of `GAMES` episodes played at random, until all are over or the horizon is reached."""
        if team not in self._seen:
            task = self.task(team)
            episodes = np.arange(GAMES)
            view = task.reset(episodes, episodes)
            running = np.ones(GAMES, np.bool_)
            moments = [Moment(team, 0, view, None, running)]
            while running.any() and moments[-1].number < self.spec.horizon:
                step = task.step(random_actions(view, episodes, moments[-1].number))
                view = step.view
                moments.append(Moment(team, moments[-1].number + 1, view, step, running))
                running = running & ~ended(step)
            self._seen[team] = moments
        return self._seen[team]

    def moments(self) -> Sequence[Moment]:
        """`seen` of every team."""
        return [moment for team in self.spec.teams for moment in self.seen(team)]


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the contract."""

    name: str
    requires: str
    """What the contract requires, in words."""
    run: Callable[[Subject], None]
    """Raises ContractError where the task does something else."""
