"""Running averages of the weights: what they are of, and that learning does not know of them."""

import torch

from copa.learning import UpdateRule, to_device
from tests.learning.rules import CPU, config_of, update
from tests.learning.segments import SPEC, changing, steady


def test_averages_are_the_mean_of_the_first_parameters_and_then_follow() -> None:
    rule = UpdateRule(SPEC, config_of(averaging_rate=0.4), CPU)
    learned = []
    for seed in range(3):
        rule.update(to_device(steady(seed=seed), CPU), progress=0.0)
        learned.append(rule.state())
    state = rule.state()
    for net in ("player", "mixer", "coach"):
        names = [name for name in state if name.startswith(f"{net}.")]
        assert names
        for name in names:
            mean = (learned[0][name] + learned[1][name]) / 2
            torch.testing.assert_close(state[f"averaged_{name}"], torch.lerp(mean, learned[2][name], 0.4))
    averages, weights = rule.averages(), rule.weights()
    assert averages is not None
    assert averages.keys() == weights.keys()
    assert all(torch.equal(averages[name], state[f"averaged_{name}"]) for name in averages)
    assert all(torch.equal(weights[name], state[name]) for name in weights)


def test_averages_change_nothing_that_is_learned() -> None:
    averaged, plain = (update(config_of(averaging_rate=rate), changing())[1] for rate in (0.1, 1.0))
    assert averaged.keys() - plain.keys() == {f"averaged_{name}" for name in plain if f"target_{name}" in plain}
    for name, tensor in plain.items():
        torch.testing.assert_close(averaged[name], tensor, rtol=1e-5, atol=1e-7)


def test_averages_begin_with_the_learned_parameters_of_a_checkpoint_without_any() -> None:
    plain = UpdateRule(SPEC, config_of(), CPU)
    plain.update(to_device(steady(), CPU), progress=0.0)
    rule = UpdateRule(SPEC, config_of(averaging_rate=0.1), CPU)
    rule.load(plain.state())
    averages = rule.averages()
    assert averages is not None
    assert all(torch.equal(averages[name], tensor) for name, tensor in plain.weights().items())
    rule.update(to_device(steady(seed=1), CPU), progress=0.0)
    plain.load(rule.state())
    assert plain.averages() is None
    assert all(torch.equal(tensor, rule.state()[name]) for name, tensor in plain.weights().items())
