"""Layers whose gradients are written out, against PyTorch's own."""

import pytest
import torch
from torch import nn

from copa.learning.variational import log_likelihood
from copa.nets import layers
from copa.nets.layers import TwoLayers, gru


def test_gru() -> None:
    torch.manual_seed(0)
    cell = nn.GRUCell(6, 6).double()
    inputs, memory = (torch.randn(7, 6, dtype=torch.float64, requires_grad=True) for _ in range(2))
    parameters = [cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh]
    ours, theirs = gru(inputs, memory, *parameters), cell(inputs, memory)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn_like(ours)
    everything = [inputs, memory, *parameters]
    mine = torch.autograd.grad((ours * weight).sum(), everything)
    reference = torch.autograd.grad((theirs * weight).sum(), everything)
    for one, other in zip(mine, reference, strict=True):
        torch.testing.assert_close(one, other)


def test_two_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "BLOCK_NUMBERS", 3 * 6)
    torch.manual_seed(0)
    net = TwoLayers(6).double()
    reference_net = nn.Sequential(net.first, nn.ReLU(), net.second)
    inputs = torch.randn(2, 5, 6, dtype=torch.float64, requires_grad=True)
    ours, theirs = net(inputs), reference_net(inputs)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn_like(ours)
    everything = [inputs, *net.parameters()]
    mine = torch.autograd.grad((ours * weight).sum(), everything)
    reference = torch.autograd.grad((theirs * weight).sum(), everything)
    for one, other in zip(mine, reference, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("steps", [1, 3])
def test_log_likelihood(steps: int) -> None:
    torch.manual_seed(0)
    values = (torch.randn(steps, 4, 5, dtype=torch.float64) * 3).requires_grad_()
    mean = torch.randn(3, 4, 5, dtype=torch.float64, requires_grad=True)
    logvar = (torch.rand(3, 4, 5, dtype=torch.float64) * -10).requires_grad_()
    ours = log_likelihood(values, mean, logvar)
    normal = torch.distributions.Normal(mean, torch.exp(logvar / 2))
    theirs = normal.log_prob(values.expand_as(mean)).clamp(-1000, 0).sum(-1)
    assert (normal.log_prob(values.expand_as(mean)) < -1000).any()
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn_like(ours)
    mine = torch.autograd.grad((ours * weight).sum(), [values, mean, logvar])
    reference = torch.autograd.grad((theirs * weight).sum(), [values, mean, logvar])
    for one, other in zip(mine, reference, strict=True):
        torch.testing.assert_close(one, other)
