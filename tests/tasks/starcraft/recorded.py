"""An engine that fights no battles of its own: it shows recorded ones, and can lose them."""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Ints, Snapshot
from copa.tasks.starcraft.units import Orders, Units
from tests.golden.battles import units_of

FOLDER = Path(__file__).parents[2] / "golden" / "starcraft"
EPISODES = 20
FIELDS = [f.name for f in fields(Units)]


@cache
def recording(name: str) -> Mapping[str, NDArray[Any]]:
    """The arrays of `3-8sz` or `3-8MMM`."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return dict(file)


def lengths_of(name: str) -> Ints:
    """[20], steps of each recorded episode."""
    return np.bincount(recording(name)["episode"])


class Recorded:
    """`copa.tasks.starcraft.units.Engine`: game number e of the task is recorded episode e mod 20.

    What allies are ordered is kept in `orders` and changes nothing. `crashes` maps episode numbers to the step (from 0)
    in which the battle is lost.
    """

    def __init__(self, battles: int, name: str = "3-8sz", crashes: Mapping[int, int] | None = None) -> None:
        self.battles = battles
        self.crashes = dict(crashes or {})
        self.orders: list[Orders] = []
        self.closed = False
        arrays = recording(name)
        self._first, self._after = units_of(arrays, "reset"), units_of(arrays, "after")
        self._starts = np.searchsorted(arrays["episode"], np.arange(EPISODES))
        self._units = Units.none(battles)
        self._state = {
            "episode": np.full(battles, -1, np.int64),
            "step": np.zeros(battles, np.int64),
            "fighting": np.zeros(battles, np.bool_),
        }

    def start(self, rows: Ints, episodes: Ints, armies: Ints) -> None:
        """See `Engine`."""
        self._state["episode"][rows], self._state["step"][rows], self._state["fighting"][rows] = episodes, 0, True
        self._units.put(rows, self._first.take(episodes % EPISODES))

    def step(self, orders: Orders) -> Bools:
        """See `Engine`."""
        self.orders.append(orders)
        lost = np.zeros(self.battles, np.bool_)
        for row in np.flatnonzero(self._state["fighting"]):
            episode, step = (int(self._state[name][row]) for name in ("episode", "step"))
            lost[row] = self.crashes.get(episode) == step
            if not lost[row]:
                seen = self._starts[episode % EPISODES] + step
                self._units.put(np.array([row]), self._after.take(np.array([seen])))
        self._state["step"] += self._state["fighting"]
        self._state["fighting"] &= ~lost
        return lost

    def end(self, rows: Ints) -> None:
        """See `Engine`."""
        self._state["fighting"][rows] = False

    @property
    def units(self) -> Units:
        """See `Engine`."""
        return self._units.take(np.arange(self.battles))

    def snapshot(self) -> Snapshot:
        """See `Engine`."""
        units = {name: getattr(self._units, name) for name in FIELDS}
        return {name: array.copy() for name, array in (units | self._state).items()}

    def restore(self, state: Snapshot) -> None:
        """See `Engine`."""
        self._units = Units(**{name: state[name].copy() for name in FIELDS})
        self._state = {name: state[name].copy() for name in self._state}

    def close(self) -> None:
        """See `Engine`."""
        self.closed = True


class Unreliable(Recorded):
    """Loses the battle of every fourth episode in its third step; made as the task makes an engine."""

    def __init__(self, battles: int, seed: int) -> None:
        super().__init__(battles, crashes=dict.fromkeys(range(0, 1000, 4), 2))


class Broken(Recorded):
    """Loses every battle at once."""

    def __init__(self, battles: int, seed: int) -> None:
        super().__init__(battles, crashes=dict.fromkeys(range(1000), 0))
