"""Segments that count differently, as replay by priority asks for."""

import numpy as np
import pytest
import torch

from copa.learning import UpdateRule, to_device
from copa.learning.errors import segment_errors
from tests.learning.rules import CPU, close, config_of, update
from tests.learning.segments import SPEC, make_segments, members_of

TEAMS = [[0], [0, 1], [1, 3], [0, 1, 2, 3]] * 4
WEIGHTS = np.linspace(0.1, 1.0, len(TEAMS), dtype=np.float32)


def test_weights_of_one_change_nothing() -> None:
    segments = make_segments(members_of(TEAMS, len(TEAMS), 4))
    close(
        update(config_of(), segments, weights=np.ones(len(TEAMS), np.float32)),
        update(config_of(), segments),
    )


@pytest.mark.parametrize("method", ["copa", "refil"])
def test_parts_weigh_the_same_as_the_whole_batch(method: str) -> None:
    segments = make_segments(members_of(TEAMS, len(TEAMS), 4))
    config = config_of(method, average="present")
    parted = update(config, segments, weights=WEIGHTS, part_segments=4)
    whole = update(config, segments, weights=WEIGHTS, cut=False)
    close(parted, whole)
    torch.testing.assert_close(parted[0].errors, whole[0].errors, rtol=1e-4, atol=1e-5)


def test_a_squared_error_counts_as_much_as_the_weight_of_its_segment() -> None:
    segments = make_segments(members_of(TEAMS, len(TEAMS), 4))
    outcome, _ = update(config_of("aqmix"), segments, weights=WEIGHTS, part_segments=4)
    real = torch.arange(4) < torch.from_numpy(segments.lengths).unsqueeze(1)
    squares = (outcome.q_tot - outcome.td_target).square() * real
    expected = (squares * torch.from_numpy(WEIGHTS).unsqueeze(1)).sum() / real.sum()
    torch.testing.assert_close(outcome.td_loss, expected)


def test_segments_without_weight_teach_nothing() -> None:
    segments = make_segments(members_of(TEAMS, len(TEAMS), 4))
    rule = UpdateRule(SPEC, config_of("aqmix"), CPU)
    before = rule.weights()
    rule.update(to_device(segments, CPU, weights=np.zeros(len(TEAMS), np.float32)), progress=0.0)
    for name, tensor in rule.weights().items():
        torch.testing.assert_close(tensor, before[name], rtol=0.0, atol=0.0)
    rule.update(to_device(segments, CPU, weights=WEIGHTS), progress=0.0)
    assert any(not torch.equal(tensor, before[name]) for name, tensor in rule.weights().items())


def test_the_error_of_a_segment_is_that_of_its_real_steps_in_the_order_of_the_batch() -> None:
    segments = make_segments(members_of(TEAMS, len(TEAMS), 4))
    outcome, _ = update(config_of(), segments, weights=WEIGHTS, part_segments=4)
    assert outcome.errors is not None
    for place, length in enumerate(segments.lengths):
        apart = (outcome.q_tot - outcome.td_target)[place, :length].abs()
        torch.testing.assert_close(outcome.errors[place], 0.9 * apart.max() + 0.1 * apart.mean())


def test_padded_steps_have_no_error() -> None:
    steps = torch.tensor([[True], [True], [False]])
    errors = segment_errors(torch.tensor([[1.0], [3.0], [100.0]]), torch.zeros(3, 1), steps)
    assert errors.tolist() == pytest.approx([0.9 * 3 + 0.1 * 2])


def test_without_weights_there_are_no_errors() -> None:
    outcome, _ = update(config_of(), make_segments(members_of(TEAMS, len(TEAMS), 4)))
    assert outcome.errors is None
