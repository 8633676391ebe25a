"""Parameters in one piece of memory, so that clipping, the optimiser and target copies are a few operations."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from copa.config.schema import LearningSettings

_ALIGNMENT = 16
_CLIP_EPS = 1e-6


class Parameters:
    """The parameters of some modules as views of one vector."""

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        """Moves the parameters of `modules`; names become `module.parameter`."""
        self.named = {
            f"{prefix}.{name}": parameter
            for prefix, module in modules.items()
            for name, parameter in module.named_parameters()
        }
        self._offsets: dict[str, int] = {}
        size = 0
        for name, parameter in self.named.items():
            self._offsets[name] = size
            size += -(-parameter.numel() // _ALIGNMENT) * _ALIGNMENT
        first = next(iter(self.named.values()))
        self.vector = torch.zeros(size, device=first.device)
        for name, view in self.views(self.vector).items():
            view.copy_(self.named[name].detach())
            self.named[name].data = view

    def views(self, vector: Tensor) -> dict[str, Tensor]:
        """Parts of `vector`, laid out like the parameters, by name."""
        return {
            name: vector[offset : offset + parameter.numel()].view(parameter.shape)
            for (name, parameter), offset in zip(self.named.items(), self._offsets.values(), strict=True)
        }


class Trained(Parameters):
    """Parameters with gradients, a clip and an optimiser of their own."""

    def __init__(self, modules: Mapping[str, nn.Module], settings: LearningSettings) -> None:
        super().__init__(modules)
        self.gradient = torch.zeros_like(self.vector)
        for name, view in self.views(self.gradient).items():
            self.named[name].grad = view
        self._settings = settings
        whole = nn.Parameter(self.vector)
        whole.grad = self.gradient
        self._whole = whole
        self._optimizer: torch.optim.Optimizer
        if settings.optimizer == "adam":
            self._optimizer = torch.optim.Adam([whole], lr=settings.lr, eps=settings.optimizer_eps, fused=True)
        else:
            self._optimizer = torch.optim.RMSprop(
                [whole], lr=settings.lr, alpha=settings.rmsprop_alpha, eps=settings.optimizer_eps
            )

    def step(self, lr: float) -> Tensor:
        """Clip the gradients, step, and clear them; returns their norm before clipping.

        Where that norm is not finite, parameters stay as they are, and the optimiser sees a gradient of zeros.
        """
        norm: Tensor = torch.linalg.vector_norm(self.gradient)
        wrong = ~norm.isfinite()
        self.gradient.mul_((self._settings.clip / (norm + _CLIP_EPS)).clamp(max=1.0)).masked_fill_(wrong, 0.0)
        self._optimizer.param_groups[0]["lr"] = lr
        before = self.vector.clone()
        self._optimizer.step()
        torch.where(wrong, before, self.vector, out=self.vector)
        self.gradient.zero_()
        return norm

    def state(self, prefix: str) -> dict[str, Tensor]:
        """The optimiser's state by name; empty before the first step."""
        state: dict[str, Tensor] = {}
        for key, value in self._optimizer.state[self._whole].items():
            if value.shape == self.vector.shape:
                state.update((f"{prefix}.{key}.{name}", view) for name, view in self.views(value).items())
            else:
                state[f"{prefix}.{key}"] = value
        return state

    def load_state(self, state: Mapping[str, Tensor], prefix: str) -> None:
        """Take back what `state` gave."""
        self._optimizer.state.clear()
        if f"{prefix}.step" not in state:
            return
        values: dict[str, Tensor] = {}
        for name, tensor in state.items():
            if not name.startswith(f"{prefix}."):
                continue
            key, _, rest = name[len(prefix) + 1 :].partition(".")
            if not rest:
                values[key] = tensor.to(self.vector.device, copy=True)
                continue
            if key not in values:
                values[key] = torch.zeros_like(self.vector)
            self.views(values[key])[rest].copy_(tensor)
        self._optimizer.state[self._whole] = values
