"""Playing episodes so that two of them can be compared."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.tasks import random
from copa.tasks.base import Bools, Ints, Step, Task, View
from copa.tasks.checking.comparing import VIEW_FIELDS

OUTCOMES = ("reward", "terminated", "truncated")

Frames = dict[str, NDArray[Any]]
"""Arrays by name; of one game at one moment, or of one episode with the steps as first axis."""


def ended(step: Step) -> Bools:
    """[B], games whose episode ended with this step."""
    return step.terminated | step.truncated


def random_actions(view: View, streams: Ints, number: int) -> Ints:
    """Available actions [B, A], each a function of its game's stream [B], the step and the slot alone."""
    games, slots, actions = view.available.shape
    draws = random.words(
        0,
        np.repeat(streams, slots * actions),
        number,
        np.tile(np.repeat(np.arange(slots), actions), games),
        np.tile(np.arange(actions), games * slots),
    )[0].reshape(games, slots, actions)
    chosen: Ints = ((draws + np.uint64(1)) * view.available).argmax(axis=2)
    return chosen


def recorded(task: Task, episodes: Ints, *, greedy: bool = False, streams: Ints | None = None) -> dict[int, Frames]:
    """Everything seen of `episodes` [B], played side by side until they are over.

    Views have one step more than rewards and ends. Actions are those of the task's expert, or random ones of
    `streams` [B] (the episodes themselves when not given).
    """
    view = task.reset(np.arange(task.games), episodes)
    parts = {name: [getattr(view, name).copy()] for name in VIEW_FIELDS}
    running = np.ones(task.games, np.bool_)
    steps = np.zeros(task.games, np.int64)
    for number in range(task.spec.horizon):
        chosen = random_actions(view, episodes if streams is None else streams, number)
        step = task.step(task.greedy() if greedy else chosen)
        view = step.view
        for name in VIEW_FIELDS:
            parts[name].append(getattr(view, name).copy())
        for name in OUTCOMES:
            parts.setdefault(name, []).append(getattr(step, name).copy())
        steps += running
        running &= ~ended(step)
        if not running.any():
            break
    arrays = {name: np.stack(part, axis=1) for name, part in parts.items()}
    return {
        int(episode): {name: array[row, : steps[row] + (name in VIEW_FIELDS)] for name, array in arrays.items()}
        for row, episode in enumerate(episodes)
    }


def play(task: Task, view: View, streams: Ints, first: int, last: int) -> View:
    """Random steps `first` to `last` (excluded) from `view`; returns the last view."""
    for number in range(first, last):
        view = task.step(random_actions(view, streams, number)).view
    return view
