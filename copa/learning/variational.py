"""Strategies drawn from the coach, and the variational objective that keeps them readable from what players do."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from copa.learning.noise import PartNoise
from copa.learning.scene import Scene
from copa.nets import Coach, Plan, Posterior

_LOWEST_LIKELIHOOD = -1000.0
_HIGHEST_ENTROPY = 10.0
_LOG_TWO_PI = math.log(2 * math.pi)


@dataclass(frozen=True, slots=True)
class Strategies:
    """Strategies of the agents of a scene."""

    values: Tensor
    """[S, N, A, W]; S = 1 where they hold for all steps, else T."""
    plan: Plan
    """[P, N, A, W], where the strategy that each slot holds at the end of each period was drawn from."""


@dataclass(frozen=True, slots=True)
class Variational:
    """Sums over agent slots, each once for every period between two coach steps."""

    slots: Tensor | float
    """How many slots."""
    nll: Tensor
    """`-sum_t sum_dims log q(z | trajectory, state)`, summed over slots."""
    entropy: Tensor
    """Mean over dimensions of the entropy of the coach's Normal, summed over slots."""


def strategy_steps(members: Tensor, spoken: Tensor | None = None, *, joiners: bool = True) -> Tensor:
    """[T, N, A], the step at which the strategy an agent holds was drawn: 0, the step it joined, or the last at which
    the coach spoke to it.

    Args:
        members: [T, N, A] bool.
        spoken: [P - 1, N, A] bool, to whom the coach speaks at the coach steps inside a segment of P periods; None for
            segments of one period.
        joiners: whether agents that join between coach steps are told at once; at a coach step they always are.
    """
    steps = torch.arange(len(members), device=members.device).view(-1, 1, 1)
    joined = torch.zeros_like(members)
    joined[1:] = members[1:] & ~members[:-1]
    told = joined if joiners else torch.zeros_like(members)
    if spoken is not None:
        period = len(members) // (len(spoken) + 1)
        told[period::period] = spoken | joined[period::period]
    return (told * steps).cummax(0).values


def draw_strategies(
    coach: Coach, encoding: Tensor, noise: Tensor, drawn: Tensor | None, periods: int = 1
) -> Strategies:
    """Sample strategies for a segment.

    Args:
        encoding: [T, N, A, W], the coach's encodings.
        noise: [N, A, W] standard normal.
        drawn: [T, N, A], from `strategy_steps`; None where all strategies are those of the first step.
        periods: P, coach steps in the segment.
    """
    if drawn is None:
        plan = coach.plan(encoding[:1])
        return Strategies(plan.sample(noise), plan)
    everywhere = coach.plan(encoding)
    rows = drawn.unsqueeze(-1).expand_as(everywhere.mean)
    held = Plan(everywhere.mean.gather(0, rows), everywhere.logvar.gather(0, rows), encoding)
    ends = slice(len(encoding) // periods - 1, None, len(encoding) // periods)
    return Strategies(held.sample(noise), Plan(held.mean[ends], held.logvar[ends], encoding))


def log_likelihood(values: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """log N(values; mean, exp(logvar)), clamped to [-1000, 0] per dimension, summed over dimensions: [T, ...].

    Args:
        values: [S, ..., W] with S = 1 (the same at all steps) or T.
        mean, logvar: [T, ..., W].
    """
    likelihood: Tensor = _LogLikelihood.apply(values, mean, logvar)  # type: ignore[no-untyped-call]
    return likelihood


class _LogLikelihood(Function):
    """`log_likelihood` with its gradient, a step at a time."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
        ctx.save_for_backward(values, mean, logvar)
        steps = zip(values.expand_as(mean), mean, logvar, strict=True)
        return torch.stack([_logarithm(*step)[0].clamp_(_LOWEST_LIKELIHOOD, 0.0).sum(-1) for step in steps])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        values, mean, logvar = ctx.saved_tensors
        to_values, to_mean, to_logvar = torch.zeros_like(values), torch.empty_like(mean), torch.empty_like(logvar)
        for step, given in enumerate(values.expand_as(mean)):
            logarithm, weighted, square = _logarithm(given, mean[step], logvar[step])
            passing = (logarithm <= 0) & (logarithm >= _LOWEST_LIKELIHOOD)
            arriving = gradient[step].unsqueeze(-1) * passing
            torch.mul(weighted, arriving, out=to_mean[step])
            torch.mul(square.sub_(1), arriving.mul_(0.5), out=to_logvar[step])
            to_values[step if len(values) > 1 else 0] -= to_mean[step]
        return to_values, to_mean, to_logvar


def _logarithm(values: Tensor, mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The logarithm per dimension, the distance over the variance, and its square over the variance."""
    distance = values - mean
    weighted = torch.exp(-logvar).mul_(distance)
    square = distance.mul_(weighted)
    return (square + logvar).add_(_LOG_TWO_PI).mul_(-0.5), weighted, square


def entropy(logvar: Tensor) -> Tensor:
    """Entropy of a Normal, clamped to [0, 10] per dimension, mean over dimensions."""
    return (0.5 * (1 + _LOG_TWO_PI) + 0.5 * logvar).clamp(0.0, _HIGHEST_ENTROPY).mean(-1)


def variational(
    coach: Coach,
    posterior: Posterior,
    scene: Scene,
    strategies: Strategies,
    noise: PartNoise,
    steps: Tensor,
    *,
    average: str,
    periods: int = 1,
) -> Variational:
    """The variational objective of a part (Eq. 5).

    Each period that has a real step counts by itself. `average: present` counts slots that hold an agent at some real
    step of it, each at the steps it does. `published` counts all slots of the task; for those cut away, which hold
    nobody, attention gives 0, so that all that remains of the networks is the same few biases at every step.

    Args:
        steps: [T, N] bool, real steps.
        periods: P, coach steps in the segment.
    """
    T, count, own = len(steps), steps.shape[1], scene.members.shape[-1]
    looks = scene.visible[:T].clone()
    looks[:: T // periods] = scene.present[: T : T // periods]
    mean, logvar = posterior(scene.rows.steps(0, T), looks)
    likelihood = log_likelihood(strategies.values, mean, logvar)
    entropies = entropy(strategies.plan.logvar)
    if average == "present":
        weights = scene.members[:T] & steps.unsqueeze(-1)
        counted = weights.view(periods, -1, count, own).any(1)
        return Variational(counted.sum(), -(likelihood * weights).sum(), (entropies * counted).sum())
    begun = steps[:: T // periods]
    nll, total = -(likelihood * steps.unsqueeze(-1)).sum(), (entropies * begun.unsqueeze(-1)).sum()
    absent = noise.absent_strategy.shape[1]
    if absent:
        nothing = mean.new_zeros(mean.shape[-1])
        plan = coach.plan(nothing)
        values = plan.sample(noise.absent_strategy).unsqueeze(0)
        unread = log_likelihood(values, *(part.expand_as(values) for part in posterior.heads(nothing)))[0]
        nll = nll - (unread.sum(-1) * steps.sum(0)).sum()
        total = total + entropy(plan.logvar) * (begun.sum() * absent)
    return Variational(begun.sum() * (own + absent), nll, total)
