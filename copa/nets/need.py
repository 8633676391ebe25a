"""Need: what a player loses that is left with the strategy it holds."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from copa.communication import Measure, distance
from copa.nets.weights import load_weights
from copa.tasks.base import Floats

NEED = "need."
"""What the names of its weights begin with, beside `player.…` and `coach.…`."""


class Need(nn.Module):
    """Foretells the loss from what the coach sees, the new strategy, and how far the one that is held lies from it.

    It is in units of the square root of the player's own Q: a strategy that is held without harm costs 0
    (`copa.need`).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(3 * width, 2 * width)
        self.second = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, 1)

    @property
    def layers(self) -> tuple[nn.Linear, ...]:
        """The layers, a ReLU between each and the next."""
        return self.first, self.second, self.out

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


def need_among(weights: Mapping[str, Tensor], width: int) -> Need | None:
    """The network that has its weights (`need.…`) among `weights`; None where there are none.

    Raises:
        MismatchError: they are not those of strategies of `width` numbers.
    """
    if not any(name.startswith(NEED) for name in weights):
        return None
    with torch.random.fork_rng(devices=[]):
        need = Need(width)
    load_weights(need, weights, NEED)
    return need.eval()


def measure_of(need: Need | None, encoding: Floats) -> Measure:
    """What new strategies for the scenes encoded as `encoding` [B, A, W] are weighed by: the need of them, or, where no
    network foretells it, their distance to those held."""
    return distance if need is None else _Foretold(need, encoding)


class _Foretold:
    """`Need.forward` by arrays: as many games as a caller has, and no kernel kept for each number of them."""

    def __init__(self, need: Need, encoding: Floats) -> None:
        self._need, self._encoding = need, encoding

    def __call__(self, new: Floats, held: Floats) -> Floats:
        """[B, A] for `new` and `held` [B, A, W]."""
        *hidden, (weight, bias) = [
            (layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in self._need.layers
        ]
        values = np.concatenate([self._encoding, new, new - held], -1)
        for each, offset in hidden:
            values = np.maximum(values @ each.T + offset, 0.0)
        foretold: Floats = (values @ weight.T + bias)[..., 0]
        return foretold
