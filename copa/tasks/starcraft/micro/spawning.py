"""How a battle begins: two armies, each spread about the points where its types are put down."""

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Ints
from copa.tasks.starcraft.micro.chance import spread_angles
from copa.tasks.starcraft.micro.rules import ENERGY, FLYING, HEALTH, SEPARATION, SHIELD
from copa.tasks.starcraft.micro.state import Kinds, State
from copa.tasks.starcraft.spawn import ALLY_ORDER, ENEMY_ORDER, slot_order, spawn_points
from copa.tasks.starcraft.unit_types import UNIT_TYPES
from copa.tasks.starcraft.units import ALLIES

Numbers = NDArray[np.float64]

RINGS = 5
CLEARANCE = 1.001
"""Distance of neighbours when they are put down, as a multiple of that at which they touch."""


def lattice(rings: int) -> Numbers:
    """[L, 2], the sites of a triangular lattice with spacing 1 that lie in `rings` hexagons about 0, nearest first."""
    steps = np.arange(-rings, rings + 1)
    along, across = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    inside = np.abs(along + across) <= rings
    sites = np.stack((along + across / 2, across * np.sqrt(0.75)), axis=1)[inside]
    order = np.argsort((sites**2).sum(axis=1).round(6), kind="stable")
    nearest: Numbers = sites[order]
    return nearest


SITES = lattice(RINGS)
"""91 sites: seven other bodies cover at most nine each, so that one is always free."""


def opening(seed: int, episodes: Ints, armies: Ints) -> State:
    """The first states of `episodes` [N] between `armies` [N, 5], units of each type per side."""
    state = State.empty(len(episodes))
    state.episode[:] = episodes
    kind = army_kinds(armies)
    points = np.concatenate(spawn_points(seed, episodes).swapaxes(0, 1))
    places = spread(np.tile(kind, (2, 1)), points, spread_angles(seed, episodes).reshape(-1))
    for side, order in enumerate((ALLY_ORDER, ENEMY_ORDER)):
        x, y = places[:, side * len(kind) : (side + 1) * len(kind)].astype(np.float32)
        slots = slot_order(kind, x, y, order)
        rows = slice(side * ALLIES, (side + 1) * ALLIES)
        for mine, given in ((state.kind, kind), (state.x, x), (state.y, y)):
            mine[rows] = np.take_along_axis(given, slots, axis=1).T
    state.alive[:] = state.active[:] = state.kind >= 0
    state.health[:], state.shield[:], state.energy[:] = HEALTH[state.kind], SHIELD[state.kind], ENERGY[state.kind]
    order_to_attack(state)
    return state


def order_to_attack(state: State) -> None:
    """The enemy's one order: an attack-move to the mean of the allies' places."""
    enemies = slice(ALLIES, None)
    state.automatic[enemies] = state.going[enemies] = state.active[enemies]
    members = state.active[:ALLIES].sum(axis=0)
    for axis, point in ((state.x, state.point_x), (state.y, state.point_y)):
        total = np.zeros(state.battles)
        for row in axis[:ALLIES]:
            total += row
        point[enemies] = total / members


def army_kinds(armies: Ints) -> Kinds:
    """[N, 8], the types of the units of `armies` [N, 5], by type; -1 from where there are no more."""
    last = np.cumsum(armies, axis=1)
    kind = (last[:, :, None] <= np.arange(ALLIES)).sum(axis=1)
    return np.where(kind < len(UNIT_TYPES), kind, -1).astype(np.int8)


def spread(kind: Kinds, points: Numbers, angle: Numbers) -> Numbers:
    """Places [2, N, 8] for units of `kind` [N, 8], the absent last: each as near the point of its type, `points`
    [N, 5, 2], as the bodies put down before it leave room, on a lattice turned by `angle` [N]; 0 for nobody."""
    battles = np.arange(len(kind))
    radius, flying = SEPARATION[kind].astype(np.float64), FLYING[kind]
    place = np.zeros((2, *kind.shape))
    (along, across), cosine, sine = SITES.T[:, :, None], np.cos(angle), np.sin(angle)
    offsets = 2 * CLEARANCE * np.stack((along * cosine - across * sine, along * sine + across * cosine))
    for unit in range(kind.shape[1]):
        own = radius[:, unit]
        sites = points[battles, kind[:, unit]].T[:, None] + own * offsets
        apart = ((sites[:, :, :, None] - place[:, None, :, :unit]) ** 2).sum(axis=0)
        touch = apart < (own[:, None] + radius[:, :unit]) ** 2
        touch &= flying[:, :unit] == flying[:, unit : unit + 1]
        free = ~touch.any(axis=2)
        place[:, :, unit] = sites[:, free.argmax(axis=0), battles] * (kind[:, unit] >= 0)
    return place
