"""Intervals and means."""

import numpy as np
import pytest

from copa.reporting.statistics import interquartile_mean, interval


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    inside = 0
    for trial in range(300):
        low, high = interval([rng.normal(2.0, 1.0, 60)], seed=trial, resamples=400)
        inside += low <= 2.0 <= high
    assert 0.90 <= inside / 300 <= 0.985


def test_interval_of_groups_counts_groups_alike() -> None:
    """A group of many values weighs no more than one of few."""
    low, high = interval([np.zeros(1000), np.full(10, 10.0)])
    assert low == high == 5.0


def test_interval_is_the_same_for_a_seed() -> None:
    values = [np.arange(20.0)]
    assert interval(values, seed=1) == interval(values, seed=1) != interval(values, seed=2)


@pytest.mark.parametrize("groups", [[], [np.zeros(0)]])
def test_interval_needs_values(groups: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="at least one value"):
        interval(groups)


def test_interquartile_mean() -> None:
    assert interquartile_mean(np.array([0.0, 1.0, 2.0, 1000.0])) == pytest.approx(1.5)
    assert interquartile_mean(np.array([7.0])) == 7.0
    # of five values the second and fourth keep three quarters of their weight
    assert interquartile_mean(np.array([-100.0, 1.0, 2.0, 6.0, 90.0])) == pytest.approx((0.75 * 1 + 2 + 0.75 * 6) / 2.5)
