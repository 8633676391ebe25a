"""Who fights: the sets of scenarios of REFIL (Iqbal et al., ICML 2021), in which both sides are alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Floats, Ints
from copa.tasks.starcraft.unit_types import MARAUDER, MARINE, MEDIVAC, STALKER, UNIT_TYPES, ZEALOT, UnitType
from copa.tasks.starcraft.units import ALLIES, ENEMIES

DEATH_VALUE = 10.0
WIN_VALUE = 200.0
"""What a kill and a victory add to the damage done."""

SIZES = range(3, 9)
"""Units per side."""


@dataclass(frozen=True)
class ScenarioSet:
    """A list of scenarios, each of which is as likely."""

    name: str
    types: tuple[UnitType, ...]
    """Those that occur, by stock id: the order of the type's one-hot."""
    armies: Ints
    """[L, 5], units of each of `UNIT_TYPES` per side."""
    richest: tuple[int, ...]
    """The army, by `UNIT_TYPES`, whose strength scales every reward: the set's largest number of units and types."""

    @property
    def first_kind(self) -> int:
        """Index of `types[0]` in `UNIT_TYPES`; the others follow."""
        return UNIT_TYPES.index(self.types[0])

    @property
    def healers(self) -> bool:
        """Medivacs occur; a side of which they alone are left has lost."""
        return MEDIVAC in self.types

    @property
    def shields(self) -> bool:
        """Units with shields occur."""
        return any(kind.shield > 0 for kind in self.types)

    @cached_property
    def max_reward(self) -> float:
        """Health and shields of `richest`, eight kills and a victory; a constant of the set."""
        strength = sum(
            count * (kind.health + kind.shield) for count, kind in zip(self.richest, UNIT_TYPES, strict=True)
        )
        return strength + DEATH_VALUE * ENEMIES + WIN_VALUE

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Names; what follows the moves is aimed at the unit with that tag."""
        heals = tuple(f"heal {tag}" for tag in range(ALLIES)) if self.healers else ()
        return ("no-op", "stop", "north", "south", "east", "west", *(f"attack {tag}" for tag in range(ENEMIES)), *heals)

    @cached_property
    def trait_table(self) -> Floats:
        """[5, K + 5], for each of `UNIT_TYPES`: its one-hot, then health, shield, energy, range and damage per loop,
        each as a share of the largest among all types."""
        strengths = np.array(
            [
                (
                    kind.health,
                    kind.shield,
                    kind.energy_max,
                    kind.range,
                    kind.damage * kind.hits / kind.period if kind.hits else 0.0,
                )
                for kind in UNIT_TYPES
            ]
        )
        one_hot = np.eye(len(self.types), len(UNIT_TYPES), self.first_kind).T
        return np.concatenate((one_hot, strengths / strengths.max(axis=0)), axis=1).astype(np.float32)

    def of_sizes(self, sizes: Sequence[int]) -> Ints:
        """The `armies` with so many units."""
        return self.armies[np.isin(self.armies.sum(axis=1), sizes)]


def _armies(fighters: tuple[UnitType, UnitType], sizes: range, healers: range) -> NDArray[np.int64]:
    """Every multiset of `sizes` units of two types, with each number of Medivacs."""
    armies = []
    for size in sizes:
        for first in range(size + 1):
            for medivacs in healers:
                army = dict(zip(fighters, (first, size - first), strict=True)) | {MEDIVAC: medivacs}
                armies.append([army.get(kind, 0) for kind in UNIT_TYPES])
    return np.array(armies, np.int64)


ZEALOTS_AND_STALKERS = ScenarioSet(
    "3-8sz", (ZEALOT, STALKER), _armies((ZEALOT, STALKER), SIZES, range(1)), richest=(0, 0, 0, 1, 7)
)
MARINES_MARAUDERS_MEDIVACS = ScenarioSet(
    "3-8MMM", (MARINE, MARAUDER, MEDIVAC), _armies((MARINE, MARAUDER), range(3, 7), range(3)), richest=(5, 1, 2, 0, 0)
)
