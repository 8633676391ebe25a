"""Checks of how episodes end, and of games that do not run."""

import numpy as np

from copa.tasks.base import Ints, Step, View
from copa.tasks.checking.comparing import require_same_view
from copa.tasks.checking.playing import ended, random_actions
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import Check, Subject


def episodes_end(subject: Subject) -> None:
    """The time limit cuts an episode at the horizon, and nothing but a true end cuts it before."""
    horizon = subject.spec.horizon
    for team in subject.spec.teams:
        moments = subject.seen(team)
        for moment in moments[1:]:
            assert moment.step is not None
            early = moment.running & moment.step.truncated & (moment.number < horizon)
            for game in np.flatnonzero(early)[:1].tolist():
                raise ContractError(f"truncated[{game}] is true before the horizon of {horizon} ({moment.where(game)})")
        last = moments[-1]
        assert last.step is not None
        for game in np.flatnonzero(last.running & ~ended(last.step))[:1].tolist():
            raise ContractError(
                f"neither terminated[{game}] nor truncated[{game}] is true at the horizon ({last.where(game)})"
            )


def ended_games_stay(subject: Subject) -> None:
    """A game that has ended changes no more, whatever is played beside it, and gives nothing."""
    horizon = subject.spec.horizon
    for team in subject.spec.teams:
        task = subject.task(team, games=3)
        episodes = np.arange(3)
        view = task.reset(episodes, episodes)
        over = np.zeros(3, np.bool_)
        late = max(1, horizon // 2)
        for number in range(horizon + late):
            if number == late:
                view = task.reset(np.array([1]), np.array([30]))
                over[1] = False
            greedy = number % 2 == 1
            step = task.step(task.greedy() if greedy else random_actions(view, episodes, number))
            _require_nothing(step, view, np.flatnonzero(over), f"in an ended game (team {team!r}, step {number + 1})")
            over |= ended(step)
            view = step.view


def unstarted_games_stay(subject: Subject) -> None:
    """A game that was never started has no agents and gives nothing."""
    for team in subject.spec.teams:
        task = subject.task(team, games=3)
        view = task.reset(np.array([1]), np.array([5]))
        others = np.array([0, 2])
        for number in range(min(3, subject.spec.horizon)):
            for game, slot in np.argwhere(view.members()[others])[:1].tolist():
                raise ContractError(
                    f"slot {slot} of game {others[game]}, which was never started, holds an agent ({team!r})"
                )
            step = task.step(random_actions(view, np.arange(3), number))
            where = f"in a game that was never started (team {team!r}, step {number + 1})"
            _require_nothing(step, view, others, where)
            view = step.view


def _require_nothing(step: Step, before: View, games: Ints, where: str) -> None:
    for name in ("reward", "terminated", "truncated"):
        values = getattr(step, name)[games]
        for game in np.flatnonzero(values)[:1].tolist():
            raise ContractError(f"{name}[{games[game]}] is {values[game]} {where}")
    require_same_view(before, step.view, games, where)


ENDING = Check(
    "ending",
    "an episode is terminated by the task or truncated at the horizon, neither earlier nor later",
    episodes_end,
)
ENDED = Check(
    "ended", "an ended game stays as it is until its reset: the same view, reward 0, no end again", ended_games_stay
)
UNSTARTED = Check(
    "unstarted", "a game that was never started has no agents, gives reward 0 and does not end", unstarted_games_stay
)
