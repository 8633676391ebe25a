"""The coach's network and its weights: one forward pass for many questions, and a swap that is whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from coach_service.questions import Question
from copa.communication import Measure
from copa.nets import Coach, Need, measure_of
from copa.tasks.base import Floats

STEP = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """Strategies for the games of one question."""

    strategies: Floats
    """[B, A, W]"""
    version: int
    measure: Measure
    """What of these strategies is compared with beta."""


class Strategist:
    """Computes strategies with the newest weights it was given; `compute` on one thread alone."""

    def __init__(self, seed: int) -> None:
        self._coach: tuple[int, Coach, Need | None] | None = None
        self._generator = torch.Generator().manual_seed(seed)

    @property
    def version(self) -> int:
        """Version of the weights in use; 0 before the first."""
        return self._coach[0] if self._coach else 0

    @property
    def foretells_need(self) -> bool | None:
        """Whether strategies are held back by need, or by distance; None before the first weights."""
        return self._coach[2] is not None if self._coach else None

    def install(self, version: int, coach: Coach, need: Need | None = None) -> None:
        """Use `coach` and its `need` from the next batch on. Any thread may call this; the modules must not be touched
        afterwards."""
        self._coach = (version, coach, need)

    def compute(self, questions: Sequence[Question]) -> list[Answer]:
        """Answers in the order of `questions`, by one forward pass, all with the same weights."""
        if self._coach is None:
            raise RuntimeError("compute before the first weights")
        version, coach, need = self._coach
        ends = np.cumsum([question.rows for question in questions])
        empty = padded(int(ends[-1])) - int(ends[-1])
        joined = []
        for name in ("agents", "traits", "entities", "present"):
            parts = [getattr(question, name) for question in questions]
            parts.append(np.zeros((empty, *parts[0].shape[1:]), parts[0].dtype))
            joined.append(torch.from_numpy(np.concatenate(parts)))
        with torch.inference_mode():
            encoding = coach.see(*joined)
            if any(question.sample for question in questions):
                plan = coach.plan(encoding)
                noise = torch.zeros_like(plan.mean)
                for question, end in zip(questions, ends, strict=True):
                    if question.sample:
                        noise[end - question.rows : end].normal_(generator=self._generator)
                strategies = plan.sample(noise)
            else:
                strategies = coach.mean(encoding)
        vectors, encodings = strategies.numpy(), encoding.numpy()
        parts = [slice(end - question.rows, end) for question, end in zip(questions, ends, strict=True)]
        return [Answer(vectors[part], version, measure_of(need, encodings[part])) for part in parts]


def padded(rows: int) -> int:
    """Rows of a forward pass for `rows` games: few sizes, so that shapes repeat (`copa.arithmetic`).

    A power of two up to `STEP`, above that a multiple of it.
    """
    return 1 << (rows - 1).bit_length() if rows < STEP else -(-rows // STEP) * STEP
