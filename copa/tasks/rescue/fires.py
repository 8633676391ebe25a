"""How buildings catch fire, and how much is at stake."""

from math import comb

import numpy as np

from copa.tasks.base import Ints
from copa.tasks.rescue.chance import Draws, Numbers
from copa.tasks.rescue.grid import free_cells
from copa.tasks.rescue.rules import BUILDINGS, FIRES
from copa.tasks.rescue.state import State


def emergency(state: State) -> Numbers:
    """[B], the sum of squared levels, in double precision and in the order of the rows whatever B is."""
    total = np.zeros(state.games)
    for squares in np.square(state.level, dtype=np.float64):
        total += squares
    return total


def outbreak_table(probability: float) -> Numbers:
    """[FIRES + 1, FIRES], probability that at most k buildings catch fire in a step while b burn, by b and k.

    Buildings catch fire each by itself with `probability`. That is to draw how many do, and then which ones, uniformly.
    """
    table = np.empty((FIRES + 1, FIRES))
    for burning, row in enumerate(table):
        others = BUILDINGS - burning
        exactly = [comb(others, k) * probability**k * (1 - probability) ** (others - k) for k in range(FIRES)]
        row[:] = np.cumsum(exactly)
    return table


def break_out(state: State, draws: Draws, table: Numbers) -> None:
    """Buildings that do not burn catch fire, as `outbreak_table` says."""
    draw = draws.outbreak(state)
    chances = table[state.burning().sum(axis=0)]
    counts = np.zeros(state.games, np.int64)
    some = np.flatnonzero(draw > chances[:, 0])
    counts[some] = (draw[some, None] > chances[some]).sum(axis=1)
    kindle(state, draws, counts)


def kindle(state: State, draws: Draws, counts: Ints) -> None:
    """Set `counts` [B] buildings on fire that do not burn, all alike; no more than there are free rows.

    A fire takes the lowest free row.
    """
    counts = np.minimum(counts, (~state.burning()).sum(axis=0))
    if not counts.any():
        return
    games = np.repeat(np.arange(state.games), counts)
    numbers = np.arange(len(games)) - np.repeat(np.cumsum(counts) - counts, counts)
    places, levels = draws.fires(state, games, numbers)
    for turn in range(counts.max()):
        now = numbers == turn
        where = games[now]
        burning = state.burning()[:, where]
        row = burning.argmin(axis=0)
        state.fire[:, row, where] = free_cells(state.fire[:, :, where], burning, places[now])
        state.level[row, where] = levels[now]
