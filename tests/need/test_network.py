"""The network that foretells need."""

import numpy as np
import pytest
import torch

from copa.communication import distance
from copa.errors import MismatchError
from copa.nets import Need, measure_of, need_among

W = 8


def test_arrays_foretell_what_the_network_does() -> None:
    need = Need(W)
    generator = torch.Generator().manual_seed(0)
    encoding, new, held = (torch.randn(5, 4, W, generator=generator) for _ in range(3))
    foretold = measure_of(need, encoding.numpy())(new.numpy(), held.numpy())
    np.testing.assert_allclose(foretold, need(encoding, new, held).detach().numpy(), atol=1e-6)
    assert measure_of(None, encoding.numpy()) is distance


def test_it_is_there_where_its_weights_are() -> None:
    need = Need(W)
    others = {"player.value.bias": torch.zeros(3)}
    weights = others | {f"need.{name}": tensor for name, tensor in need.state_dict().items()}
    before = torch.get_rng_state()
    found = need_among(weights, W)
    assert found is not None
    assert torch.equal(torch.get_rng_state(), before)
    for name, tensor in need.state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor)
    assert need_among(others, W) is None
    with pytest.raises(MismatchError, match=r"need.first.weight has shape \(16, 24\)"):
        need_among(weights, W + 1)
    del weights["need.out.bias"]
    with pytest.raises(MismatchError, match=r"need.out.bias .* is missing"):
        need_among(weights, W)
