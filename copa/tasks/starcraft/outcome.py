"""What a step was worth, and how a battle ends."""

from dataclasses import dataclass

import numpy as np

from copa.tasks.base import Bools
from copa.tasks.starcraft.actions import MEDIVAC_KIND
from copa.tasks.starcraft.geometry import Reals
from copa.tasks.starcraft.scenarios import DEATH_VALUE, WIN_VALUE, ScenarioSet
from copa.tasks.starcraft.units import ALLIES, Units

REWARD_SCALE = 20.0
"""Reward of the largest scenario's perfect battle."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Which battles are decided, and how; all [B]. Nothing is true of a battle that goes on."""

    won: Bools
    lost: Bools
    drawn: Bools

    @property
    def decided(self) -> Bools:
        """[B], battles that are over."""
        over: Bools = self.won | self.lost | self.drawn
        return over


def outcome(units: Units, scenarios: ScenarioSet) -> Outcome:
    """How the battles of `units` stand.

    A side is beaten when none of its units lives, or none but Medivacs. Where both are, the battle is lost in a set
    with Medivacs, and drawn in one without.
    """
    fighting = units.alive & (units.kind != MEDIVAC_KIND)
    allies, enemies = (np.asarray(side.any(axis=1)) for side in np.split(fighting, [ALLIES], axis=1))
    beaten = ~allies & ~enemies
    lost = ~allies & enemies
    if scenarios.healers:
        return Outcome(won=allies & ~enemies, lost=lost | beaten, drawn=np.zeros_like(beaten))
    return Outcome(won=allies & ~enemies, lost=lost, drawn=beaten)


def reward(before: Units, after: Units, won: Bools, scenarios: ScenarioSet) -> Reals:
    """[B], the reward of the step from `before` to `after` in which the battles `won` [B] were won.

    The sum of what the enemies alive before lost in health and shield and 10 for each that died counts by its
    magnitude, so that a step in which the enemy regained more than it lost pays as well; losses of allies never count.
    """
    living, dying = before.alive[:, ALLIES:], before.alive[:, ALLIES:] & ~after.alive[:, ALLIES:]
    damage = np.where(living, _strength(before), 0.0) - np.where(living & ~dying, _strength(after), 0.0)
    gained = np.abs(damage.sum(axis=1) + DEATH_VALUE * dying.sum(axis=1)) + WIN_VALUE * won
    scaled: Reals = gained / (scenarios.max_reward / REWARD_SCALE)
    return scaled


def _strength(units: Units) -> Reals:
    """[B, 8], health and shield of the enemies."""
    health, shield = units.health[:, ALLIES:], units.shield[:, ALLIES:]
    return health.astype(np.float64) + shield.astype(np.float64)
