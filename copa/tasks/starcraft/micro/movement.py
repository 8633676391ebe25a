"""Where units go: straight at full speed, without running into each other or off the map."""

import numpy as np

from copa.tasks.base import Bools, Floats, Ints
from copa.tasks.starcraft.micro.figures import FIRST, SECOND, Figures
from copa.tasks.starcraft.micro.rules import FLYING, SEPARATION_ROUNDS, SMALLEST
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.units import ALLIES


def move(state: State, figures: Figures) -> None:
    """One loop: who has its target in reach holds, everybody else with somewhere to go walks; then bodies part."""
    aims = state.aims()
    along = np.where(state.engaged, state.x.take(aims), state.point_x)
    along -= state.x
    across = np.where(state.engaged, state.y.take(aims), state.point_y)
    across -= state.y
    distance = np.sqrt(along * along + across * across)
    np.less_equal(distance, figures.reach + figures.radius.take(aims), out=state.holding)
    state.holding &= state.engaged
    walking = np.where(state.engaged, ~state.holding, state.going)
    _keep_behind(state, figures, walking, distance)
    share = figures.speed / np.maximum(distance, np.float32(SMALLEST))
    np.minimum(share, np.float32(1), out=share)
    share *= walking
    along *= share
    across *= share
    state.x += along
    state.y += across
    state.going &= ~(walking & ~state.engaged & (distance <= figures.arrival))
    separate(state, figures)
    for place in (state.x, state.y):
        np.clip(place, figures.lowest, figures.highest, out=place)


def _keep_behind(state: State, figures: Figures, walking: Bools, distance: Floats) -> None:
    """Automatic Medivacs on their way wait where they are nearer the point than all their friends on the ground."""
    leading = np.flatnonzero(figures.heals & state.automatic & walking & ~state.engaged)
    if not len(leading):
        return
    slot, battle = np.divmod(leading, state.battles)
    friends = (slot - slot % ALLIES + np.arange(ALLIES)[:, None]) * state.battles + battle
    walkers = (state.active & ~FLYING[state.kind]).reshape(-1)[friends]
    gap = _squared_gap(state, friends)
    behind = (walkers & (gap <= distance.reshape(-1)[leading] ** 2)).any(axis=0)
    walking.reshape(-1)[leading[~behind]] = False


def _squared_gap(state: State, units: Ints) -> Floats:
    """From `units` to their points."""
    along = state.x.reshape(-1)[units] - state.point_x.reshape(-1)[units]
    across = state.y.reshape(-1)[units] - state.point_y.reshape(-1)[units]
    return along * along + across * across


def separate(state: State, figures: Figures) -> None:
    """Push apart bodies that overlap.

    One that stands and attacks or heals gives no way to one that does not; otherwise both go half of it. Pushes are
    summed in the order of pairs, so that they do not depend on the other battles.
    """
    x, y = state.x.reshape(-1), state.y.reshape(-1)
    distance = state.x.take(FIRST, axis=0) - state.x.take(SECOND, axis=0)
    distance *= distance
    across = state.y.take(FIRST, axis=0) - state.y.take(SECOND, axis=0)
    across *= across
    distance += across
    near = np.flatnonzero(distance < figures.contact)
    if not len(near):
        return
    pair, battle = np.divmod(near, state.battles)
    first, second = FIRST[pair] * state.battles + battle, SECOND[pair] * state.battles + battle
    touch = np.sqrt(figures.contact.reshape(-1)[near])
    holding = state.holding.reshape(-1)
    lead = np.subtract(holding[second], holding[first], dtype=np.float32)
    shares = np.stack((1 + lead, lead - 1)) / 2
    bodies = np.concatenate((first, second))
    for _ in range(SEPARATION_ROUNDS):
        along, across = x[first] - x[second], y[first] - y[second]
        gap = np.sqrt(along * along + across * across)
        along[gap == 0] = SMALLEST
        push = np.maximum(touch - gap, 0) / np.maximum(gap, np.float32(SMALLEST))
        for place, offset in ((x, along), (y, across)):
            pushes = (offset * push * shares).reshape(-1)
            place += np.bincount(bodies, pushes, minlength=len(place)).astype(np.float32)
