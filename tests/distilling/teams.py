"""Lessons and teams that the tests of distilling share."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from copa.checkpoint import Checkpoint
from copa.distilling.practice import Lessons, practise
from copa.distilling.teachers import Teachers
from copa.tasks import make_task, task_spec
from copa.tasks.base import TaskSpec

GAMES = 24


def spec_of(saved: Checkpoint) -> TaskSpec:
    return task_spec(saved.config.task.name, saved.config.task.options)


def lessons_of(
    saved: Checkpoint, teachers: Sequence[Checkpoint], team: str, *, hold: float = 0.0, spreads: Sequence[float] = ()
) -> Lessons:
    spec = spec_of(saved)
    task = make_task(spec.name, games=GAMES, seed=3, team=team, options=saved.config.task.options)
    looking_on = Teachers(spec, teachers, GAMES, spreads or [1.0] * len(teachers))
    rng = np.random.default_rng(5)
    return practise(spec, saved.config, saved.tensors, looking_on, task, first=7, hold=hold, rng=rng)


def disturbed(saved: Checkpoint, size: float, seed: int) -> Checkpoint:
    """`saved` with noise on its weights, in proportion to each tensor's own size."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        name: tensor + size * tensor.std(unbiased=False) * torch.randn(tensor.shape, generator=generator)
        for name, tensor in saved.playing.items()
    }
    return replace(saved, tensors=tensors)
