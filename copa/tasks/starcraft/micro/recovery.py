"""What comes back by itself, and what Medivacs give."""

import numpy as np

from copa.tasks.base import Floats
from copa.tasks.starcraft.micro.figures import Figures
from copa.tasks.starcraft.micro.rules import (
    ENERGY_REGENERATION,
    HEALING,
    HEALTH_PER_ENERGY,
    SHIELD_DELAY,
    SHIELD_REGENERATION,
)
from copa.tasks.starcraft.micro.state import State


def recover(state: State, figures: Figures) -> None:
    """One loop: weapons cool down, shields that were left alone grow, Medivacs gain energy."""
    state.cooldown -= state.active
    np.maximum(state.cooldown, 0, out=state.cooldown)
    state.calm += 1
    growing = state.calm > SHIELD_DELAY
    growing &= state.active
    state.shield += growing * np.float32(SHIELD_REGENERATION)
    np.minimum(state.shield, figures.shield_max, out=state.shield)
    gain_energy(state, figures, 1)


def gain_energy(state: State, figures: Figures, loops: Floats | int) -> None:
    """What Medivacs gain in `loops`, for all battles or of each [B]."""
    if figures.heals.any():
        state.energy += loops * ENERGY_REGENERATION[state.kind] * state.active
        np.minimum(state.energy, figures.energy_max, out=state.energy)


def mend(state: State, figures: Figures) -> None:
    """Medivacs that hold a hurt target and have energy give it health."""
    state.mending[:] = False
    healers = np.flatnonzero(state.holding & figures.heals)
    if not len(healers):
        return
    patients = state.target.reshape(-1)[healers] * np.int64(state.battles) + healers % state.battles
    health, energy = state.health.reshape(-1), state.energy.reshape(-1)
    missing = figures.health_max.reshape(-1)[patients] - health[patients]
    given = np.minimum(np.minimum(missing, np.float32(HEALING)), energy[healers] * np.float32(HEALTH_PER_ENERGY))
    energy[healers] -= given / np.float32(HEALTH_PER_ENERGY)
    health += np.bincount(patients, given, minlength=len(health)).astype(np.float32)
    np.minimum(state.health, figures.health_max, out=state.health)
    state.mending.reshape(-1)[healers] = given > 0
