"""The game's numbers of unit types, in the order of `copa.tasks.starcraft.unit_types.UNIT_TYPES`."""

from .wire import TYPES

STOCK = (48, 51, 54, 73, 74)
"""Marine, Marauder, Medivac, Zealot, Stalker: what the enemy has."""
CLONES = 9
"""Types that the maps of SMAC add, after all others and by the alphabet: Baneling to Zergling. They never act on their
own; the allies are such."""
CLONE_PLACE = (4, 3, 5, 7, 6)
"""Place of each type among the clones."""


def clones(types: int) -> tuple[int, ...]:
    """The allies' numbers in a game that knows `types` types: they depend on the game's version."""
    first = types - CLONES
    return tuple(first + CLONE_PLACE[kind] for kind in range(TYPES))
