"""What an agent may do, and what the engine is told of it."""

from typing import cast

import numpy as np

from copa.tasks.base import Bools, Floats, Ints
from copa.tasks.starcraft.geometry import distances
from copa.tasks.starcraft.scenarios import ScenarioSet
from copa.tasks.starcraft.spawn import MAP_SIZE
from copa.tasks.starcraft.unit_types import MEDIVAC, UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES, ATTACK, ENEMIES, HEAL, MOVE, NONE, STOP, UNITS, Orders, Units

NO_OP, STOP_ACTION, FIRST_MOVE, FIRST_TARGET = 0, 1, 2, 6
MOVES = np.array(((0, 1), (0, -1), (1, 0), (-1, 0)))
"""North, south, east, west."""
MOVE_AMOUNT = 2.0
REACH = 6.0
"""Largest distance between centres at which a unit can be chosen as a target; weapons have ranges of their own."""

MEDIVAC_KIND = UNIT_TYPES.index(MEDIVAC)
FLYING = np.array([kind.flying for kind in UNIT_TYPES])


def available(units: Units, tags: Ints, scenarios: ScenarioSet) -> Bools:
    """[B, 8, U], the actions each ally may choose; the dead and the absent have the no-op, and nothing else has.

    Args:
        tags: [B, 16], as `copa.tasks.starcraft.chance.draw_tags` gives them.
    """
    alive = units.alive[:, :ALLIES]
    found = np.zeros((*alive.shape, len(scenarios.actions)), np.bool_)
    found[..., NO_OP] = ~alive
    found[..., STOP_ACTION] = alive
    found[..., FIRST_MOVE:FIRST_TARGET] = alive[..., None] & _open(units)
    by_slot = targets(units)
    by_tag = np.argsort(tags, axis=1)
    aimed = np.take_along_axis(by_slot, by_tag[:, None, :], axis=2)
    found[..., FIRST_TARGET:] = aimed[..., : found.shape[2] - FIRST_TARGET]
    return found


def targets(units: Units) -> Bools:
    """[B, 8, 16], whom each ally may choose: Medivacs the allies that do not fly, all others the enemies.

    A target within reach can be chosen whether or not a weapon can hit it, or there is anything to heal.
    """
    alive = units.alive
    near = (distances(units) <= REACH) & alive[:, :ALLIES, None] & alive[:, None, :]
    heals = units.kind[:, :ALLIES] == MEDIVAC_KIND
    near[..., :ALLIES] &= heals[..., None] & ~FLYING[units.kind[:, :ALLIES]][:, None]
    near[..., ALLIES:] &= ~heals[..., None]
    return near


def _open(units: Units) -> Bools:
    """[B, 8, 4], whether the cell a step of 1 away in each direction is on the map, all of which can be walked on.

    The cell is the coordinates truncated towards 0, so that -0.5 still is in cell 0.
    """
    place = np.stack((units.x[:, :ALLIES], units.y[:, :ALLIES]), axis=-1).astype(np.float64)
    cells = np.trunc(place[:, :, None] + MOVES)
    return cast(Bools, ((cells >= 0) & (cells < MAP_SIZE)).all(axis=-1))


def orders(units: Units, tags: Ints, actions: Ints) -> Orders:
    """What `actions` [B, 8], each of them available, tell the units as the agents see them.

    The no-op sends no order.
    """
    moves = (actions >= FIRST_MOVE) & (actions < FIRST_TARGET)
    aimed = actions >= FIRST_TARGET
    kind = np.full(actions.shape, NONE, np.int8)
    kind[actions == STOP_ACTION] = STOP
    kind[moves] = MOVE
    kind[aimed] = ATTACK
    kind[actions >= FIRST_TARGET + ENEMIES] = HEAL
    step = MOVE_AMOUNT * MOVES[np.where(moves, actions - FIRST_MOVE, 0)]
    place = np.stack((units.x[:, :ALLIES], units.y[:, :ALLIES]), axis=-1)
    slots = np.take_along_axis(np.argsort(tags, axis=1), np.where(aimed, actions - FIRST_TARGET, 0), axis=1)
    assert slots.max(initial=0) < UNITS
    return Orders(kind, cast(Floats, (place + step).astype(np.float32)), slots.astype(np.int8))
