"""Whole episodes of many games at once, step by step."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.acting import joined
from copa.evaluation.policies import Policy
from copa.tasks.base import Bools, Floats, Ints, Task, View


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of B games."""

    step: int
    """Of the episodes, from 0."""
    view: View
    """What was known before the step."""
    running: Bools
    """[B], games in which the step was taken."""
    actions: Ints
    """[B, A]"""
    reward: Floats
    """[B], 0 where the game was over."""
    terminated: Bools
    """[B], games that came to a true end by this step."""
    ended: Bools
    """[B], games that ended by this step, by a true end or the time limit."""
    lost: Bools
    """[B], games that broke off in this step (`Step.lost`), which was then not taken."""
    info: dict[str, NDArray[Any]]
    """What the task reports (`Step.info`)."""


def play(task: Task, policy: Policy, numbers: Ints, counted: Bools) -> Iterator[Moment]:
    """Play the episodes `numbers` [B] from their start until all that are `counted` [B] have ended."""
    view = task.reset(np.arange(task.games), numbers)
    fresh = view.members()
    running = counted.copy()
    step = 0
    while running.any():
        actions = policy.act(task, view, step, fresh, running)
        result = task.step(actions)
        lost = np.zeros_like(running) if result.lost is None else running & result.lost
        running = running & ~lost
        ended = running & (result.terminated | result.truncated)
        yield Moment(
            step=step,
            view=view,
            running=running,
            actions=actions,
            reward=np.where(running, result.reward, 0.0).astype(np.float32),
            terminated=running & result.terminated,
            ended=ended,
            lost=lost,
            info=result.info,
        )
        running = running & ~ended
        fresh = joined(view, result.view)
        view = result.view
        step += 1
