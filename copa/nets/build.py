"""Networks of a configuration, with first weights that follow from `run.seed` alone."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from copa.config.schema import Config, NetSettings
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
    return _seeded(config, 0, lambda: Player(spec, _settings(spec, config), coach=coach))


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
    return _seeded(config, 2, lambda: AttentionMixer(spec, _settings(spec, config)))


def build_posterior(spec: TaskSpec, config: Config) -> Posterior:
    """The posterior of the variational objective."""
    return _seeded(config, 3, lambda: Posterior(spec, config.nets))


def method_width(spec: TaskSpec, config: Config) -> int:
    """Width of the method's networks: `nets.width`, or what `nets.matched` makes of it."""
    settings = config.nets
    if not settings.matched or method_named(config.method.name).coach:
        return settings.width
    with torch.device("meta"):
        wanted = count(Player(spec, settings, coach=True)) + count(Coach(spec, settings))
        low, high = settings.width, 2 * settings.width
        while _acting(spec, settings, high) < wanted:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _acting(spec, settings, middle) <= wanted else (low, middle)
        counted = {width: _acting(spec, settings, width) for width in (low, high)}
    return min(counted, key=lambda width: abs(counted[width] - wanted))


def count(net: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in net.parameters())


def _acting(spec: TaskSpec, settings: NetSettings, width: int) -> int:
    """Parameters of a player without a coach."""
    return count(Player(spec, settings.model_copy(update={"width": width}), coach=False))


def _settings(spec: TaskSpec, config: Config) -> NetSettings:
    return config.nets.model_copy(update={"width": method_width(spec, config)})


def _seeded(config: Config, role: int, build: Callable[[], Net]) -> Net:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.run.seed * 4 + role)
        return build()
