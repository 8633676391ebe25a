"""Need: what a player loses that is left with the strategy it holds."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from copa.tasks.base import Floats


class Need(nn.Module):
    """Foretells the loss from what the coach sees, the new strategy, and how far the one that is held lies from it.

    It is in the unit of the square root of Q_tot: a strategy held needlessly costs 0.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(3 * width, 2 * width)
        self.second = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, encoding: Tensor, new: Tensor, held: Tensor) -> Tensor:
        """[..., A].

        Args:
            encoding: [..., A, W], the coach's.
            new: [..., A, W], means of the strategies for the scene that was encoded.
            held: [..., A, W], what players hold.
        """
        hidden = functional.relu(self.first(torch.cat([encoding, new, new - held], -1)))
        need: Tensor = self.out(functional.relu(self.second(hidden))).squeeze(-1)
        return need


class NeedMeasure:
    """Need of the new strategies of B games, by arrays (`copa.communication.Measure`)."""

    def __init__(self, need: Need, encoding: Tensor) -> None:
        self._need, self._encoding = need, encoding

    def __call__(self, new: Floats, held: Floats) -> Floats:
        """[B, A] for `new` and `held` [B, A, W]."""
        with torch.inference_mode():
            needed: Floats = self._need(self._encoding, torch.from_numpy(new), torch.from_numpy(held)).numpy()
        return needed
