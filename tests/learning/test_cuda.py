"""The same update on a GPU, without waiting for it."""

import numpy as np
import pytest
import torch

from copa.learning import Noise, UpdateRule, to_device
from copa.methods import METHODS
from tests.learning.rules import FORMS, config_of, noise_for, update
from tests.learning.segments import SPEC, changing, steady

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_cuda_agrees_with_cpu(method: str, form: dict[str, object]) -> None:
    """And an update never waits for the device."""
    device = torch.device("cuda")
    config = config_of(method, optimizer_eps=1.0, **form)
    reference = update(config, changing(8))
    rule = UpdateRule(SPEC, config, device)
    noise = noise_for(8)
    moved = Noise(*(None if part is None else part.to(device) for part in _draws(noise)))
    batch = to_device(changing(8), device, pinned=True)
    UpdateRule(SPEC, config, device).update(batch, progress=0.0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        outcome = rule.update(batch, progress=0.0, noise=moved)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(outcome.scalars(), reference[0].scalars(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_goes_on_where_it_stopped(optimizer: str) -> None:
    """Two updates are as one, a save, a load into another rule, and one more."""
    device = torch.device("cuda")
    config = config_of(optimizer=optimizer, target_rate=0.1, optimizer_eps=1.0)
    batch = to_device(steady(), device)
    whole, second = UpdateRule(SPEC, config, device), UpdateRule(SPEC, config, device)
    whole.update(batch, progress=0.1)
    second.load(whole.state())
    for rule in (whole, second):
        rule.update(batch, progress=0.1)
    one, other = whole.state(), second.state()
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.parametrize("devices", [("cpu", "cuda"), ("cuda", "cpu")])
def test_goes_on_elsewhere(optimizer: str, devices: tuple[str, str]) -> None:
    config = config_of(optimizer=optimizer, optimizer_eps=1.0)
    first, second = (UpdateRule(SPEC, config, torch.device(name)) for name in devices)
    first.update(to_device(steady(), first.device), progress=0.0)
    state = first.state()
    second.load(state)
    taken = second.state()
    assert taken.keys() == state.keys()
    assert all(torch.equal(taken[name], state[name]) for name in state if name != "generator")
    assert np.isfinite(list(second.update(to_device(steady(), second.device), progress=0.0).scalars().values())).all()


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_a_batch_that_is_not_finite_changes_no_parameter(optimizer: str) -> None:
    device = torch.device("cuda")
    rule = UpdateRule(SPEC, config_of(optimizer=optimizer), device)
    first = rule.weights()
    segments = steady()
    segments.rewards[0, 0] = float("nan")
    rule.update(to_device(segments, device), progress=0.0)
    assert all(torch.equal(first[name], tensor) for name, tensor in rule.weights().items())
    assert all(tensor.isfinite().all() for tensor in rule.state().values())


def _draws(noise: Noise) -> tuple[torch.Tensor | None, ...]:
    return noise.strategy, noise.target_strategy, noise.target_next, noise.groups
