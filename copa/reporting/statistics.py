"""Figures that say how sure a mean is."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def interval(
    groups: Sequence[Values], *, seed: int = 0, level: float = 0.95, resamples: int = 2000
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean over all `groups` of values.

    Stratified: values are drawn anew within each group, [n_i] each, and a group counts by the mean of its values.
    Deterministic for a seed.

    Raises:
        ValueError: there is no group, or one is empty.
    """
    if not groups or any(len(group) == 0 for group in groups):
        raise ValueError("an interval needs at least one value in every group")
    rng = np.random.default_rng(seed)
    means = np.zeros(resamples)
    for group in groups:
        means += group[rng.integers(0, len(group), (resamples, len(group)))].mean(axis=1) / len(groups)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def interquartile_mean(values: Values) -> float:
    """Mean of the middle half; values at its edges count in part, so that exactly half the weight is kept."""
    ordered = np.sort(values)
    count = len(ordered)
    edges = np.arange(count + 1) / count
    weight = np.clip(np.minimum(edges[1:], 0.75) - np.maximum(edges[:-1], 0.25), 0.0, None)
    return float((ordered * weight).sum() / weight.sum())
