"""The networks' other layers, with gradients written out: fewer passes over wide arrays than autograd takes."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from copa.nets.attend import BLOCK_NUMBERS


class TwoLayers(nn.Module):
    """Linear, ReLU, Linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., W] from `inputs` [..., W]."""
        flat = inputs.reshape(-1, inputs.shape[-1])
        weights = (self.first.weight, self.first.bias, self.second.weight, self.second.bias)
        if torch.is_grad_enabled():
            output: Tensor = _TwoLayers.apply(flat, *weights)  # type: ignore[no-untyped-call]
        else:
            output = _two_layers(flat, *weights)[0]
        return output.view(inputs.shape)

    def hidden(self, inputs: Tensor) -> Tensor:
        """The hidden layer alone."""
        return functional.relu_(self.first(inputs))


def _blocks(rows: Tensor) -> Iterator[slice]:
    """Rows in blocks that fit a cache; all at once on a GPU."""
    count = len(rows)
    size = max(count if rows.is_cuda else BLOCK_NUMBERS // rows.shape[1], 1)
    for start in range(0, count, size):
        yield slice(start, start + size)


def _two_layers(
    inputs: Tensor, first: Tensor, first_bias: Tensor, second: Tensor, second_bias: Tensor
) -> tuple[Tensor, Tensor]:
    """The output and the hidden layer."""
    hidden = inputs.new_empty(len(inputs), len(first))
    output = inputs.new_empty(len(inputs), len(second))
    for block in _blocks(inputs):
        torch.addmm(first_bias, inputs[block], first.T, out=hidden[block])
        torch.addmm(second_bias, hidden[block].relu_(), second.T, out=output[block])
    return output, hidden


class _TwoLayers(Function):
    """`TwoLayers` with its gradient."""

    @staticmethod
    def forward(ctx: Any, *arguments: Tensor) -> Tensor:
        output, hidden = _two_layers(*arguments)
        ctx.save_for_backward(hidden, *arguments)
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, ...]:
        hidden, inputs, first, first_bias, second, second_bias = ctx.saved_tensors
        to_inputs = torch.empty_like(inputs)
        to_first, to_first_bias = torch.zeros_like(first), torch.zeros_like(first_bias)
        to_second, to_second_bias = torch.zeros_like(second), torch.zeros_like(second_bias)
        for block in _blocks(inputs):
            arriving, active = gradient[block], hidden[block]
            to_second.addmm_(arriving.T, active)
            to_second_bias += arriving.sum(0)
            to_hidden = (arriving @ second).mul_(active > 0)
            to_first.addmm_(to_hidden.T, inputs[block])
            to_first_bias += to_hidden.sum(0)
            torch.mm(to_hidden, first, out=to_inputs[block])
        return to_inputs, to_first, to_first_bias, to_second, to_second_bias


def gru(
    inputs: Tensor, memory: Tensor, input_weight: Tensor, memory_weight: Tensor, bias: Tensor, memory_bias: Tensor
) -> Tensor:
    """A GRU cell, [P, W], with the parameters of `torch.nn.GRUCell` in its order.

    Args:
        inputs, memory: [P, W].
        input_weight, memory_weight: [3 W, W].
        bias, memory_bias: [3 W].
    """
    if torch.is_grad_enabled():
        output: Tensor = _GRU.apply(  # type: ignore[no-untyped-call]
            inputs, memory, input_weight, memory_weight, bias, memory_bias
        )
        return output
    return _gru(inputs, memory, input_weight, memory_weight, bias, memory_bias)[0]


def _gru(
    inputs: Tensor, memory: Tensor, input_weight: Tensor, memory_weight: Tensor, bias: Tensor, memory_bias: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The output, the gates [P, 2 W], the candidate [P, W], and the memory's part of it before its gate [P, W]."""
    width = memory.shape[1]
    both = 2 * width
    gates = torch.addmm(bias[:both] + memory_bias[:both], inputs, input_weight[:both].T)
    gates = gates.addmm_(memory, memory_weight[:both].T).sigmoid_()
    recalled = torch.addmm(memory_bias[both:], memory, memory_weight[both:].T)
    candidate = torch.addmm(bias[both:], inputs, input_weight[both:].T)
    candidate = candidate.addcmul_(gates[:, :width], recalled).tanh_()
    return torch.lerp(candidate, memory, gates[:, width:]), gates, candidate, recalled


class _GRU(Function):
    """`gru` with its gradient."""

    @staticmethod
    def forward(ctx: Any, *arguments: Tensor) -> Tensor:
        output, gates, candidate, recalled = _gru(*arguments)
        inputs, memory, input_weight, memory_weight, _, _ = arguments
        ctx.save_for_backward(inputs, memory, input_weight, memory_weight, gates, candidate, recalled)
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, memory, input_weight, memory_weight, gates, candidate, recalled = ctx.saved_tensors
        width = memory.shape[1]
        both = 2 * width
        reset, update = gates[:, :width], gates[:, width:]
        kept = gradient * update
        before = gradient.new_empty(gradient.shape[0], 3 * width)
        through = before[:, both:]
        torch.sub(gradient, kept, out=through)
        through.addcmul_(through * candidate, candidate, value=-1)
        to_gates = before[:, :both]
        torch.mul(through, recalled, out=to_gates[:, :width])
        torch.mul(gradient, memory - candidate, out=to_gates[:, width:])
        to_gates.mul_(gates).addcmul_(to_gates, gates, value=-1)
        to_recalled = through * reset
        to_inputs = before @ input_weight if ctx.needs_input_grad[0] else None
        to_memory = None
        if ctx.needs_input_grad[1]:
            to_memory = kept.addmm_(to_gates, memory_weight[:both]).addmm_(to_recalled, memory_weight[both:])
        to_input_weight = before.T @ inputs
        to_memory_weight = torch.cat([to_gates.T @ memory, to_recalled.T @ memory])
        to_bias = before.sum(0)
        to_memory_bias = torch.cat([to_bias[:both], to_recalled.sum(0)])
        return to_inputs, to_memory, to_input_weight, to_memory_weight, to_bias, to_memory_bias
