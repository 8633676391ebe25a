"""Whom units that choose for themselves attack or heal."""

import numpy as np

from copa.tasks.base import Bools
from copa.tasks.starcraft.micro.figures import SIDES, Figures
from copa.tasks.starcraft.micro.rules import BIOLOGICAL, SCAN_RANGE
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.units import ALLIES

LAST, NEVER = np.float32(1e4), np.float32(1e9)
"""Added to squared distances, all below 2048, of those that come last, and of those that are not seen."""
SLOTS = np.arange(ALLIES, dtype=np.int8)[:, None]


def choose_targets(state: State, figures: Figures) -> None:
    """Every automatic unit with a weapon that does not hold a target looks for one, on each side."""
    seeking = state.automatic & figures.armed & ~state.holding
    seeking &= state.active
    for side in range(2):
        if seeking[SIDES[side]].any():
            _choose_targets(state, figures, side, seeking[SIDES[side]])


def _choose_targets(state: State, figures: Figures, side: int, seeking: Bools) -> None:
    """Armed enemies, and Medivacs that are healing, before unarmed ones; the nearest first.

    Seen are those within the scan range, and whoever attacks the unit from farther away.
    """
    own, other = SIDES[side], SIDES[1 - side]
    distance = state.x[other, None] - state.x[own]
    distance *= distance
    across = state.y[other, None] - state.y[own]
    across *= across
    distance += across
    seen = distance <= figures.scan[side]
    attacked = state.target[other, None] == SLOTS + np.int8(own.start)
    attacked &= state.holding[other, None]
    seen |= attacked
    if figures.heals[other].any():
        distance += (LAST * ~(figures.armed[other] | state.mending[other]))[:, None]
    distance += NEVER * ~seen
    best = distance.min(axis=0)
    first = ALLIES - ((distance == best) * (ALLIES - SLOTS[:, :, None])).max(axis=0)
    np.copyto(state.engaged[own], best < NEVER, where=seeking)
    np.copyto(state.target[own], first + np.int8(other.start), where=seeking)


def choose_patients(state: State, figures: Figures) -> None:
    """Every automatic Medivac without somebody to heal looks for one: of the hurt nearby that with the least health,
    and of equally hurt ones the nearest."""
    healers = np.flatnonzero(figures.heals & state.automatic & state.active)
    if not len(healers):
        return
    health, engaged, target = state.health.reshape(-1), state.engaged.reshape(-1), state.target.reshape(-1)
    hurt = ((state.health < figures.health_max) & state.active & BIOLOGICAL[state.kind]).reshape(-1)
    slot, battle = np.divmod(healers, state.battles)
    kept = state.holding.reshape(-1)[healers] & hurt[target[healers] * np.int64(state.battles) + battle]
    healers, slot, battle = healers[~kept], slot[~kept], battle[~kept]
    first = slot - slot % ALLIES
    friends = (first + np.arange(ALLIES)[:, None]) * state.battles + battle
    x, y, radius = state.x.reshape(-1), state.y.reshape(-1), figures.radius.reshape(-1)
    distance = (x[friends] - x[healers]) ** 2 + (y[friends] - y[healers]) ** 2
    near = distance <= (np.float32(SCAN_RANGE) + radius[friends] + radius[healers]) ** 2
    need = np.where(near & hurt[friends], health[friends], np.float32(np.inf))
    least = need.min(axis=0)
    engaged[healers] = least < np.inf
    target[healers] = first + np.where(need == least, distance, np.float32(np.inf)).argmin(axis=0)
