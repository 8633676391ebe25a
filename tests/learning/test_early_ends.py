"""Segments that end early, and teams that lose members in them, against figures worked out by hand.

A player without weights in its last layer values every action by the layer's bias, whatever it sees, and the sum mixer
adds up the values of those present, so that all values are known.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from copa.learning import UpdateRule, to_device
from copa.methods import METHODS
from copa.segments import Segments
from tests.learning.rules import CPU, FORMS, W, config_of, noise_for, update
from tests.learning.segments import SPEC, make_segments, members_of, padded

ONLINE, TARGET = [1.0, 3.0, 2.0], [10.0, 20.0, 40.0]
"""Values of the three actions by the online and by the target player."""


def known(**learning: object) -> UpdateRule:
    config = config_of("aqmix", nets={"mixer": "sum"}, gamma=0.5, **learning)
    rule = UpdateRule(SPEC, config, CPU)
    state = rule.state()
    for net, bias in (("player", ONLINE), ("target_player", TARGET)):
        state[f"{net}.out.weight"].zero_()
        state[f"{net}.out.bias"] = torch.tensor(bias)
    rule.load(state)
    return rule


def dying() -> Segments:
    """One segment of four steps. Slots 0, 1, 2 live at views 0 and 1; slot 0 has died at view 2, slot 1 at view 3.

    Actions are all 1, rewards 1, 2, 3, 4; all actions are available to the living, and 0 to the dead.
    """
    members = np.zeros((1, 5, SPEC.slots), np.bool_)
    members[0, :2, :3] = True
    members[0, 2, 1:3] = True
    members[0, 3:, 2] = True
    segments = make_segments(members)
    available = np.broadcast_to(members[..., None], segments.available.shape).copy()
    available[..., 0] = True
    return replace(
        segments,
        available=available,
        actions=np.where(members[:, :4], 1, 0),
        rewards=np.array([[1.0, 2.0, 3.0, 4.0]], np.float32),
    )


def figures(rule: UpdateRule, segments: Segments) -> tuple[list[float], list[float], float]:
    """Q_tot and targets of the real steps, and the loss."""
    outcome = rule.update(to_device(segments, CPU), progress=0.0)
    length = int(segments.lengths[0])
    return (
        outcome.q_tot[0, :length].tolist(),
        outcome.td_target[0, :length].tolist(),
        float(outcome.td_loss),
    )


def test_the_dead_count_neither_in_values_nor_in_targets() -> None:
    q_tot, targets, loss = figures(known(), dying())
    assert q_tot == [9.0, 9.0, 6.0, 3.0]
    assert targets == [1 + 0.5 * 120, 2 + 0.5 * 80, 3 + 0.5 * 40, 4 + 0.5 * 40]
    assert loss == pytest.approx((52.0**2 + 33.0**2 + 17.0**2 + 21.0**2) / 4)


def test_a_true_end_inside_a_segment_has_its_reward_for_a_target() -> None:
    q_tot, targets, loss = figures(known(), padded(dying(), [3], True))
    assert q_tot == [9.0, 9.0, 6.0]
    assert targets == [61.0, 42.0, 3.0]
    assert loss == pytest.approx((52.0**2 + 33.0**2 + 3.0**2) / 3), "the padded step weighs nothing"


def test_a_truncation_inside_a_segment_bootstraps_from_its_last_view() -> None:
    q_tot, targets, loss = figures(known(), padded(dying(), [2], False))
    assert q_tot == [9.0, 9.0]
    assert targets == [61.0, 2 + 0.5 * 80]
    assert loss == pytest.approx((52.0**2 + 33.0**2) / 2)


def test_lambda_returns_stop_at_the_end() -> None:
    last = 3.0
    middle = 2 + 0.5 * (0.5 * 80 + 0.5 * last)
    first = 1 + 0.5 * (0.5 * 120 + 0.5 * middle)
    assert figures(known(td_lambda=0.5), padded(dying(), [3], True))[1] == pytest.approx([first, middle, last])


@pytest.mark.parametrize("double_q", [False, True])
def test_targets_take_the_best_of_what_is_available(double_q: bool) -> None:
    """At views 1, 2, 3 the living may choose among 0 and 1, then 2 alone, then 0 alone."""
    segments = dying()
    available = segments.available & segments.present.any(-1)[..., None]
    for view, allowed in ((1, [1, 1, 0]), (2, [0, 0, 1]), (3, [1, 0, 0])):
        available[0, view] &= np.array(allowed, np.bool_)
    available[..., 0] |= ~segments.present.any(-1)
    targets = figures(known(double_q=double_q), replace(segments, available=available))[1]
    assert targets[:3] == [1 + 0.5 * 3 * 20, 2 + 0.5 * 2 * 40, 3 + 0.5 * 10]
    chosen = 20 if double_q else 40
    assert targets[3] == 4 + 0.5 * chosen, "the online player chooses action 1, the target's own best is 2"


def test_segments_of_different_lengths_weigh_by_their_steps() -> None:
    one, other = padded(dying(), [1], True), padded(dying(), [4], False)
    _, _, loss = figures(known(), Segments.concatenate([one, other]))
    errors = [(1 - 9.0) ** 2, 52.0**2, 33.0**2, 17.0**2, 21.0**2]
    assert loss == pytest.approx(sum(errors) / 5)


def test_a_truncation_inside_a_segment_keeps_the_segments_strategy() -> None:
    """Its bootstrap is that of the same view inside a longer segment, and no draw for step T has a part in it."""
    long = make_segments(members_of([[0, 1, 2]], 6, 4))
    short = padded(long, [2], False)
    noise = noise_for(6)
    config = config_of("copa")
    values = [
        UpdateRule(SPEC, config, CPU).update(to_device(segments, CPU), progress=0.0, noise=draws).td_target
        for segments, draws in (
            (long, noise),
            (short, noise),
            (short, replace(noise, target_next=noise.target_next + 1.0)),  # type: ignore[operator]
            (long, replace(noise, target_next=noise.target_next + 1.0)),  # type: ignore[operator]
        )
    ]
    torch.testing.assert_close(values[1][:, :2], values[0][:, :2])
    torch.testing.assert_close(values[2][:, :2], values[0][:, :2], rtol=0, atol=0)
    assert (values[3][:, 3] - values[0][:, 3]).abs().min() > 1e-6


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_team_that_dies_to_the_last_leaves_everything_finite(method: str, form: dict[str, object]) -> None:
    members = members_of([[0, 1], [2]], 4, 4)
    members[:, 2, 0] = False
    members[:, 3:] = False
    segments = padded(make_segments(members, width=W), [3], True)
    outcome, state = update(config_of(method, segment_start="stored", **form), segments)
    assert all(np.isfinite(value) for value in outcome.scalars().values())
    assert all(tensor.isfinite().all() for tensor in state.values() if tensor.is_floating_point())
    torch.testing.assert_close(outcome.td_target[:, 2], torch.from_numpy(segments.rewards[:, 2]))
