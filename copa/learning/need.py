"""The coach learns which strategies matter: what a player would lose without the new one."""

from dataclasses import dataclass

import torch
from torch import Tensor

from copa.nets import Coach, Need, Player


@dataclass(frozen=True, slots=True)
class NeedError:
    """Sums over the agents that held a strategy at a coach step inside a segment."""

    squares: Tensor
    """Of the error of the coach's estimate."""
    agents: Tensor
    """How many agents."""


def need_error(
    need: Need,
    coach: Coach,
    player: Player,
    *,
    encoding: Tensor,
    held: Tensor,
    remembered: Tensor,
    available: Tensor,
    playing: Tensor,
) -> NeedError:
    """How far the coach's estimates of need are from what players lose, at the coach steps inside a segment.

    A player loses what its own network, with the new strategy, gives the best action more than the action that it would
    take with the one it holds. Only the estimate learns from it: strategies and players do not.

    Args:
        encoding: [T, N, A, W], the coach's.
        held: [P, N, A, W], means of the strategies that are held at the end of each of P periods.
        remembered: [T, N, A, W], of the player.
        available: [T, N, A, U] bool.
        playing: [T, N, A] bool, agents that are there at real steps; who was not there the step before does not count.
    """
    period = len(encoding) // len(held)
    inner = slice(period, None, period)
    held, encoding = held[:-1].detach(), encoding[inner].detach()
    remembered, available = remembered[inner], available[inner]
    counted = playing[inner] & playing[period - 1 : -1 : period]
    with torch.no_grad():
        new = coach.plan(encoding).mean
        wanted = player.action_values(remembered, new).masked_fill(~available, -torch.inf)
        old = player.action_values(remembered, held).masked_fill(~available, -torch.inf)
        taken = wanted.gather(-1, old.argmax(-1, keepdim=True)).squeeze(-1)
        lost = (wanted.amax(-1) - taken).masked_fill(~counted, 0.0).sqrt()
    errors = (need(encoding, new, held) - lost).masked_fill(~counted, 0.0)
    return NeedError(errors.square().sum(), counted.sum())
