"""eta: how fast Q_tot changes with one agent's strategy."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from copa.bounding.spread import Spread
from copa.bounding.team_value import TeamValue
from copa.bounding.visits import States
from copa.learning.objective import Nets
from copa.nets import CoachMixer
from copa.tasks.base import TaskSpec

_BLOCK = 256
"""States looked at in one go."""

CLOSEST = 0.01
"""Pairs nearer to each other than this share of the mean distance are left out: rounding would be their slope."""

_SAMPLED = ("gradient", "secant", "mixer", "player", "distance")

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Slopes:
    """Sampled slopes, each over states, agents, that agent's available actions, and strategies."""

    gradient: Spread
    """Norm of the gradient of Q_tot in one agent's strategy."""
    secant: Spread
    """Change of Q_tot between two strategies of one agent, by their distance."""
    mixer: Spread
    """eta1: derivative of Q_tot in one agent's utility."""
    player: Spread
    """eta2: norm of the gradient of a utility in the strategy."""
    distance: Spread
    """Between the strategies of a pair."""
    ceiling: float | None
    """What eta cannot exceed, from the weights alone; None where the networks allow no such figure."""

    @property
    def eta(self) -> float:
        """The largest slope found: not above the Lipschitz constant."""
        return max(self.gradient.largest, self.secant.largest)


def sample_slopes(spec: TaskSpec, nets: Nets, states: States, *, pairs: int, seed: int, scale: float) -> Slopes:
    """Look at Q_tot from `states`, the strategy of one agent at a time moved from what it holds to another.

    The others are strategies that some agent holds in some of the states. Teammates keep what they hold and take
    their best actions; the agent itself tries every action it has.

    Args:
        pairs: other strategies tried for each state and agent.
        scale: what rewards were multiplied by (`copa.learning.reward_scale`); slopes are given in units of unscaled
            reward.
    """
    generator = np.random.default_rng(seed)
    pool = states.strategies[states.members()]
    found: dict[str, list[Values]] = {name: [] for name in _SAMPLED}
    for first in range(0, len(states), _BLOCK):
        block = states.take(slice(first, first + _BLOCK))
        drawn = generator.integers(len(pool), size=(pairs, *block.actions.shape))
        points = np.concatenate([block.strategies[None], pool[drawn]])
        for name, values in _slopes(TeamValue(spec, nets, block), torch.from_numpy(points)).items():
            found[name].append(values.numpy())
    joined = {name: np.concatenate(values) for name, values in found.items()}
    far = joined["distance"] > CLOSEST * joined["distance"].sum() / max(len(joined["distance"]), 1)
    joined |= {name: joined[name][far] for name in ("secant", "distance")}
    ceiling = lipschitz_ceiling(nets)
    return Slopes(
        gradient=Spread.of(joined["gradient"] / scale),
        secant=Spread.of(joined["secant"] / scale),
        mixer=Spread.of(joined["mixer"]),
        player=Spread.of(joined["player"] / scale),
        distance=Spread.of(joined["distance"]),
        ceiling=None if ceiling is None else ceiling / scale,
    )


def lipschitz_ceiling(nets: Nets) -> float | None:
    """An upper bound of eta over all states and strategies, in units of scaled reward.

    A strategy enters a player through one linear layer, a ReLU and the output layer, so a utility's gradient is at
    most the layer's spectral norm times the norm of the action's output weights. The mixer's weights are softmaxes,
    and ELU's derivative is at most 1, so its derivative is at most the factor of its first weights. Generated output
    weights (`strategy_input = "hyper"`) grow with what the player remembers, so there None.
    """
    player = nets.player
    if player.strategy is None or player.out is None:
        return None
    mixer = nets.mixer.nets.scale if isinstance(nets.mixer, CoachMixer) else 1.0
    entering = float(torch.linalg.matrix_norm(player.strategy.weight, ord=2))
    return mixer * entering * float(player.out.weight.norm(dim=1).max())


def _slopes(value: TeamValue, points: Tensor) -> dict[str, Tensor]:
    """All slopes at `points` [K+1, N, A, W], of which the first is what agents hold; each flat.

    `secant` and `distance` go together: an entry for each pair, agent and action.
    """
    utilities, steepness = _player_slopes(value, points)
    held = value.best(utilities[0])
    distances = (points[1:] - points[:1]).norm(dim=-1)
    found: dict[str, list[Tensor]] = {name: [] for name in _SAMPLED}
    for agent in range(held.shape[-1]):
        own = utilities[:, :, agent].movedim(-1, 1)
        tried = held.expand(*own.shape, -1).clone()
        tried[..., agent] = own
        tried.requires_grad_(True)
        totals = value.total(tried)
        (mixing,) = torch.autograd.grad(totals.sum(), tried)
        totals = totals.detach()
        mixer, player = mixing[..., agent].abs(), steepness[:, :, agent].movedim(-1, 1)
        distance = distances[:, None, :, agent].expand(-1, own.shape[1], -1)
        allowed = (value.available[:, agent] & value.members[:, agent, None]).T
        everywhere, between = allowed.expand_as(own), allowed & (distance > 0)
        found["gradient"].append((mixer * player)[everywhere])
        found["mixer"].append(mixer[everywhere])
        found["player"].append(player[everywhere])
        found["secant"].append((totals[1:] - totals[:1]).abs()[between] / distance[between])
        found["distance"].append(distance[between])
    return {name: torch.cat(values) for name, values in found.items()}


def _player_slopes(value: TeamValue, points: Tensor) -> tuple[Tensor, Tensor]:
    """Utilities [K+1, N, A, U] at `points` and the norms of their gradients there."""
    at = points.clone().requires_grad_(True)
    utilities = value.utilities(at)
    norms = [
        torch.autograd.grad(utilities[..., action].sum(), at, retain_graph=True)[0].norm(dim=-1)
        for action in range(utilities.shape[-1])
    ]
    return utilities.detach(), torch.stack(norms, dim=-1)
