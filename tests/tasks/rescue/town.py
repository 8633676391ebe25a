"""One game put into a chosen situation."""

from collections.abc import Sequence

import numpy as np

from copa.tasks.base import Ints, Option, Step
from copa.tasks.rescue import Rescue

UP, DOWN, LEFT, RIGHT, PUT_OUT = range(5)


def town(
    robots: Sequence[tuple[int, int, float]], fires: Sequence[tuple[int, int, float]] = (), **options: Option
) -> Rescue:
    """A game with robots (x, y, skill) and fires (x, y, level), in which nothing else catches fire."""
    task = Rescue(games=1, seed=0, team="8", options={"fire_probability": 0.0} | options)
    task.reset(np.zeros(1, np.int64), np.zeros(1, np.int64))
    state = task.state
    state.present[:, 0] = np.arange(8) < len(robots)
    for array in (state.robot, state.skill, state.fire, state.level):
        array[:] = 0
    for slot, (x, y, skill) in enumerate(robots):
        state.robot[:, slot, 0] = x, y
        state.skill[slot, 0] = skill
    for row, (x, y, level) in enumerate(fires):
        state.fire[:, row, 0] = x, y
        state.level[row, 0] = level
    return task


def play(task: Rescue, *actions: int) -> Step:
    """One step; slots without an action put out."""
    chosen: Ints = np.full((1, 8), PUT_OUT)
    chosen[0, : len(actions)] = actions
    return task.step(chosen)


def cells(task: Rescue) -> list[tuple[int, int]]:
    """Cells of the robots that are there."""
    return [tuple(task.state.robot[:, slot, 0].tolist()) for slot in np.flatnonzero(task.state.present[:, 0])]


def levels(task: Rescue) -> list[float]:
    """Of all fire rows."""
    return [round(float(level), 5) for level in task.state.level[:, 0]]
