"""What the allies are told."""

import numpy as np

from copa.tasks.starcraft.micro.figures import Figures
from copa.tasks.starcraft.micro.rules import BIOLOGICAL, FLYING, HITS_AIR
from copa.tasks.starcraft.micro.state import State
from copa.tasks.starcraft.units import ALLIES, ATTACK, HEAL, MOVE, STOP, Orders


def obey(state: State, figures: Figures, orders: Orders) -> None:
    """Take up `orders`, each in place of what was ordered before.

    An order that cannot be carried out is refused, and what was ordered before goes on: an attack on a unit that the
    weapon cannot hit, on one's own side, or by a unit without a weapon; healing by another than a Medivac, of the
    enemy, or of a unit that is not biological; either, where the target is dead. To be told again what one does
    already changes nothing.
    """
    allies = slice(0, ALLIES)
    told, target = orders.kind.T, orders.target.T
    place = np.multiply(target, state.battles, dtype=np.int64) + np.arange(state.battles)
    patient = np.take(state.kind, place)
    kind = state.kind[allies]
    attacks = (told == ATTACK) & figures.armed[allies] & (target >= ALLIES) & (HITS_AIR[kind] | ~FLYING[patient])
    heals = (told == HEAL) & figures.heals[allies] & (target < ALLIES) & BIOLOGICAL[patient]
    aims = (attacks | heals) & np.take(state.active, place)
    moves = told == MOVE
    obeys = aims | moves | (told == STOP)
    obeys &= state.active[allies]
    again = aims & (state.target[allies] == target)
    for mine, given in (
        (state.engaged, aims),
        (state.going, moves),
        (state.holding, state.holding[allies] & again),
        (state.target, target),
        (state.point_x, orders.point[..., 0].T),
        (state.point_y, orders.point[..., 1].T),
    ):
        np.copyto(mine[allies], given, where=obeys)
