"""Learning to foretell need from a finished team, in two rehearsals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from copa.checkpoint import Checkpoint, acting_part
from copa.errors import ConfigError
from copa.methods import METHODS, method_named
from copa.need.rehearsal import Cases, rehearse
from copa.nets import NEED, Need
from copa.tasks import task_spec

HOLD_HIGHEST = 0.95
"""Highest probability, in the first rehearsal, that a player keeps what it holds."""

BETA_HIGHEST = 2.5
"""Highest beta of the second, as a multiple of the root mean square of what the first showed."""

BATCH = 1024
PASSES = 4000
"""Gradient steps after the first rehearsal; half as many again after the second."""

RATE = 1e-3
HELD_OUT = 0.1
"""Share of the episodes that the fit is measured with, and does not learn from."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well need is foretold."""

    cases: int
    """Agents that held a strategy at a coach step, in all episodes that it learned from."""
    idle: float
    """Share of them that lose nothing by what they hold."""
    explained: float
    """Share of the variance of need that is foretold, in episodes that it did not learn from."""


def learn_need(
    saved: Checkpoint,
    *,
    teams: Sequence[str] = (),
    episodes: int,
    seed: int,
    tell: Callable[[Fit], None] = lambda fit: None,
) -> Checkpoint:
    """The acting part of `saved` with a coach that foretells what players lose without a new strategy.

    The team plays `episodes` episodes of each of `teams` (the training distribution when none is given) with a coach
    that is silent at random. Then, unless nobody lost anything, it plays as many with one that is silent where the
    first estimate says that it does no harm, so that the second knows what its own silence leads to. Team and coach
    stay as they are. `tell` gets what each of the two led to.

    Raises:
        ConfigError: the method has no coach, a team is unknown, or hardly anybody ever held a strategy.
    """
    config = saved.config
    if not method_named(config.method.name).coach:
        coached = ", ".join(name for name, other in METHODS.items() if other.coach)
        raise ConfigError(f"method.name is {config.method.name}, which has no coach; those with one: {coached}")
    spec = task_spec(config.task.name, config.task.options)
    acting = acting_part(saved)
    team = {name: tensor for name, tensor in acting.tensors.items() if not name.startswith(NEED)}
    playing = teams or spec.teams[:1]
    weights, highest, passes = team, HOLD_HIGHEST, PASSES
    known: list[Cases] = []
    for rehearsal in range(2):
        known += rehearse(
            spec, config, weights, teams=playing, episodes=episodes, seed=seed + rehearsal, highest=highest
        )
        parts = _split(known, episodes)
        if parts is None:
            raise ConfigError(
                f"agents held a strategy at {sum(map(len, known))} coach steps in {episodes} episodes of each team"
                f" ({', '.join(playing)}), with method.T {config.method.T}: too few to learn from; give more episodes,"
                " or other teams"
            )
        learned, others = parts
        need = fit(learned, config.nets.width, passes=passes, seed=seed)
        tell(_measured(need, learned, others))
        weights = team | {f"{NEED}{name}": tensor.detach() for name, tensor in need.named_parameters()}
        highest = BETA_HIGHEST * float(np.sqrt(learned.lost.mean()))
        if highest == 0.0:
            break
        passes += PASSES // 2
    return replace(acting, tensors=weights)


def fit(cases: Cases, width: int, *, passes: int, seed: int) -> Need:
    """The network that foretells the square root of what is lost in `cases`, with the least squared error."""
    parts = [torch.from_numpy(values) for values in (cases.encoding, cases.new, cases.held)]
    lost = torch.from_numpy(cases.lost).sqrt()
    unit = lost.square().mean().sqrt()
    wanted = lost / unit if unit > 0.0 else lost
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        need = Need(width)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(need.parameters(), RATE)
    for done in range(passes):
        optimizer.param_groups[0]["lr"] = RATE * (1 - done / passes)
        drawn = torch.randint(len(wanted), (BATCH,), generator=generator)
        error = need(*(part[drawn] for part in parts)) - wanted[drawn]
        optimizer.zero_grad()
        error.square().mean().backward()
        optimizer.step()
    if unit > 0.0:
        with torch.no_grad():
            need.out.weight.mul_(unit)
            need.out.bias.mul_(unit)
    return need


def _split(known: Sequence[Cases], episodes: int) -> tuple[Cases, Cases] | None:
    """Those to learn from, and those of the last tenth of the episodes; None where there are none of either."""
    if not any(map(len, known)):
        return None
    cases = Cases.joined(known)
    apart = cases.episode % episodes >= episodes - max(1, round(HELD_OUT * episodes))
    return None if apart.all() or not apart.any() else (cases.only(~apart), cases.only(apart))


def _measured(need: Need, learned: Cases, others: Cases) -> Fit:
    with torch.inference_mode():
        parts: list[Tensor] = [torch.from_numpy(values) for values in (others.encoding, others.new, others.held)]
        wanted = np.sqrt(others.lost)
        error = need(*parts).numpy() - wanted
    spread = float(wanted.var())
    return Fit(
        cases=len(learned),
        idle=float((learned.lost == 0.0).mean()),
        explained=1.0 - float(np.square(error).mean()) / spread if spread > 0.0 else 0.0,
    )
