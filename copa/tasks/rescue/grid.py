"""The cells: how one moves between them, how far they are apart, and which are free."""

from typing import Any

import numpy as np

from copa.tasks.base import Bools, Ints
from copa.tasks.rescue.chance import Numbers
from copa.tasks.rescue.rules import BUILDINGS, MOVES, SIDE
from copa.tasks.rescue.state import Small


def moved(cells: Small, actions: np.ndarray[Any, Any], *, wrap: bool) -> Small:
    """Where `actions` [...] lead from `cells` [2, ...]."""
    targets: Small = cells + MOVES[:, actions]
    return targets % np.int8(SIDE) if wrap else targets.clip(0, SIDE - 1)


def offsets(start: Small, end: Small, *, wrap: bool) -> Small:
    """Cells along x and y from `start` [2, ...] to `end` [2, ...], the shorter way where the grid wraps."""
    straight: Small = end - start
    half = np.int8(SIDE // 2)
    return (straight + half) % np.int8(SIDE) - half if wrap else straight


def free_cells(taken: Small, there: Bools, places: Numbers) -> Ints:
    """Cells [2, N] that none of `taken` [2, K, N] holds; only those count that are `there` [K, N].

    Cells that are taken are taken once. `places` [N], in (0, 1), choose among the free ones, each equally likely.
    """
    numbers = np.sort(np.where(there, taken[0] + np.int64(SIDE) * taken[1], BUILDINGS), axis=0)
    chosen = (places * (BUILDINGS - there.sum(axis=0))).astype(np.int64)
    for number in numbers:
        chosen += number <= chosen
    return np.stack((chosen % SIDE, chosen // SIDE))
