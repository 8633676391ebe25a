"""The verdict on measured rates, for every case."""

from dataclasses import replace

import pytest

from copa.doctor.bottleneck import bottleneck
from copa.doctor.rates import Rates

WELL = Rates(actors=4, learners=1, coaches=1, steps=4000.0, updates=16.0, updating=0.9, sampling=0.1)

CASES = [
    (WELL, "ok", "nothing stands out"),
    (Rates(ended=True), "skipped", "ended while it was watched"),
    (replace(WELL, finished=True), "ok", "has all its environment steps"),
    (replace(WELL, actors=0), "problem", "no actor answers"),
    (replace(WELL, learners=0), "problem", "no learner answers"),
    (replace(WELL, redis_failures=2.0), "problem", "Redis refused or missed 2.0 commands/s"),
    (
        replace(WELL, steps=0.0, updates=0.0, actor_waits={"restoring": 1.0}, learner_waits={"warming up": 1.0}),
        "problem",
        "nothing moves (actors wait: restoring; the learner waits: warming up)",
    ),
    (replace(WELL, steps=0.0, updates=0.0), "problem", "nobody says why"),
    (replace(WELL, updates=0.0, learner_waits={"warming up": 0.9}), "ok", "filling for the first time"),
    (replace(WELL, coach_wait=0.4), "warning", "the coach: actors stand still for it 40%"),
    (replace(WELL, missed=3.0), "warning", "3.0 strategies/s came too late"),
    (replace(WELL, outbox_wait=0.5), "warning", "Redis: actors stand still for it 50%"),
    (replace(WELL, actor_waits={"actors ahead": 0.74}), "warning", "the learner: actors are ahead and wait 74%"),
    (replace(WELL, actor_waits={"actors ahead": 0.7}), "warning", "learning.steps_per_update"),
    (replace(WELL, actor_waits={"actors ahead": 0.7}, updating=0.2, sampling=0.8), "warning", "replay.prefetch"),
    (replace(WELL, actor_waits={"actors ahead": 0.7}, gpu=0.2), "warning", "Its GPU computes 20% of the time"),
    (replace(WELL, learner_waits={"learner ahead": 0.6}), "warning", "play: the learner is ahead and waits 60%"),
    (
        replace(WELL, learner_waits={"learner ahead": 0.2}, actor_waits={"actors ahead": 0.2}),
        "ok",
        "nothing stands out",
    ),
]


@pytest.mark.parametrize(("rates", "state", "words"), CASES)
def test_the_verdict_names_what_holds_the_system_back(rates: Rates, state: str, words: str) -> None:
    found = bottleneck(rates)
    assert found.state == state
    assert words in found.text
    if state == "warning":
        assert "4,000 environment steps/s, 16.0 updates/s" in found.text


def test_the_coach_comes_before_the_learner_that_is_ahead_because_of_it() -> None:
    found = bottleneck(replace(WELL, coach_wait=0.6, learner_waits={"learner ahead": 0.9}))
    assert found.text.startswith("the coach")
