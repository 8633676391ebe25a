"""Attacks, damage and death. All attacks of a loop land at once, so that two units can kill each other."""

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Floats, Ints
from copa.tasks.starcraft.micro.figures import Figures
from copa.tasks.starcraft.micro.rules import ARMOUR, ARMOURED, BONUS, DAMAGE, HITS, LEAST_DAMAGE, PERIOD
from copa.tasks.starcraft.micro.state import State

Numbers = NDArray[np.float64]


def fight(state: State, figures: Figures, jitter: Floats) -> None:
    """Whoever holds a target and has its weapon ready attacks; the next attack is a period plus `jitter` away."""
    attackers = np.flatnonzero(state.holding & figures.armed & (state.cooldown <= 0))
    if not len(attackers):
        return
    kinds = state.kind.reshape(-1)
    state.cooldown.reshape(-1)[attackers] = PERIOD[kinds[attackers]] + jitter.reshape(-1)[attackers]
    hitters = np.repeat(attackers, HITS[kinds[attackers]])
    targets = state.target.reshape(-1)[hitters] * np.int64(state.battles) + hitters % state.battles
    order = np.lexsort((kinds[hitters], targets))  # by type: slots are in another order on either side
    hitters, targets = hitters[order], targets[order]
    damage = DAMAGE[kinds[hitters]] + BONUS[kinds[hitters]] * ARMOURED[kinds[targets]]
    wound(state, targets, damage)
    bury(state, figures)


def wound(state: State, targets: Ints, damage: Floats) -> None:
    """Hits of `damage` [H] land on `targets` [H], sorted, one after another on each.

    A hit is taken by the shield as far as that lasts; armour lessens what goes on to health.
    """
    shield, health = state.shield.reshape(-1), state.health.reshape(-1)
    total = np.cumsum(damage, dtype=np.float64)  # exact: damage is in whole points, so other battles do not matter
    new = np.flatnonzero(np.diff(targets, prepend=-1))
    before = total - damage
    before -= np.repeat(before[new], np.diff(new, append=len(targets)))
    absorbed = np.clip(shield[targets] - before, 0, damage)
    rest = damage - absorbed
    armour = ARMOUR[state.kind.reshape(-1)[targets]]
    loss = np.where(rest > 0, np.maximum(rest - armour, LEAST_DAMAGE), 0)
    hit = targets[new]
    shield[hit] -= np.add.reduceat(absorbed, new)
    health[hit] -= np.add.reduceat(loss, new)
    state.calm.reshape(-1)[hit] = 0


def bury(state: State, figures: Figures) -> None:
    """Units without health die, and are nobody's target any more."""
    dying = state.active & (state.health <= 0)
    dead = np.flatnonzero(dying)
    if not len(dead):
        return
    state.health[dying] = 0
    for mark in (state.alive, state.active, state.engaged, state.going):
        mark[dying] = False
    state.engaged &= state.active.take(state.aims())
    state.holding &= state.engaged
    figures.bury(*np.divmod(dead, state.battles))
