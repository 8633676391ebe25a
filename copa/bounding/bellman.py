"""Bellman errors at visited states: what there is to say about how far Q_tot is from Q*."""

import numpy as np
import torch
from numpy.typing import NDArray

from copa.bounding.team_value import TeamValue
from copa.bounding.visits import States, Visits
from copa.learning.objective import Nets
from copa.tasks.base import TaskSpec

Numbers = NDArray[np.float64]


def bellman_errors(
    spec: TaskSpec, nets: Nets, following: Nets, visits: Visits, *, gamma: float, scale: float
) -> Numbers:
    """[N], `Q_tot(u_t | z_t) - r_t - gamma max_u Q_tot(u | z_(t+1))` in units of unscaled reward.

    Strategies are those that players held; a true end has no value after it. A single reward and a single next state
    stand for their expectations, so what is random in the task is part of an error.

    Args:
        nets: give the value of the step.
        following: give the value of the state after it.
        scale: what rewards were multiplied by (`copa.learning.reward_scale`).
    """
    taken = _value(spec, nets, visits.states, best=False) / scale
    after = _value(spec, following, visits.following, best=True) / scale
    errors: Numbers = taken - visits.rewards - gamma * np.where(visits.terminated, 0.0, after)
    return errors


def _value(spec: TaskSpec, nets: Nets, states: States, *, best: bool) -> Numbers:
    """Q_tot [N] of the best actions, or of those taken."""
    value = TeamValue(spec, nets, states)
    with torch.no_grad():
        utilities = value.utilities(torch.from_numpy(states.strategies)[None])[0]
        if best:
            chosen = value.best(utilities)
        else:
            chosen = utilities.gather(-1, torch.from_numpy(states.actions)[..., None]).squeeze(-1)
        total: Numbers = value.total(chosen).double().numpy()
    return total
