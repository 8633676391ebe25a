"""Theorem 1 for a trained team: what it promises beside what holding back strategies really costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from copa.bounding import theorem
from copa.bounding.bellman import bellman_errors
from copa.bounding.losses import Loss, Losses
from copa.bounding.slopes import Slopes, sample_slopes
from copa.bounding.spread import Spread
from copa.bounding.team_value import networks
from copa.bounding.visits import visit
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.learning.reward_scale import reward_scale
from copa.methods import METHODS, method_named
from copa.tasks import task_spec

VISITED_GAMES = 64
"""Most episodes that sampled states come from."""

_HALVINGS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """One beta: what was lost and what the theorem says. All in discounted, unscaled reward."""

    loss: Loss
    strategy_term: float
    """`2 n_a eta beta / (1 - gamma)`"""
    bound: float
    """`2 (n_a eta beta + kappa) / (1 - gamma)`"""
    ceiling_term: float | None
    """The strategy term with an eta that cannot be exceeded (`Slopes.ceiling`)."""

    @property
    def beta(self) -> float:
        """How far a strategy must move to travel."""
        return self.loss.beta


@dataclass(frozen=True, slots=True)
class Allowed:
    """The largest betas that keep a stated loss."""

    loss: float
    by_strategy_term: float
    """Where the strategy term is the loss; infinite where strategies change nothing."""
    by_measure: float
    """The largest beta tried up to which the measured loss stays within it; 0 where none does."""
    exceeded_at: float | None
    """The smallest beta tried whose measured loss is larger; None where none is."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """All that `copa bound` says of one checkpoint and team."""

    method: str
    task: str
    team: str
    episodes: int
    states: int
    seed: int
    gamma: float
    reward_scale: float
    agents: int
    """n_a, the most agents present at once."""
    slopes: Slopes
    errors: Spread
    """Absolute Bellman errors of the networks that play."""
    target_errors: Spread
    """The same, the next state's value being that of the target networks, which follow the learned ones."""
    kappa: float
    """A proxy: the largest absolute Bellman error / (1 - gamma)."""
    value: float
    """Mean discounted return from the start when told everything: what there is to lose on average."""
    points: tuple[Point, ...]
    """By beta, from the smallest."""
    allowed: Allowed | None
    """Where a loss was stated."""


def estimate(
    config: Config,
    tensors: Mapping[str, Tensor],
    *,
    team: str,
    betas: Sequence[float],
    episodes: int,
    states: int,
    pairs: int,
    seed: int,
    loss: float | None = None,
) -> Estimate:
    """Estimate the bound and measure the loss at each of `betas`, and between them where `loss` is stated.

    Args:
        tensors: a checkpoint's, target networks included.
        team: the team that plays.
        episodes: per measured loss.
        states: visited states in which slopes and Bellman errors are looked at.
        pairs: other strategies tried for each state and agent.

    Raises:
        ConfigError: the method has no coach, or there is no such team.
        MismatchError: the checkpoint was made with other settings, or does not say which rewards were seen where
            `learning.reward_scale` is none.
    """
    require_coach(config)
    spec = task_spec(config.task.name, config.task.options)
    settings = config.learning
    nets, targets = networks(spec, config, tensors), networks(spec, config, tensors, "target_")
    scale = reward_scale(settings, tensors)
    visits = visit(config, spec, tensors, team=team, games=min(episodes, VISITED_GAMES), states=states, seed=seed)
    slopes = sample_slopes(spec, nets, visits.states, pairs=pairs, seed=seed, scale=scale)
    errors, target_errors = (
        Spread.of(np.abs(bellman_errors(spec, nets, after, visits, gamma=settings.gamma, scale=scale)))
        for after in (nets, targets)
    )
    kappa = theorem.kappa_proxy(errors.largest, settings.gamma)
    agents = visits.most_agents

    def point(found: Loss) -> Point:
        term = theorem.strategy_term(agents, slopes.eta, found.beta, settings.gamma)
        sure = slopes.ceiling
        return Point(
            found,
            term,
            theorem.bound(agents, slopes.eta, found.beta, kappa, settings.gamma),
            None if sure is None else theorem.strategy_term(agents, sure, found.beta, settings.gamma),
        )

    losses = Losses(config, spec, tensors, team=team, episodes=episodes, seed=seed)
    measured = [losses.measure(beta) for beta in sorted(set(betas))]
    allowed = None
    if loss is not None:
        measured = _refined(losses, measured, loss)
        within, exceeded = _bracket(measured, loss)
        by_term = theorem.largest_beta(agents, slopes.eta, loss, settings.gamma)
        allowed = Allowed(loss, by_term, within, exceeded)
    return Estimate(
        method=config.method.name,
        task=spec.name,
        team=team,
        episodes=episodes,
        states=len(visits.states),
        seed=seed,
        gamma=settings.gamma,
        reward_scale=scale,
        agents=agents,
        slopes=slopes,
        errors=errors,
        target_errors=target_errors,
        kappa=kappa,
        value=losses.value,
        points=tuple(point(found) for found in measured),
        allowed=allowed,
    )


def require_coach(config: Config) -> None:
    """Raise ConfigError where the method of `config` has no coach."""
    if not method_named(config.method.name).coach:
        coached = ", ".join(name for name, method in METHODS.items() if method.coach)
        raise ConfigError(
            f"method {config.method.name} has no coach, so no strategies to hold back and nothing to bound; give a"
            f" checkpoint of {coached}"
        )


def _refined(losses: Losses, measured: list[Loss], loss: float) -> list[Loss]:
    """`measured` and what halving the gap around `loss` adds."""
    for _ in range(_HALVINGS):
        within, exceeded = _bracket(measured, loss)
        if exceeded is None:
            break
        found = losses.measure((within + exceeded) / 2)
        measured = sorted([*measured, found], key=lambda one: one.beta)
    return measured


def _bracket(measured: Sequence[Loss], loss: float) -> tuple[float, float | None]:
    """The largest beta up to which no measured loss exceeds `loss`, and the next one; `measured` by beta."""
    within = 0.0
    for found in measured:
        if found.largest > loss:
            return within, found.beta
        within = found.beta
    return within, None
