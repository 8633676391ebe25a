"""The random draws of an update, so that an update can be repeated to the letter."""

from dataclasses import dataclass

import torch
from torch import Tensor

from copa.learning.batch import Part


@dataclass(frozen=True, slots=True)
class Noise:
    """Draws for a whole batch; agent slots in the task's order."""

    strategy: Tensor | None = None
    """[N, slots, W] standard normal, for the coach's strategies."""
    target_strategy: Tensor | None = None
    """[N, slots, W], for the target coach's at the segment's start."""
    target_next: Tensor | None = None
    """[N, slots, W], for the target coach's at step T."""
    groups: Tensor | None = None
    """[N, slots + E] bool, entities in the first group of an imagined split."""
    spoken: Tensor | None = None
    """[N, P - 1, slots] bool, to whom the coach speaks at the coach steps inside a segment of P periods."""


@dataclass(frozen=True, slots=True)
class PartNoise:
    """Draws for one part of a batch; agent slots in its own order."""

    strategy: Tensor
    """[N, A, W]"""
    absent_strategy: Tensor
    """[N, slots - A, W], for slots that were cut away; no slots where nothing needs them."""
    target_strategy: Tensor
    """[N, A, W]"""
    target_next: Tensor
    """[N, A, W]"""
    groups: Tensor
    """[N, A + E] bool"""
    spoken: Tensor | None = None
    """[P - 1, N, A] bool; None for segments of one period."""


def draw(
    part: Part,
    slots: int,
    width: int,
    generator: torch.Generator,
    *,
    absent: bool,
    split: str = "entities",
    periods: int = 1,
    hold: float = 0.0,
) -> PartNoise:
    """Fresh draws for `part`.

    Args:
        slots: agent slots of the task.
        absent: whether slots that were cut away need strategies too.
        split: `method.refil_split`. An entity is in the first group with probability 1/2 (`entities`, published), or
            with one that is itself drawn for each segment, so that all group sizes are as likely (`both`, REFIL).
        periods: P, coach steps in the segment.
        hold: probability that the coach is silent to a player at a coach step inside the segment.
    """
    count, own = part.previous.shape
    device = part.rewards.device
    others = slots - own if absent else 0
    normal = torch.randn(count, 3 * own + others, width, generator=generator, device=device)
    strategy, target_strategy, target_next, absent_strategy = torch.split(normal, [own, own, own, others], 1)
    coins = torch.rand(count, part.present.shape[-1], generator=generator, device=device)
    likely = torch.rand(count, 1, generator=generator, device=device) if split == "both" else 0.5
    spoken = None
    if periods > 1:
        spoken = torch.rand(periods - 1, count, own, generator=generator, device=device) >= hold
    return PartNoise(strategy, absent_strategy, target_strategy, target_next, coins < likely, spoken)


def select(noise: Noise, part: Part, slots: int, width: int, *, absent: bool) -> PartNoise:
    """What `noise` holds for `part`; zeros for what it leaves out."""
    count, own = part.previous.shape
    rows = part.segments if part.segments is not None else torch.arange(count, device=part.rewards.device)
    order = part.order if part.order is not None else torch.arange(slots, device=rows.device).expand(count, -1)

    def normal(values: Tensor | None) -> Tensor:
        if values is None:
            return torch.zeros(count, slots, width, device=rows.device)
        return values[rows].gather(1, order.unsqueeze(-1).expand(-1, -1, width))

    strategy = normal(noise.strategy)
    entities = part.entities.shape[2]
    groups = torch.zeros(count, own + entities, dtype=torch.bool, device=rows.device)
    if noise.groups is not None:
        chosen = noise.groups[rows]
        groups = torch.cat([chosen[:, :slots].gather(1, order)[:, :own], chosen[:, slots:]], 1)
    spoken = None
    if noise.spoken is not None:
        told = noise.spoken[rows].transpose(0, 1)
        spoken = told.gather(2, order.expand(len(told), -1, -1))[:, :, :own]
    absent_strategy = strategy[:, own:] if absent else strategy[:, :0]
    return PartNoise(
        strategy[:, :own],
        absent_strategy,
        normal(noise.target_strategy)[:, :own],
        normal(noise.target_next)[:, :own],
        groups,
        spoken,
    )
