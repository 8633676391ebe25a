"""Losses are differences between plays of the same games."""

import numpy as np
import pytest

from copa.bounding.losses import Losses, Returning
from copa.evaluation import evaluate
from copa.evaluation.playing import play
from copa.tasks import make_task
from tests.bounding.parts import SPEC, made

EPISODES, SEED, FAR = 24, 3, 1e9
SAVED = made(attention="masked", attention_skip=True, attention_norm=True, memory="gru", learning={"gamma": 0.95})


def rewards(beta: float, until: int) -> np.ndarray:
    """[steps, games]"""
    task = make_task(SPEC.name, games=EPISODES, seed=SEED, team="varying")
    policy = Returning(SPEC, SAVED.config, SAVED.tensors, beta, np.full(EPISODES, until))
    moments = play(task, policy, np.arange(EPISODES), np.ones(EPISODES, bool))
    return np.stack([moment.reward for moment in moments])


def test_the_loss_from_the_start_is_that_of_evaluations() -> None:
    losses = Losses(SAVED.config, SPEC, SAVED.tensors, team="varying", episodes=EPISODES, seed=SEED)
    told, held = (
        evaluate(SAVED.config, SAVED.tensors, teams=["varying"], episodes=EPISODES, seed=SEED, beta=beta)["varying"]
        for beta in (0.0, FAR)
    )
    found = losses.measure(FAR)
    assert losses.value == pytest.approx(told.discounted.mean(), abs=1e-4)
    assert found.start.mean == pytest.approx((told.discounted - held.discounted).mean(), abs=1e-4)
    assert found.start.mean != 0.0
    assert found.start.low <= found.start.mean <= found.start.high
    assert found.rate == held.communication_rate
    assert found.largest == max(found.start.mean, found.visited.mean)


def test_nothing_is_lost_where_all_is_said() -> None:
    found = Losses(SAVED.config, SPEC, SAVED.tensors, team="5", episodes=EPISODES, seed=SEED).measure(0.0)
    assert (found.start.mean, found.visited.mean, found.rate) == (0.0, 0.0, 1.0)


def test_plays_differ_only_from_the_moment_on() -> None:
    """The loss from a visited state is what is lost after it: before, both plays are one."""
    moment = 40
    told, held, returning = rewards(FAR, 0), rewards(FAR, 10_000), rewards(FAR, moment)
    np.testing.assert_array_equal(returning[:moment], held[:moment])
    assert (returning[moment:] != held[moment:]).any()
    assert (told[:moment] != held[:moment]).any()
    losses = Losses(SAVED.config, SPEC, SAVED.tensors, team="varying", episodes=EPISODES, seed=SEED)
    assert (losses.moments % SAVED.config.method.T == 0).all()
    assert losses.moments.max() < SPEC.horizon // 2
    losses.moments[:] = moment
    discount = 0.95 ** np.arange(len(held) - moment)
    expected = discount @ (returning[moment:] - held[moment:])
    found = losses.measure(FAR).visited
    assert found.mean == pytest.approx(expected.mean(), abs=1e-4)
    assert found.states == EPISODES
