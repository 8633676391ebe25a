"""The mixer: from the players' utilities to the team's, monotonic in each, for any number of agents."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from copa.config.schema import NetSettings
from copa.nets.attention import EntityAttention
from copa.nets.layers import TwoLayers
from copa.nets.rows import Rows
from copa.tasks.base import TaskSpec


@dataclass(frozen=True, slots=True)
class Mixing:
    """The weights that mix the utilities of one view each; leading dimensions are arbitrary."""

    first: Tensor
    """[..., A, W], positive."""
    first_bias: Tensor
    """[..., W]"""
    second: Tensor
    """[..., W], positive."""
    second_bias: Tensor
    """[...]"""
    factors: Tensor
    """[..., A], what `first` is to be multiplied by: 0 for absent agents."""

    def total(self, utilities: Tensor) -> Tensor:
        """Q_tot [...] of `utilities` [..., A]."""
        mixed = ((utilities * self.factors).unsqueeze(-2) @ self.first).squeeze(-2) + self.first_bias
        return (functional.elu(mixed) * self.second).sum(-1) + self.second_bias


class HyperNets(nn.Module):
    """Four two-layer networks, from an agent's encoding to its part of the mixing weights.

    What is averaged over agents is averaged before a network's second, linear, layer: the same function on fewer rows.
    """

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        width = settings.width
        self.scale = float(width) if settings.mixer == "scaled" else 1.0
        self.first, self.first_bias, self.second, self.second_bias = (TwoLayers(width) for _ in range(4))

    def first_weights(self, encoding: Tensor) -> Tensor:
        """[..., A, W] from `encoding` [..., A, W]."""
        return torch.softmax(self.first(encoding), -1)

    def forward(self, encodings: Sequence[Tensor], members: Tensor) -> Mixing:
        """The mixing weights.

        Args:
            encodings: [..., A, W] for each of the four networks, in the order of `Mixing`.
            members: [..., A] bool.
        """
        share = members / members.sum(-1, keepdim=True).clamp(min=1)
        some = members.any(-1)
        first_bias = self.first_bias.second(_averaged(share, self.first_bias.hidden(encodings[1])))
        last = self.second_bias.second
        second_bias = _averaged(share, self.second_bias.hidden(encodings[3])) @ last.weight.mean(0) + last.bias.mean()
        return Mixing(
            first=self.first_weights(encodings[0]),
            first_bias=first_bias * some.unsqueeze(-1),
            second=_averaged(share, torch.softmax(self.second(encodings[2]), -1)),
            second_bias=second_bias * some,
            factors=members * self.scale,
        )


def _averaged(share: Tensor, values: Tensor) -> Tensor:
    """`values` [..., A, W] summed over agents with weights `share` [..., A]."""
    return (share.unsqueeze(-2) @ values).squeeze(-2)


@dataclass(frozen=True, slots=True)
class Situation:
    """What a mixer may look at; leading dimensions are arbitrary."""

    rows: Rows
    present: Tensor
    """What the coach and mixers may look at, from `Rows.look`."""
    encoding: Tensor | None
    """[..., A, W], the coach's, of the same views; None without a coach."""
    groups: tuple[Tensor, ...] = ()
    """The same under each half of an imagined split."""


class CoachMixer(nn.Module):
    """Monotonic, with mixing weights from the coach's encoding of the current step."""

    def __init__(self, settings: NetSettings) -> None:
        super().__init__()
        self.nets = HyperNets(settings)

    def forward(self, utilities: Sequence[Tensor], situation: Situation) -> list[Tensor]:
        """See `mix`; there is no imagined split."""
        assert situation.encoding is not None
        mixing: Mixing = self.nets([situation.encoding] * 4, situation.rows.members)
        return [mixing.total(utilities[0])]


class AttentionMixer(nn.Module):
    """Monotonic, without a coach: each hyper-network has an attention encoder of its own."""

    def __init__(self, spec: TaskSpec, settings: NetSettings) -> None:
        super().__init__()
        self.nets = HyperNets(settings)
        self.encoders = nn.ModuleList(EntityAttention(spec, settings, "none") for _ in range(4))

    def forward(self, utilities: Sequence[Tensor], situation: Situation) -> list[Tensor]:
        """See `mix`; the imagined total has its first weights under each group's mask, and the rest from the real."""
        rows, present, groups = situation.rows, situation.present, situation.groups
        first = self.encoders[0](rows, present, *groups)
        others = [encoder(rows, present) for encoder in self.encoders[1:]]
        real: Mixing = self.nets([first[0] if groups else first, *others], rows.members)
        if not groups:
            return [real.total(utilities[0])]
        parts = [self.nets.first_weights(encoding) for encoding in first[1:]]
        factors = torch.cat([real.factors] * len(parts), -1)
        imagined = Mixing(torch.cat(parts, -2), real.first_bias, real.second, real.second_bias, factors)
        return [real.total(utilities[0]), imagined.total(torch.cat(list(utilities[1:]), -1))]


class SumMixer(nn.Module):
    """A plain sum of the utilities of present agents; no parameters."""

    def forward(self, utilities: Sequence[Tensor], situation: Situation) -> list[Tensor]:
        """See `mix`."""
        members = situation.rows.members
        totals = [(values * members).sum(-1) for values in utilities]
        return [totals[0]] if len(totals) == 1 else [totals[0], torch.stack(totals[1:]).sum(0)]


Mixer = CoachMixer | AttentionMixer | SumMixer


def mix(mixer: Mixer, utilities: Sequence[Tensor], situation: Situation) -> list[Tensor]:
    """Q_tot [...] of the real utilities and, where there are imagined ones, of those together.

    Args:
        utilities: [..., A] each: the real ones, then those under each of `situation.groups`.
    """
    totals: list[Tensor] = mixer(utilities, situation)
    return totals
