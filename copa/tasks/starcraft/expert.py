"""The hand-written expert: attack the nearest, heal the most hurt."""

from typing import cast

import numpy as np

from copa.tasks.base import Bools, Ints
from copa.tasks.starcraft.actions import (
    FIRST_MOVE,
    FIRST_TARGET,
    FLYING,
    MEDIVAC_KIND,
    MOVES,
    NO_OP,
    STOP_ACTION,
    available,
    targets,
)
from copa.tasks.starcraft.geometry import Reals, distances
from copa.tasks.starcraft.scenarios import ScenarioSet
from copa.tasks.starcraft.unit_types import UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, Units

HITS_AIR = np.array([kind.hits_air for kind in UNIT_TYPES])


def greedy_actions(units: Units, tags: Ints, scenarios: ScenarioSet) -> Ints:
    """Actions [B, 8]: attack the nearest enemy in reach, else go towards the nearest; it knows where all of them are.

    Enemies that a weapon cannot hit are left alone. Medivacs heal the ally in reach that is hurt the most, and else
    go towards the nearest.
    """
    alive = units.alive
    wanted = alive[:, :ALLIES, None] & alive[:, None, :] & _worth(units)
    apart = distances(units)
    in_reach = wanted & targets(units)
    heals = units.kind[:, :ALLIES] == MEDIVAC_KIND
    hurt = units.health / np.maximum(units.health_max, 1.0)
    chosen = _least(np.where(heals[..., None], hurt[:, None, :], apart), in_reach)
    moves = _towards(units, _least(apart, wanted), available(units, tags, scenarios))
    aimed = FIRST_TARGET + np.take_along_axis(tags, chosen, axis=1)
    actions = np.where(in_reach.any(axis=2), aimed, np.where(wanted.any(axis=2), moves, STOP_ACTION))
    return cast(Ints, np.where(alive[:, :ALLIES], actions, NO_OP))


def _worth(units: Units) -> Bools:
    """[B, 8, 16], whom each ally can do something to: heal, or hit."""
    own, flying = units.kind[:, :ALLIES], FLYING[units.kind]
    heals = own == MEDIVAC_KIND
    worth = np.empty((*own.shape, units.kind.shape[1]), np.bool_)
    worth[..., :ALLIES] = heals[..., None] & ~flying[:, None, :ALLIES]
    worth[..., ALLIES:] = ~heals[..., None] & (HITS_AIR[own][..., None] | ~flying[:, None, ALLIES:])
    return worth


def _least(values: Reals, allowed: Bools) -> Ints:
    """[B, 8], the allowed slot with the least value [B, 8, 16]; 0 where none is allowed."""
    return cast(Ints, np.where(allowed, values, np.inf).argmin(axis=2))


def _towards(units: Units, slots: Ints, possible: Bools) -> Ints:
    """[B, 8], the move that is open and brings each ally nearest to `slots` [B, 8]; on the map one always is."""
    places = np.stack((units.x, units.y), axis=-1).astype(np.float64)
    there = np.take_along_axis(places, slots[..., None], axis=1)
    progress = (there - places[:, :ALLIES]) @ MOVES.T
    moves = possible[..., FIRST_MOVE:FIRST_TARGET]
    return cast(Ints, FIRST_MOVE + np.where(moves, progress, -np.inf).argmax(axis=2))
