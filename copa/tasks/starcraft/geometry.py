"""Distances, in double precision from the game's own numbers."""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from copa.tasks.starcraft.units import ALLIES, Units

Reals = NDArray[np.float64]


def distances(units: Units) -> Reals:
    """[B, 8, 16], from the centre of every ally to that of every unit, whatever state they are in."""
    x, y = units.x.astype(np.float64), units.y.astype(np.float64)
    across, along = x[:, :ALLIES, None] - x[:, None, :], y[:, :ALLIES, None] - y[:, None, :]
    return cast(Reals, np.sqrt(across * across + along * along))
