"""Networks of a configuration, with first weights that follow from `run.seed` alone."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from copa.config.schema import Config
from copa.methods import method_named
from copa.nets.coach import Coach
from copa.nets.mixer import AttentionMixer, CoachMixer, Mixer, SumMixer
from copa.nets.player import Player
from copa.nets.posterior import Posterior
from copa.tasks.base import TaskSpec

Net = TypeVar("Net", bound=nn.Module)


def build_player(spec: TaskSpec, config: Config) -> Player:
    """The player; it takes strategies where the method has a coach."""
    coach = method_named(config.method.name).coach
    return _seeded(config, 0, lambda: Player(spec, config.nets, coach=coach))


def build_coach(spec: TaskSpec, config: Config) -> Coach:
    """The coach."""
    return _seeded(config, 1, lambda: Coach(spec, config.nets))


def build_mixer(spec: TaskSpec, config: Config) -> Mixer:
    """The mixer of the method and of `nets.mixer`."""
    method = method_named(config.method.name)
    if method.sum_mixer or config.nets.mixer == "sum":
        return SumMixer()
    if method.coach:
        return _seeded(config, 2, lambda: CoachMixer(config.nets))
    return _seeded(config, 2, lambda: AttentionMixer(spec, config.nets))


def build_posterior(spec: TaskSpec, config: Config) -> Posterior:
    """The posterior of the variational objective."""
    return _seeded(config, 3, lambda: Posterior(spec, config.nets))


def _seeded(config: Config, role: int, build: Callable[[], Net]) -> Net:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.run.seed * 4 + role)
        return build()
