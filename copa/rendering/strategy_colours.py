"""Strategies as colours: near strategies look alike, for colour-blind readers too.

A strategy is projected on the three principal components of all strategies of the episode. The first becomes the way
from blue to yellow and the second lightness, which colour-blind people see; the third, from green to red, only adds to
them. The space is Oklab (Ottosson 2020), in which equal distances look about equal.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Floats

Reals = NDArray[np.float64]

COMPONENTS = 3
NEGLIGIBLE = 0.05
"""A component that spreads less than this share of the first is noise and gives no colour."""
CUT = 90.0
"""Percentile of the distances along a component that gets the full colour; beyond it colours stay the same."""

MIDDLE = np.array([0.68, 0.0, 0.0])
"""Oklab lightness, green to red, blue to yellow of the mean strategy."""
REACH = np.array([[0.0, 0.02, 0.17], [0.16, 0.0, 0.0], [0.0, 0.13, 0.0]])
"""[component, axis of Oklab], how far a component of 1 moves the colour."""

_TO_CONES = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def project(strategies: Sequence[Floats]) -> Reals:
    """Coordinates [N, 3] in -1..1 of N strategies [d_z], relative to their mean and spread."""
    vectors = np.asarray(strategies, np.float64)
    centred = vectors - vectors.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    kept = int((spread[:COMPONENTS] > max(NEGLIGIBLE * spread[0], 1e-9)).sum())
    axes = axes[:kept]
    axes *= np.sign(axes[np.arange(kept), np.abs(axes).argmax(axis=1)])[:, None]
    along = centred @ axes.T
    coordinates = np.zeros((len(vectors), COMPONENTS))
    if kept:
        coordinates[:, :kept] = along / np.percentile(np.abs(along), CUT, axis=0)
    clipped: Reals = np.clip(coordinates, -1.0, 1.0)
    return clipped


def colours(coordinates: Reals) -> list[str]:
    """`#rrggbb` of each of the `coordinates` [N, 3] that `project` gave."""
    cones = (MIDDLE + coordinates @ REACH) @ _TO_CONES.T
    linear = np.clip(cones**3 @ _TO_LINEAR.T, 0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ["#" + bytes(row).hex() for row in np.rint(255 * encoded).astype(np.uint8)]
