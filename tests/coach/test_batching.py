"""Batches: what is computed together, and that it does not matter."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest
import uvloop

from coach_service.batching import Batcher, Reply
from coach_service.questions import Question
from coach_service.strategist import Answer, Strategist
from tests.coach.parts import Games, make_coach, means, nobody


def question(games: int, seed: int = 0, sample: bool = False) -> Question:
    view = Games(games, seed).view
    return Question(
        view.agents, view.traits, view.entities, view.present, view.members(), nobody(view), beta=0.0, sample=sample
    )


class Recorder:
    """A real strategist that notes the sizes of its batches."""

    def __init__(self) -> None:
        self.strategist = Strategist(seed=0)
        self.strategist.install(1, make_coach(1))
        self.batches: list[list[int]] = []

    def compute(self, questions: Sequence[Question]) -> list[Answer]:
        self.batches.append([question.rows for question in questions])
        return self.strategist.compute(questions)


def batched(scenario: Callable[[Batcher], Coroutine[Any, Any, None]], rows: int, wait: float) -> Recorder:
    recorder = Recorder()

    async def run() -> None:
        batcher = Batcher(recorder.compute, rows=rows, wait=wait)
        batcher.start()
        try:
            await asyncio.wait_for(scenario(batcher), 20)
        finally:
            await batcher.stop()

    uvloop.run(run())
    return recorder


def test_what_waits_is_computed_together() -> None:
    async def scenario(batcher: Batcher) -> None:
        batcher.streams.update({"one", "two", "silent"})
        await asyncio.gather(*(batcher.ask(question(3), name) for name in ("one", "two")))

    assert batched(scenario, rows=100, wait=0.2).batches == [[3, 3]]


def test_nobody_waits_when_every_stream_has_asked() -> None:
    async def scenario(batcher: Batcher) -> None:
        batcher.streams.update({"one", "two"})
        await asyncio.gather(*(batcher.ask(question(3), name) for name in ("one", "two")))

    assert batched(scenario, rows=100, wait=3600.0).batches == [[3, 3]]


def test_a_full_batch_does_not_wait_and_is_not_exceeded() -> None:
    async def scenario(batcher: Batcher) -> None:
        batcher.streams.update(range(9))
        await asyncio.gather(*(batcher.ask(question(4), name) for name in range(8)))

    recorder = batched(scenario, rows=8, wait=3600.0)
    assert recorder.batches == [[4, 4]] * 4


def test_what_arrived_while_a_batch_was_computed_is_the_next() -> None:
    recorder = Recorder()

    async def run() -> None:
        later: list[Reply] = []

        def compute(questions: Sequence[Question]) -> list[Answer]:
            if not later:
                later.extend(batcher.ask(question(2), name) for name in "bcd")
                batcher.ask(question(5), "e").set_result(None)
            return recorder.compute(questions)

        batcher = Batcher(compute, rows=100, wait=0.0)
        batcher.start()
        await batcher.ask(question(1), "a")
        await asyncio.wait_for(asyncio.gather(*later), 20)
        await batcher.stop()

    uvloop.run(run())
    assert recorder.batches == [[1], [2, 2, 2]]


def test_others_have_their_turn_between_two_batches() -> None:
    """However much waits, the event loop goes on."""
    turns: list[int] = []

    async def scenario(batcher: Batcher) -> None:
        replies = [batcher.ask(question(4), name) for name in range(8)]
        while not replies[-1].done():
            turns.append(sum(reply.done() for reply in replies))
            await asyncio.sleep(0)

    batched(scenario, rows=4, wait=0.0)
    assert set(turns) >= set(range(1, 8))


def test_every_stream_is_read_before_the_next_pass() -> None:
    """Questions that come one by one, as from many connections."""

    async def scenario(batcher: Batcher) -> None:
        batcher.streams.update(range(50))
        replies = [batcher.ask(question(4), 0)]
        for name in range(1, 50):
            await asyncio.sleep(0)
            replies.append(batcher.ask(question(4), name))
            assert not any(reply.done() for reply in replies)
        await asyncio.gather(*replies)

    assert batched(scenario, rows=8, wait=0.0).batches == [[4, 4]] * 25


def test_one_stream_that_asks_without_end_keeps_nobody_from_being_answered() -> None:
    async def scenario(batcher: Batcher) -> None:
        batcher.streams.update(("flood", "other"))
        reply = batcher.ask(question(1), "other")
        while not reply.done():
            batcher.ask(question(1), "flood")
            await asyncio.sleep(0)

    batched(scenario, rows=8, wait=0.0)


def test_an_error_reaches_its_own_batch_and_the_next_goes_on() -> None:
    strategist = Strategist(seed=0)

    async def run() -> None:
        batcher = Batcher(strategist.compute, rows=100, wait=0.0)
        batcher.start()
        with pytest.raises(RuntimeError, match="before the first weights"):
            await batcher.ask(question(1), "a")
        strategist.install(3, make_coach(1))
        answer = await batcher.ask(question(1), "a")
        assert answer is not None
        assert answer.version == 3
        await batcher.stop()

    uvloop.run(run())


def test_an_answer_does_not_depend_on_its_batch() -> None:
    coach = make_coach(1)
    strategist = Strategist(seed=0)
    strategist.install(1, coach)
    questions = [question(games, seed) for seed, games in enumerate((1, 7, 3, 40))]
    together = strategist.compute(questions)
    for one, answer in zip(questions, together, strict=True):
        alone = strategist.compute([one])[0].strategies
        np.testing.assert_allclose(answer.strategies[one.members], alone[one.members], rtol=0, atol=1e-6)


def test_samples_and_means_share_a_batch() -> None:
    coach = make_coach(1)
    strategist = Strategist(seed=0)
    strategist.install(1, coach)
    view = Games(5).view
    mean, sample, other = strategist.compute([question(5), question(5, sample=True), question(5)])
    members = view.members()
    np.testing.assert_allclose(mean.strategies[members], means(coach, view)[members], atol=1e-6)
    np.testing.assert_allclose(other.strategies[members], mean.strategies[members], atol=1e-6)
    spread = np.abs(sample.strategies - mean.strategies)[members]
    assert spread.min() > 0.0
    again = Strategist(seed=0)
    again.install(1, coach)
    np.testing.assert_array_equal(
        again.compute([question(5), question(5, sample=True), question(5)])[1].strategies, sample.strategies
    )
