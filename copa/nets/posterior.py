"""The posterior q(z | trajectory, state): guesses an agent's strategy from what the agent sees and does."""

from torch import Tensor, nn

from copa.config.schema import NetSettings
from copa.nets.attention import EntityAttention
from copa.nets.coach import LOGVAR_RANGE
from copa.nets.layers import TwoLayers
from copa.nets.rows import Rows
from copa.tasks.base import TaskSpec


class Posterior(nn.Module):
    """Attention, then two two-layer heads; used in training only."""

    def __init__(self, spec: TaskSpec, settings: NetSettings) -> None:
        super().__init__()
        width = settings.width
        self.width = width
        self.attention = EntityAttention(spec, settings, "action")
        self.mean = TwoLayers(width)
        self.logvar = TwoLayers(width)

    def forward(self, rows: Rows, look: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (clamped to [-10, 0]), both [..., A, W]."""
        return self.heads(self.attention(rows, look))

    def heads(self, encoding: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance for `encoding` [..., A, W], which is 0 for an absent agent."""
        return self.mean(encoding), self.logvar(encoding).clamp(*LOGVAR_RANGE)
