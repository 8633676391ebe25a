"""One forward pass for many questions: filled up to few sizes, which no answer shows."""

import numpy as np
import pytest

from coach_service.questions import Question
from coach_service.strategist import STEP, Strategist, padded
from tests.coach.parts import Games, make_coach, means, nobody


def question(games: int, *, sample: bool = False) -> Question:
    view = Games(games, seed=games).view
    return Question(
        view.agents, view.traits, view.entities, view.present, view.members(), nobody(view), beta=0.0, sample=sample
    )


@pytest.mark.parametrize("sizes", [(1,), (5,), (3, 2, 6), (60, 7), (64, 64)])
def test_answers_are_those_of_each_question_alone(sizes: tuple[int, ...]) -> None:
    strategist = Strategist(seed=0)
    strategist.install(3, make_coach(1))
    answers = strategist.compute([question(size) for size in sizes])
    assert [answer.version for answer in answers] == [3] * len(sizes)
    for size, answer in zip(sizes, answers, strict=True):
        expected = means(make_coach(1), Games(size, seed=size).view)
        assert answer.strategies.shape == expected.shape
        np.testing.assert_allclose(answer.strategies, expected, atol=1e-5)


def test_only_those_who_ask_for_it_get_noise() -> None:
    strategist = Strategist(seed=0)
    strategist.install(1, make_coach(1))
    still, noisy = strategist.compute([question(3), question(6, sample=True)])
    np.testing.assert_allclose(still.strategies, means(make_coach(1), Games(3, seed=3).view), atol=1e-5)
    assert (np.abs(noisy.strategies - means(make_coach(1), Games(6, seed=6).view)) > 1e-3).mean() > 0.9


def test_passes_come_in_few_sizes() -> None:
    assert [padded(rows) for rows in (1, 2, 3, 5, 33, 63, 64, 65, 128, 500, 4096)] == [
        1, 2, 4, 8, 64, 64, 64, 128, 128, 512, 4096,
    ]  # fmt: skip
    assert len({padded(rows) for rows in range(1, 513)}) == 6 + 512 // STEP
