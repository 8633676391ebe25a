"""Weights by name."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from copa.errors import MismatchError
from copa.nets.attention import EntityAttention


def load_weights(module: nn.Module, weights: Mapping[str, Tensor], prefix: str) -> None:
    """Copy `weights` named `prefix` + parameter into `module`; names with another prefix are left alone.

    Raises:
        MismatchError: a tensor is missing, unknown, or has another shape. The module is then unchanged.
    """
    wanted = dict(module.named_parameters())
    for name, parameter in wanted.items():
        tensor = weights.get(prefix + name)
        if tensor is None:
            raise MismatchError(
                f"weights: {prefix + name} {tuple(parameter.shape)} is missing; were they made with other settings"
                " (nets, method, task)?"
            )
        if tensor.shape != parameter.shape:
            raise MismatchError(
                f"weights: {prefix + name} has shape {tuple(tensor.shape)}, this configuration has"
                f" {tuple(parameter.shape)}; use the settings (nets, method, task) they were made with."
            )
    unknown = [name for name in weights if name.startswith(prefix) and name[len(prefix) :] not in wanted]
    if unknown:
        raise MismatchError(
            f"weights: {unknown[0]} {tuple(weights[unknown[0]].shape)} has no place in this configuration; use the"
            " settings (nets, method, task) they were made with."
        )
    with torch.no_grad():
        for name, parameter in wanted.items():
            parameter.copy_(weights[prefix + name])
    forget_folded(module)


def forget_folded(module: nn.Module) -> None:
    """Have every attention of `module` fold its weights anew; to be called after they have changed."""
    for part in module.modules():
        if isinstance(part, EntityAttention):
            part.forget()
