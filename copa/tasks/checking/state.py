"""Checks of what a task keeps: single games that start anew, arrays that were given away, snapshots."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Step, View
from copa.tasks.checking.comparing import VIEW_FIELDS, difference, require_same_view
from copa.tasks.checking.playing import play, random_actions
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import Check, Subject

FRESH = np.array([20, 21])
"""Episodes that start in single games while the others go on."""


def rows_start_alone(subject: Subject) -> None:
    """A reset of some games is a fresh start of those, and touches no other."""
    for team in subject.spec.teams:
        episodes = np.arange(4)
        rows, others = np.array([3, 1]), np.array([0, 2])
        task, untouched = subject.task(team, games=4), subject.task(team, games=4)
        before = task.reset(episodes, episodes)
        untouched.reset(episodes, episodes)
        middle = max(1, subject.spec.horizon // 3)
        before = play(task, before, episodes, 0, middle)
        view = task.reset(rows, FRESH)
        where = f"through a reset of games {rows.tolist()} (team {team!r}, after step {middle})"
        require_same_view(before, view, others, where)
        fresh = subject.task(team, games=4).reset(rows, FRESH)
        require_same_view(fresh, view, rows, f"where the game was played before its reset (team {team!r})")
        twin = play(untouched, untouched.reset(episodes, episodes), episodes, 0, middle)
        for number in range(middle, subject.spec.horizon):
            actions = random_actions(twin, episodes, number)
            twin, view = untouched.step(actions).view, task.step(_allowed(actions, view)).view
            require_same_view(twin, view, others, f"later, {where}")


def _allowed(actions: NDArray[np.int64], view: View) -> NDArray[np.int64]:
    """`actions`, or the first available one where an action is not available."""
    allowed = np.take_along_axis(view.available, actions[..., None], axis=2)[..., 0]
    chosen: NDArray[np.int64] = np.where(allowed, actions, view.available.argmax(axis=2))
    return chosen


def views_are_given_away(subject: Subject) -> None:
    """No task writes to an array it gave, or minds what is written to it, or to the actions it got."""
    for team in subject.spec.teams:
        episodes = np.arange(4)
        task, untouched = subject.task(team, games=4), subject.task(team, games=4)
        mine, twin = task.reset(episodes, episodes), untouched.reset(episodes, episodes)
        for number in range(subject.spec.horizon):
            where = f"(team {team!r}, step {number + 1})"
            kept = [getattr(mine, name).copy() for name in VIEW_FIELDS]
            actions = random_actions(twin, episodes, number)
            told = actions.copy()
            step = task.step(actions)
            if (actions != told).any():
                raise ContractError(f"step() writes to its actions {where}")
            for name, before in zip(VIEW_FIELDS, kept, strict=True):
                if difference(before, getattr(mine, name)) is not None:
                    raise ContractError(f"step() writes to {name} of the view before {where}")
            twin = untouched.step(told).view
            require_same_view(twin, step.view, episodes, f"after the arrays given before were written to {where}")
            _scribble(mine, step, actions, where)
            mine = _copied(step.view)
            _scribble(step.view, step, actions, where)


def _scribble(view: View, step: Step, actions: NDArray[Any], where: str) -> None:
    arrays = {name: getattr(view, name) for name in VIEW_FIELDS}
    arrays |= {name: getattr(step, name) for name in ("reward", "terminated", "truncated")} | dict(step.info)
    for name, array in (arrays | {"actions": actions}).items():
        if not array.flags.writeable:
            raise ContractError(f"{name} cannot be written to {where}")
        array[...] = 1


def _copied(view: View) -> View:
    return View(**{name: getattr(view, name).copy() for name in VIEW_FIELDS})


def snapshots_hold_everything(subject: Subject) -> None:
    """A restored snapshot goes on as the game did, in this task and in another."""
    horizon = subject.spec.horizon
    for team in subject.spec.teams:
        episodes = np.arange(4)
        task = subject.task(team, games=4)
        middle = max(1, horizon // 3)
        view = play(task, task.reset(episodes, episodes), episodes, 0, middle)
        state = task.snapshot()
        for name, array in state.items():
            if not isinstance(array, np.ndarray) or array.dtype.hasobject:
                raise ContractError(
                    f"snapshot()[{name!r}] is {type(array).__name__} of objects; a snapshot is plain arrays"
                )
        kept = {name: array.copy() for name, array in state.items()}
        first = play(task, view, episodes, middle, horizon)
        for name, array in state.items():
            if array.tobytes() != kept[name].tobytes():
                raise ContractError(
                    f"a later step writes to {name!r} of a snapshot (team {team!r}, after step {middle})"
                )
        for other, which in ((subject.task(team, games=4), "in a new task"), (task, "in the task that gave it")):
            restored = other.restore(state)
            where = f"in a snapshot restored {which} (team {team!r}, after step {middle})"
            require_same_view(view, restored, episodes, where)
            for array in state.values():
                array[...] = 0
            second = play(other, restored, episodes, middle, horizon)
            require_same_view(first, second, episodes, f"at the end of the game, {where}")
            state = {name: array.copy() for name, array in kept.items()}


RESET = Check("reset", "reset starts the rows it names afresh and touches no other game", rows_start_alone)
VIEWS = Check(
    "views", "arrays belong to their receiver: no later step writes to them, or minds changes", views_are_given_away
)
SNAPSHOT = Check(
    "snapshot",
    "a snapshot is plain arrays of its own that hold the whole state, in any task as large",
    snapshots_hold_everything,
)
