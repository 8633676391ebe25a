"""The raw state of battles as any engine tells it: what views, masks, availability and rewards are functions of."""

from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Bools, Floats, Ints, Snapshot

ALLIES = ENEMIES = 8
UNITS = ALLIES + ENEMIES
"""Slots of a battle: allies 0..7, enemies 8..15; a slot keeps its unit for a whole episode."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units of B battles, all arrays [B, 16]. Absent slots hold False, 0 and type -1.

    When a unit dies only `health` becomes 0 and `alive` False; the rest stays as last seen.
    """

    @staticmethod
    def none(battles: int) -> "Units":
        """`battles` battles without a unit."""
        dtypes = {"present": np.bool_, "alive": np.bool_, "kind": np.int8}
        arrays: dict[str, NDArray[Any]] = {
            f.name: np.zeros((battles, UNITS), dtypes.get(f.name, np.float32)) for f in fields(Units)
        }
        return Units(**arrays | {"kind": np.full((battles, UNITS), -1, np.int8)})

    def put(self, rows: Ints, other: "Units") -> None:
        """Overwrite the battles `rows` by those of `other`, in order."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)

    def take(self, rows: Ints) -> "Units":
        """A copy of the battles `rows`."""
        return Units(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    present: Bools
    """The slot is used in this episode."""
    kind: NDArray[np.int8]
    """Index into `copa.tasks.starcraft.unit_types.UNIT_TYPES`."""
    alive: Bools
    x: Floats
    y: Floats
    """Map cells; the map is 32 x 32, y grows to the north."""
    health: Floats
    health_max: Floats
    shield: Floats
    shield_max: Floats
    energy: Floats
    energy_max: Floats
    cooldown: Floats
    """Game loops until the weapon is ready."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the allies of B battles are told in one step; an order stands until another replaces it."""

    kind: NDArray[np.int8]
    """[B, 8], one of the constants `NONE` .. `HEAL`."""
    point: Floats
    """[B, 8, 2], where to move; read for `MOVE`."""
    target: NDArray[np.int8]
    """[B, 8], slot 0..15; read for `ATTACK` and `HEAL`."""


NONE, STOP, MOVE, ATTACK, HEAL = range(5)
"""`NONE`: no order is sent (absent, dead), what was ordered before goes on."""


class Engine(Protocol):
    """Fights B battles. Nothing happens in a battle that was not started, has been ended, or was lost."""

    battles: int

    def start(self, rows: Ints, episodes: Ints, armies: Ints) -> None:
        """Begin battles in `rows` [N] with `armies` [N, 5], units of each of `UNIT_TYPES`, the same for both sides.

        The units of a side stand in its first slots, in the order of `copa.tasks.starcraft.spawn.slot_order`.
        Afterwards `units` shows them 4 game loops before the enemy's order to attack took effect: the first step
        takes a battle 12 game loops on, every other 8. Randomness follows from the seed and `episodes` [N] alone.
        """

    def step(self, orders: Orders) -> Bools:
        """Fight on by one step; returns [B], which battles were lost to a crash of the engine in it and cannot go on.

        The units of a lost battle stay as they were before.
        """

    def end(self, rows: Ints) -> None:
        """The battles in `rows` [N] are decided: they stay as they are until they are started anew."""

    @property
    def units(self) -> Units:
        """The units as they are now, in arrays of the receiver's own."""

    def snapshot(self) -> Snapshot:
        """A copy of the whole state; raises UnavailableError where an engine has none to give."""

    def restore(self, state: Snapshot) -> None:
        """Return to a state that `snapshot` gave."""

    def close(self) -> None:
        """End whatever the engine holds open."""
