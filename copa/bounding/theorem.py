"""Theorem 1 of the paper as arithmetic.

If Q_tot is within kappa of Q* and changes by at most eta per unit of one agent's strategy, then players whose
strategies are within beta of what the coach would say now lose, from any state,

    V* - V~ <= 2 (n_a eta beta + kappa) / (1 - gamma)

of discounted reward, n_a being the number of agents.
"""

import math


def strategy_term(agents: int, eta: float, beta: float, gamma: float) -> float:
    """The part of the bound that holding back strategies brings, `2 n_a eta beta / (1 - gamma)`."""
    return _over_time(2.0 * agents * eta * beta, gamma)


def bound(agents: int, eta: float, beta: float, kappa: float, gamma: float) -> float:
    """The whole bound; infinite where nothing is discounted."""
    return strategy_term(agents, eta, beta, gamma) + _over_time(2.0 * kappa, gamma)


def kappa_proxy(largest_error: float, gamma: float) -> float:
    """What stands for kappa: `sup |Bellman error| / (1 - gamma)`, which bounds `sup |Q - Q*|`."""
    return _over_time(largest_error, gamma)


def largest_beta(agents: int, eta: float, loss: float, gamma: float) -> float:
    """The beta whose strategy term is `loss`; infinite where strategies change nothing."""
    slope = strategy_term(agents, eta, 1.0, gamma)
    return loss / slope if slope else math.inf


def _over_time(each_step: float, gamma: float) -> float:
    """What `each_step` comes to over all steps."""
    if not each_step:
        return 0.0
    return each_step / (1.0 - gamma) if gamma < 1.0 else math.inf
