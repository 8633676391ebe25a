"""A scale that follows from the rewards seen."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from copa.errors import MismatchError
from copa.learning import UpdateRule, to_device
from copa.learning.reward_scale import RATE, reward_scale
from tests.learning.rules import CPU, config_of, noise_for, update
from tests.learning.segments import SPEC, changing, padded, steady

UNSET = config_of(reward_scale=None)


def test_rewards_are_worth_one_where_there_are_any() -> None:
    segments = steady()
    rewards = np.where(np.arange(segments.rewards.size).reshape(segments.rewards.shape) % 3 == 0, segments.rewards, 0.0)
    segments = padded(replace(segments, rewards=rewards.astype(np.float32)), [2, 4], True)
    real = np.arange(segments.rewards.shape[1]) < segments.lengths[:, None]
    seen = segments.rewards[real & (segments.rewards != 0)]
    scale = 1 / np.sqrt(np.mean(seen.astype(np.float64) ** 2))
    outcome, state = update(UNSET, segments)
    rows = np.arange(len(segments))
    last = segments.lengths - 1
    torch.testing.assert_close(
        outcome.td_target[rows, last], torch.from_numpy(scale * segments.rewards[rows, last]).float()
    )
    assert reward_scale(UNSET.learning, state) == pytest.approx(scale, rel=1e-5)


@pytest.mark.parametrize("unit", [1e-3, 40.0])
def test_what_is_learned_does_not_depend_on_the_unit_of_rewards(unit: float) -> None:
    segments = changing()
    other = replace(segments, rewards=segments.rewards * np.float32(unit))
    (one, state), (two, state_of_other) = update(UNSET, segments), update(UNSET, other)
    both = [
        {name: value for name, value in outcome.scalars().items() if name != "reward_scale"} for outcome in (one, two)
    ]
    torch.testing.assert_close(*both, rtol=1e-4, atol=1e-5)
    for name in state.keys() - {"rewards_seen"}:
        torch.testing.assert_close(state[name], state_of_other[name], rtol=1e-4, atol=2e-6)
    assert reward_scale(UNSET.learning, state) == pytest.approx(unit * reward_scale(UNSET.learning, state_of_other))


def test_without_rewards_it_is_one() -> None:
    silent = replace(steady(), rewards=np.zeros_like(steady().rewards))
    outcome, state = update(UNSET, silent)
    assert reward_scale(UNSET.learning, state) == 1.0
    assert torch.isfinite(outcome.td_target).all()


@pytest.mark.parametrize("reward", [np.nan, np.inf, 3e30])
def test_what_is_beyond_all_bounds_does_not_stay(reward: float) -> None:
    """Padding does not count at all, and a reward that is not finite as little as its update does."""
    rule = UpdateRule(SPEC, UNSET, CPU)
    noise = noise_for(len(steady()))
    rule.update(to_device(steady(), CPU), progress=0.0, noise=noise)
    before = rule.state()
    rewards = steady().rewards.copy()
    rewards[:, 3] = reward
    rule.update(to_device(replace(padded(steady(), [2], False), rewards=rewards), CPU), progress=0.0, noise=noise)
    padding = reward_scale(UNSET.learning, rule.state())
    assert padding == pytest.approx(reward_scale(UNSET.learning, before), rel=0.1)
    rule.load(before)
    scalars = rule.update(to_device(replace(steady(), rewards=rewards), CPU), progress=0.0, noise=noise).scalars()
    found = reward_scale(UNSET.learning, rule.state())
    if np.isfinite(reward):
        assert 0.0 < found < 1e-28
        assert np.isfinite(list(scalars.values())).all()
    else:
        assert found == reward_scale(UNSET.learning, before)
        assert torch.equal(rule.state()["rewards_seen"], before["rewards_seen"])


def test_the_scale_is_told() -> None:
    outcome, state = update(UNSET, steady())
    assert outcome.scalars()["reward_scale"] == pytest.approx(reward_scale(UNSET.learning, state))
    assert "reward_scale" not in update(config_of(), steady())[0].scalars()


def test_it_follows_the_batches_and_goes_on_from_a_checkpoint() -> None:
    batches = [steady(seed=seed) for seed in range(3)]
    sums = [np.array([np.square(batch.rewards).sum(), batch.rewards.size]) for batch in batches]
    rule = UpdateRule(SPEC, UNSET, CPU)
    expected = np.zeros(2)
    for batch, found in zip(batches[:2], sums, strict=False):
        rule.update(to_device(batch, CPU), progress=0.0)
        expected += RATE * (found - expected)
    state = rule.state()
    torch.testing.assert_close(state["rewards_seen"], torch.from_numpy(expected), rtol=1e-6, atol=0)
    again = UpdateRule(SPEC, UNSET, CPU)
    again.load(state)
    noise = noise_for(len(batches[2]))
    for one in (rule, again):
        one.update(to_device(batches[2], CPU), progress=0.0, noise=noise)
    assert all(torch.equal(tensor, again.state()[name]) for name, tensor in rule.state().items())


def test_a_checkpoint_that_does_not_say_what_was_seen() -> None:
    _, given = update(config_of(), steady())
    assert reward_scale(config_of(reward_scale=0.25).learning, given) == 0.25
    with pytest.raises(MismatchError, match="does not say which rewards"):
        reward_scale(UNSET.learning, given)
    with pytest.raises(MismatchError, match="a number for learning"):
        UpdateRule(SPEC, UNSET, CPU).load(given)
