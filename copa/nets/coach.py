"""The coach: sees everything, and gives each player a strategy."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from copa.config.schema import NetSettings
from copa.nets.attention import EntityAttention
from copa.nets.player import occupied, without_slots
from copa.nets.rows import Rows, build_rows
from copa.tasks.base import TaskSpec

LOGVAR_RANGE = (-10.0, 0.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """Distributions of strategies, all [..., A, W]."""

    mean: Tensor
    logvar: Tensor
    """Clamped to [-10, 0]."""
    encoding: Tensor
    """What the coach's attention made of the scene; the mixer reads it too."""

    def sample(self, noise: Tensor) -> Tensor:
        """`mean + standard deviation * noise`, differentiable."""
        return self.mean + torch.exp(self.logvar / 2) * noise


class Coach(nn.Module):
    """Attention over all that is present, then mean and log-variance of each agent's strategy."""

    def __init__(self, spec: TaskSpec, settings: NetSettings) -> None:
        super().__init__()
        self.spec = spec
        self.represents_cut = settings.attention == "published"
        self.attention = EntityAttention(spec, settings, "none")
        self.mean = nn.Linear(settings.width, settings.width)
        self.logvar = nn.Linear(settings.width, settings.width)
        if settings.logvar_start is not None:
            nn.init.constant_(self.logvar.bias, settings.logvar_start)

    def encode(self, rows: Rows, look: Tensor) -> Tensor:
        """The encoding [..., A, W]; 0 for absent agents."""
        encoding: Tensor = self.attention(rows, look)
        return encoding

    def plan(self, encoding: Tensor) -> Plan:
        """Strategies for encoded scenes [..., A, W]."""
        return Plan(self.mean(encoding), self.logvar(encoding).clamp(*LOGVAR_RANGE), encoding)

    def forward(self, agents: Tensor, traits: Tensor, entities: Tensor, present: Tensor) -> Plan:
        """Strategies for B games.

        Args:
            agents, traits, entities: as a `View` holds them (raw).
            present: [B, A, A+E] bool.
        """
        return self.plan(self.see(agents, traits, entities, present))

    def see(self, agents: Tensor, traits: Tensor, entities: Tensor, present: Tensor) -> Tensor:
        """The encoding [B, A, W] of raw scenes, for which `mean` is the strategies' mean; arguments as in `forward`."""
        members = present.any(-1)
        slots = occupied(members)
        cut = members.shape[-1] - slots
        rows = build_rows(
            self.spec,
            agents[..., :slots, :],
            traits[..., :slots, :],
            entities,
            members[..., :slots],
            cut=cut if self.represents_cut else 0,
        )
        encoding = self.encode(rows, rows.look(without_slots(present, slots), self.attention.heads))
        return nn.functional.pad(encoding, (0, 0, 0, cut))
