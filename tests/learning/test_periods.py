"""Segments of several periods: who holds which strategy, and what that means for the loss."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from copa.errors import MismatchError
from copa.learning import Noise, Outcome, UpdateRule, to_device
from copa.learning.noise import draw
from copa.learning.variational import strategy_steps
from copa.segments import Segments
from tests.learning.rules import CPU, W, close, config_of, noise_for, update
from tests.learning.segments import SPEC, changing, padded, steady

COUNT = 6
LONG = steady(COUNT, T=8)


def told(*players: int) -> Noise:
    """The coach speaks at step 4 to the players in these slots."""
    spoken = torch.zeros(COUNT, 1, SPEC.slots, dtype=torch.bool)
    spoken[..., list(players)] = True
    return replace(noise_for(COUNT), spoken=spoken)


def outcome(method: str, noise: Noise, segments: Segments) -> Outcome:
    config = config_of(method, T=4, periods=2, nets={"mixer": "sum"})
    return UpdateRule(SPEC, config, CPU).update(to_device(segments, CPU), progress=0.0, noise=noise)


def half(segments: Segments, number: int) -> Segments:
    """The first or second four steps of segments of eight."""
    views, steps = slice(4 * number, 4 * number + 5), slice(4 * number, 4 * number + 4)
    names = ("agents", "traits", "entities", "visible", "present", "available")
    return replace(
        segments,
        **{name: getattr(segments, name)[:, views] for name in names},
        actions=segments.actions[:, steps],
        rewards=segments.rewards[:, steps],
        lengths=np.full(len(segments), 4),
    )


def test_strategy_steps() -> None:
    members = torch.ones(6, 1, 4, dtype=torch.bool)
    members[:3, 0, 3] = False
    spoken = torch.tensor([[[1, 0, 0, 0]], [[1, 1, 0, 0]]], dtype=torch.bool)
    steps = strategy_steps(members, spoken).squeeze(1)
    assert steps[:, 0].tolist() == [0, 0, 2, 2, 4, 4]
    assert steps[:, 1].tolist() == [0, 0, 0, 0, 4, 4]
    assert steps[:, 2].tolist() == [0, 0, 0, 0, 0, 0]
    assert steps[3:, 3].tolist() == [3, 3, 3]
    assert strategy_steps(members, spoken, joiners=False)[3:, 0, 3].tolist() == [0, 0, 0]


@pytest.mark.parametrize("joiners", [True, False])
def test_who_joins_at_a_coach_step_is_told_though_the_coach_is_silent(joiners: bool) -> None:
    members = torch.ones(4, 1, 2, dtype=torch.bool)
    members[:2, 0, 1] = False
    silent = torch.zeros(1, 1, 2, dtype=torch.bool)
    assert strategy_steps(members, silent, joiners=joiners)[:, 0].tolist() == [[0, 0], [0, 0], [0, 2], [0, 2]]


@pytest.mark.parametrize("double_q", [False, True])
def test_a_silent_coach_is_one_of_a_longer_period(double_q: bool) -> None:
    """Gradients included: what is held is learned from all the steps it is held."""
    results = []
    for T, noise in ((4, told()), (8, noise_for(COUNT))):
        config = config_of("copa-novi", T=T, periods=8 // T, double_q=double_q, optimizer_eps=1.0)
        rule = UpdateRule(SPEC, config, CPU)
        results.append((rule.update(to_device(LONG, CPU), progress=0.0, noise=noise), rule.state()))
    silent, longer = results
    close(silent, longer)
    torch.testing.assert_close(silent[0].q_tot, longer[0].q_tot)
    torch.testing.assert_close(silent[0].td_target, longer[0].td_target)


@pytest.mark.parametrize("members", [steady, changing])
def test_who_is_told_something_new_acts_on_it_from_there(members: object) -> None:
    segments = members(COUNT, T=8)  # type: ignore[operator]
    silent, spoken = outcome("copa-novi", told(), segments), outcome("copa-novi", told(0, 1, 2, 3), segments)
    partly = outcome("copa-novi", told(1), segments)
    torch.testing.assert_close(silent.q_tot[:, :4], spoken.q_tot[:, :4], rtol=0, atol=0)
    assert (silent.q_tot[:, 4:] - spoken.q_tot[:, 4:]).abs().min() > 1e-6
    bootstrapped = (silent.td_target - spoken.td_target).abs()
    assert bootstrapped[:, [0, 1, 2, 7]].max() < 1e-6, "the view after the segment has a new strategy either way"
    assert bootstrapped[:, 3:7].min() > 1e-6
    holds = segments.present.any(-1)[:, 4:8, 1].any(-1)
    assert (partly.q_tot - silent.q_tot)[:, 4:].abs().amax(1).gt(1e-6).tolist() == holds.tolist()


@pytest.mark.parametrize("average", ["published", "present"])
def test_the_variational_objective_is_the_mean_of_its_periods(average: str) -> None:
    config = config_of("copa", T=4, periods=2, average=average)
    both = UpdateRule(SPEC, config, CPU).update(to_device(LONG, CPU), progress=0.0, noise=told(0, 1, 2, 3))
    apart = [update(config_of("copa", T=4, average=average), half(LONG, number))[0] for number in (0, 1)]
    for name in ("nll", "entropy"):
        parts = torch.stack([getattr(part, name) for part in apart])
        torch.testing.assert_close(getattr(both, name), parts.mean())
        assert parts[0] != parts[1]


@pytest.mark.parametrize("average", ["published", "present"])
@pytest.mark.parametrize("junk", [None, 5.0])
def test_a_period_after_the_end_counts_for_nothing(average: str, junk: float | None) -> None:
    """Games that end in their first period, in segments of two: as in segments of one."""
    ended = padded(LONG, [3], True, junk=junk)
    one, _ = update(config_of("copa", T=4, average=average), replace(half(ended, 0), lengths=ended.lengths))
    two, _ = update(config_of("copa", T=4, periods=2, average=average), ended)
    torch.testing.assert_close(two.scalars(), one.scalars(), rtol=1e-4, atol=1e-6)


def test_segments_of_another_length_are_refused() -> None:
    rule = UpdateRule(SPEC, config_of(T=4, periods=3), CPU)
    with pytest.raises(MismatchError, match=r"8 steps; method.T = 4 and learning.periods = 3 make 12"):
        rule.update(to_device(LONG, CPU), progress=0.0)


def test_players_are_told_as_often_as_the_setting_says() -> None:
    part = to_device(steady(4_000), CPU, part_segments=10_000).parts[0]
    generator = torch.Generator().manual_seed(0)
    spoken = draw(part, SPEC.slots, W, generator, absent=False, periods=4, hold=0.3).spoken
    assert spoken is not None
    assert spoken.shape == (3, 4_000, part.previous.shape[1])
    shares = spoken.float().mean(1)
    assert (shares - 0.7).abs().max() < 0.03
    together = spoken.float().flatten(1).cov().fill_diagonal_(0)
    assert together.abs().max() < 0.02, "at one coach step independently of the others"
    assert draw(part, SPEC.slots, W, generator, absent=False, hold=0.0).spoken is None


def test_hold_reaches_the_update() -> None:
    """Without noise that is given, `hold` = 1 speaks to nobody inside a segment, and 0 to all."""
    segments = to_device(LONG, CPU)
    values = []
    for T, learning in ((4, {"hold": 0.0}), (4, {"hold": 1.0}), (8, {})):
        config = config_of("copa-novi", T=T, periods=8 // T, nets={"mixer": "sum"}, **learning)
        values.append(UpdateRule(SPEC, config, CPU).update(segments, progress=0.0).q_tot)
    to_all, to_nobody, longer = values
    for progress, expected in ((0.39, to_all), (0.4, to_nobody)):
        config = config_of("copa-novi", T=4, periods=2, nets={"mixer": "sum"}, hold=1.0, hold_from=0.4)
        found = UpdateRule(SPEC, config, CPU).update(segments, progress=progress).q_tot
        torch.testing.assert_close(found, expected)
    torch.testing.assert_close(to_nobody, longer)
    torch.testing.assert_close(to_all[:, :4], longer[:, :4])
    assert (to_all - longer)[:, 4:].abs().min() > 1e-6
