"""The learning rule: who has influence, what settings change, and that it goes on where it stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from copa.config.schema import LearningSettings, MethodSettings
from copa.errors import MismatchError
from copa.learning import UpdateRule, to_device
from copa.learning.noise import draw
from copa.learning.scene import build_scene, imagined_split
from copa.learning.targets import td_targets
from copa.learning.variational import strategy_steps
from copa.methods import METHODS
from tests.learning.rules import CPU, FORMS, W, close, config_of, noise_for, update
from tests.learning.segments import SPEC, changing, padded, steady


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("make", [steady, changing])
def test_layout_does_not_matter(method: str, form: dict[str, object], make: object) -> None:
    """Cut to the slots occupied, in parts by team size, or neither: the same update."""
    config = config_of(method, optimizer_eps=1.0, **form)
    segments = make(8)  # type: ignore[operator]
    uncut = update(config, segments, cut=False)
    close(update(config, segments), uncut)
    close(update(config, segments, part_segments=1), uncut)


@pytest.mark.parametrize("method", ["copa", "refil"])
@pytest.mark.parametrize("average", ["published", "present"])
@pytest.mark.parametrize("make", [steady, changing])
def test_absent_slots_and_padding_have_no_influence(method: str, average: str, make: object) -> None:
    config = config_of(method, average=average, optimizer_eps=1.0)
    segments = padded(make(8), [2, 3, 4], False)  # type: ignore[operator]
    reference = update(config, segments)
    absent = ~segments.present.any(-1)
    agents, traits, actions = segments.agents.copy(), segments.traits.copy(), segments.actions.copy()
    agents[absent], traits[absent] = 7.0, 7.0
    actions[absent[:, :-1]] = 2
    close(update(config, replace(segments, agents=agents, traits=traits, actions=actions)), reference)
    close(update(config, padded(make(8), [2, 3, 4], False, junk=5.0)), reference)  # type: ignore[operator]


@pytest.mark.parametrize("method", ["copa", "aqmix"])
def test_a_padded_batch_is_the_mean_of_its_real_steps(method: str) -> None:
    """Segments of two real steps, padded to four, are what they are with T = 2 (without the second strategy)."""
    long = padded(steady(), [2], True)
    short = replace(
        long,
        **{
            name: getattr(long, name)[:, :3]
            for name in ("agents", "traits", "entities", "visible", "present", "available")
        },
        actions=long.actions[:, :2],
        rewards=long.rewards[:, :2],
    )
    one, two = update(config_of(method), long), update(config_of(method, T=2), short)
    torch.testing.assert_close(one[0].scalars(), two[0].scalars(), rtol=1e-4, atol=1e-6)


def test_targets() -> None:
    rewards = torch.tensor([[1.0], [2.0], [3.0]])
    values = torch.tensor([[10.0], [20.0], [30.0]])

    def target(length: int, terminated: bool, td_lambda: float) -> list[float]:
        result = td_targets(
            rewards, values, torch.tensor([length]), torch.tensor([terminated]), gamma=0.5, td_lambda=td_lambda
        )
        return result[:length, 0].tolist()

    assert target(3, False, 0.0) == [6.0, 12.0, 18.0]
    assert target(3, True, 0.0) == [6.0, 12.0, 3.0]
    assert target(2, True, 0.0) == [6.0, 2.0]
    assert target(2, False, 0.0) == [6.0, 12.0]
    assert target(3, False, 1.0) == [1 + 0.5 * (2 + 0.5 * 18), 2 + 0.5 * 18, 18.0]
    assert target(3, True, 0.5) == [1 + 0.5 * (5 + 0.5 * (2 + 0.5 * (10 + 1.5))), 2 + 0.5 * (10 + 1.5), 3.0]
    assert target(2, False, 1.0) == [1 + 0.5 * 12, 12.0]


def test_terminal_target_is_the_scaled_reward_alone() -> None:
    segments = padded(steady(), [2, 4], True)
    outcome, _ = update(config_of(reward_scale=3.0), segments)
    rows = np.arange(len(segments))
    last = segments.lengths - 1
    expected = torch.from_numpy(3 * segments.rewards[rows, last])
    torch.testing.assert_close(outcome.td_target[rows, last], expected)
    going_on, _ = update(config_of(reward_scale=3.0), replace(segments, terminated=np.zeros_like(segments.terminated)))
    assert not torch.isclose(going_on.td_target[rows, last], expected).any()


def test_strategy_steps() -> None:
    members = torch.tensor([[1, 0, 0, 1, 1], [1, 1, 0, 0, 1], [1, 1, 0, 1, 0], [1, 1, 0, 1, 1]], dtype=torch.bool)
    steps = strategy_steps(members.unsqueeze(1)).squeeze(1)
    assert steps[:, 0].tolist() == [0, 0, 0, 0]
    assert steps[:, 1].tolist() == [0, 1, 1, 1]
    assert steps[2:, 3].tolist() == [2, 2]
    assert steps[3, 4] == 3


def test_a_fresh_joiner_reads_the_coach_where_it_joined() -> None:
    """Its features at the joining step matter for its strategy; published, the strategy is its empty slot's."""
    config = config_of("copa-novi", T=4, nets={"mixer": "sum"})
    fresh, published = (
        UpdateRule(SPEC, config.model_copy(update={"learning": LearningSettings(joiner=form)}), CPU)
        for form in ("fresh", "published")
    )
    segments, noise = changing(), noise_for(6)
    batch = to_device(segments, CPU)
    one, other = (rule.update(batch, progress=0.0, noise=noise) for rule in (fresh, published))
    torch.testing.assert_close(one.q_tot[:, :2], other.q_tot[:, :2])
    assert (one.q_tot[:, 2:] - other.q_tot[:, 2:]).abs().min() > 1e-6
    bootstrapped = (one.td_target - other.td_target).abs()
    assert bootstrapped[:, 1:3].min() > 1e-6
    assert bootstrapped[:, [0, 3]].max() < 1e-6
    still = to_device(steady(), CPU)
    one, other = (
        UpdateRule(SPEC, rule.config, CPU).update(still, progress=0.0, noise=noise) for rule in (fresh, published)
    )
    torch.testing.assert_close(one.q_tot, other.q_tot, rtol=0, atol=0)


SETTINGS: list[dict[str, object]] = [
    {"gamma": 0.9},
    {"td_lambda": 0.7},
    {"double_q": True},
    {"reward_scale": 0.2},
    {"reward_scale": None},
    {"optimizer": "adam"},
    {"lr": 1e-3},
    {"rmsprop_alpha": 0.9},
    {"optimizer_eps": 1e-2},
    {"clip": 0.01},
    {"target_every": 1},
    {"target_rate": 0.1},
    {"lambda1": 0.1},
    {"lambda2": 0.1},
    {"average": "present"},
    {"joiner": "published"},
    {"segment_start": "stored"},
    {"nets": {"attention": "masked"}},
    {"nets": {"attention_norm": True}},
    {"nets": {"attention_skip": True}},
    {"nets": {"memory": "gru"}},
    {"nets": {"strategy_input": "hyper"}},
    {"nets": {"mixer": "scaled"}},
    {"nets": {"mixer": "sum"}},
    {"nets": {"logvar_start": -4.0}},
]


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_every_setting_changes_the_update(setting: dict[str, object]) -> None:
    segments = changing(width=W)
    reference, changed = update(config_of(), segments)[1], update(config_of(**setting), segments)[1]
    common = [
        name
        for name in reference.keys() & changed.keys()
        if reference[name].shape == changed[name].shape and name not in ("updates", "generator")
    ]
    assert any(not torch.equal(reference[name], changed[name]) for name in common)
    assert all(tensor.isfinite().all() for name, tensor in changed.items() if tensor.is_floating_point())


def test_double_q_chooses_with_the_online_player() -> None:
    segments = replace(steady(), available=np.ones_like(steady().available))
    config = config_of("aqmix", nets={"mixer": "sum"}, gamma=1.0)
    state = UpdateRule(SPEC, config, CPU).state()
    for net, bias in (("player", [0.0, 5.0, 1.0]), ("target_player", [1.0, 2.0, 9.0])):
        state[f"{net}.out.weight"].zero_()
        state[f"{net}.out.bias"] = torch.tensor(bias)
    agents = torch.from_numpy(segments.present.any(-1).sum(-1))[:, 1:]
    for double_q, value in ((False, 9.0), (True, 2.0)):
        rule = UpdateRule(SPEC, config_of("aqmix", nets={"mixer": "sum"}, gamma=1.0, double_q=double_q), CPU)
        rule.load(state)
        targets = rule.update(to_device(segments, CPU), progress=0.0).td_target
        torch.testing.assert_close(targets, torch.from_numpy(segments.rewards) + value * agents)


@pytest.mark.parametrize("double_q", [False, True])
def test_unavailable_actions_are_never_bootstrapped(double_q: bool) -> None:
    segments = steady()
    only_first = np.zeros_like(segments.available)
    only_first[..., 0] = True
    config = config_of("aqmix", nets={"mixer": "sum"}, double_q=double_q, gamma=1.0)
    state = UpdateRule(SPEC, config, CPU).state()
    for net in ("player", "target_player"):
        state[f"{net}.out.weight"].zero_()
        state[f"{net}.out.bias"] = torch.tensor([1.0, 10.0, 5.0])
    for available, value in ((only_first, 1.0), (np.ones_like(only_first), 10.0)):
        rule = UpdateRule(SPEC, config, CPU)
        rule.load(state)
        batch = to_device(replace(segments, available=available), CPU)
        targets = rule.update(batch, progress=0.0).td_target
        agents = torch.from_numpy(segments.present.any(-1).sum(-1))
        torch.testing.assert_close(targets, torch.from_numpy(segments.rewards) + value * agents[:, 1:])


def test_learning_rate_falls_with_progress() -> None:
    segments = steady()
    moved = []
    for progress in (0.0, 0.5, 1.0):
        rule = UpdateRule(SPEC, config_of(lr_end=0.2), CPU)
        before = rule.state()
        rule.update(to_device(segments, CPU), progress=progress, noise=noise_for(6))
        after = rule.state()
        moved.append((after["player.out.bias"] - before["player.out.bias"]).abs().sum().item())
    assert moved[1] / moved[0] == pytest.approx(0.6, rel=1e-3)
    assert moved[2] / moved[0] == pytest.approx(0.2, rel=1e-3)


def test_target_copies() -> None:
    segments = steady()
    rule = UpdateRule(SPEC, config_of(target_every=2), CPU)
    batch = to_device(segments, CPU)
    first = rule.state()
    rule.update(batch, progress=0.0)
    state = rule.state()
    for net in ("player", "mixer", "coach"):
        names = [name for name in state if name.startswith(f"{net}.")]
        assert all(torch.equal(state[f"target_{name}"], first[f"target_{name}"]) for name in names)
    rule.update(batch, progress=0.0)
    state = rule.state()
    for net in ("player", "mixer", "coach"):
        names = [name for name in state if name.startswith(f"{net}.")]
        assert names
        assert all(torch.equal(state[f"target_{name}"], state[name]) for name in names)


def test_target_rate() -> None:
    rule = UpdateRule(SPEC, config_of(target_rate=0.25), CPU)
    before = rule.state()["target_player.out.bias"]
    rule.update(to_device(steady(), CPU), progress=0.0)
    after = rule.state()
    torch.testing.assert_close(after["target_player.out.bias"], torch.lerp(before, after["player.out.bias"], 0.25))


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.parametrize("method", ["copa", "refil", "avdn"])
def test_goes_on_where_it_stopped(optimizer: str, method: str) -> None:
    """Two updates are the same, to the last bit, as one, a save, a load into another rule, and one more."""
    config = config_of(method, optimizer=optimizer, target_rate=0.1, averaging_rate=0.2)
    batches = [to_device(steady(seed=seed), CPU) for seed in range(3)]
    whole = UpdateRule(SPEC, config, CPU)
    for batch in batches:
        whole.update(batch, progress=0.1)
    first = UpdateRule(SPEC, config, CPU)
    for batch in batches[:2]:
        first.update(batch, progress=0.1)
    second = UpdateRule(SPEC, config.model_copy(update={"run": config.run.model_copy(update={"seed": 5})}), CPU)
    second.update(batches[0], progress=0.0)
    second.load(first.state())
    second.update(batches[2], progress=0.1)
    assert second.updates == whole.updates == 3
    one, other = whole.state(), second.state()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    fresh = UpdateRule(SPEC, config, CPU)
    second.load(fresh.state())
    assert second.state().keys() == fresh.state().keys()


def test_random_draws_of_another_device(caplog: pytest.LogCaptureFixture) -> None:
    """A generator's state has another size on a GPU: the draws begin anew, the same for the same seed and update."""

    def resumed(updates: int, seed: int = 0) -> dict[str, torch.Tensor]:
        config = config_of()
        rule = UpdateRule(SPEC, config.model_copy(update={"run": config.run.model_copy(update={"seed": seed})}), CPU)
        rule.load(state | {"generator": torch.zeros(16, dtype=torch.uint8), "updates": torch.tensor(updates)})
        assert rule.updates == updates
        rule.update(to_device(steady(), CPU), progress=0.0)
        return rule.state()

    state = UpdateRule(SPEC, config_of(), CPU).state()
    first, again = resumed(3), resumed(3)
    assert "run.seed and update 3" in caplog.text
    assert all(torch.equal(first[name], again[name]) for name in first)
    for other in (resumed(4), resumed(3, seed=1)):
        assert not torch.equal(first["coach.mean.weight"], other["coach.mean.weight"])


@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
@pytest.mark.parametrize("before", [0, 2])
def test_a_batch_that_is_not_finite_changes_no_parameter(optimizer: str, before: int) -> None:
    rule = UpdateRule(SPEC, config_of(optimizer=optimizer, target_rate=1.0, averaging_rate=0.5), CPU)
    for _ in range(before):
        rule.update(to_device(steady(), CPU), progress=0.0)
    first = rule.state()
    segments = steady()
    segments.rewards[1, 2] = np.nan
    scalars = rule.update(to_device(segments, CPU), progress=0.0).scalars()
    assert not np.isfinite([scalars["td_loss"], scalars["player_grad_norm"], scalars["coach_grad_norm"]]).any()
    state = rule.state()
    nets = ("player.", "mixer.", "coach.", "posterior.", "target_")
    assert all(torch.equal(state[name], first[name]) for name in first if name.startswith(nets))
    assert all(tensor.isfinite().all() for tensor in state.values())
    scalars = rule.update(to_device(steady(), CPU), progress=0.0).scalars()
    assert np.isfinite(list(scalars.values())).all()
    assert not torch.equal(rule.state()["player.out.bias"], state["player.out.bias"])


def test_state_of_another_configuration() -> None:
    rule = UpdateRule(SPEC, config_of(), CPU)
    with pytest.raises(MismatchError, match=r"player\.attention.* is .*, this configuration has"):
        rule.load(UpdateRule(SPEC, config_of(nets={"width": 4}), CPU).state())
    with pytest.raises(MismatchError, match="missing"):
        rule.load(UpdateRule(SPEC, config_of("aqmix"), CPU).state())


def test_weights() -> None:
    rule = UpdateRule(SPEC, config_of(), CPU)
    weights = rule.weights()
    names = {f"player.{name}" for name, _ in rule.player.named_parameters()}
    assert rule.coach is not None
    names |= {f"coach.{name}" for name, _ in rule.coach.named_parameters()}
    assert weights.keys() == names
    assert all(tensor.is_contiguous() and tensor.dtype == torch.float32 for tensor in weights.values())
    before = {name: tensor.clone() for name, tensor in weights.items()}
    rule.update(to_device(steady(), CPU), progress=0.0)
    assert all(torch.equal(weights[name], before[name]) for name in before)
    assert any(not torch.equal(rule.weights()[name], before[name]) for name in before)


@pytest.mark.parametrize("method", METHODS)
def test_scalars(method: str) -> None:
    outcome, _ = update(config_of(method), steady())
    names = {"td_loss", "q_mean", "target_mean", "player_grad_norm"}
    if METHODS[method].coach:
        names.add("coach_grad_norm")
    if METHODS[method].variational:
        names |= {"nll", "entropy"}
    if METHODS[method].imagined:
        names.add("imagined_td_loss")
    assert outcome.scalars().keys() == names


@pytest.mark.parametrize("T", [1, 2, 8, 24])
def test_other_segment_lengths(T: int) -> None:
    outcome, _ = update(config_of(T=T), steady(4, T))
    assert outcome.q_tot.shape == (4, T)
    assert np.isfinite(list(outcome.scalars().values())).all()


def test_the_split_of_agents_makes_no_difference() -> None:
    """An agent in the other group swaps its two halves, and the imagined total is a sum over both."""
    segments = changing()
    config = config_of("refil")
    both = config.model_copy(update={"method": MethodSettings(name="refil", refil_split="both")})
    one, other = update(config, segments)[0], update(both, segments)[0]
    assert one.imagined_q_tot is not None
    assert other.imagined_q_tot is not None
    torch.testing.assert_close(one.imagined_q_tot, other.imagined_q_tot, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(one.imagined_q_tot, one.q_tot)


def test_both_splits() -> None:
    (part,) = to_device(steady(), CPU, cut=False).parts
    config = config_of("refil")
    scene = build_scene(SPEC, config, METHODS["refil"], part, SPEC.slots)
    groups = noise_for(6).groups
    assert groups is not None
    slots, members = SPEC.slots, part.present[0].any(-1)
    for split, own in (("entities", members), ("both", groups[:, :slots])):
        same, different = imagined_split(scene, groups, split, 1)
        expected = (own[:, None, :] == groups[:, :, None]).float()
        torch.testing.assert_close(same, expected)
        torch.testing.assert_close(different, 1 - expected)


def test_it_learns() -> None:
    """A hundred updates on one batch bring the error down."""
    rule = UpdateRule(SPEC, config_of(lr=3e-3, gamma=0.5, nets={"mixer": "sum"}), CPU)
    batch = to_device(steady(16), CPU)
    losses = [rule.update(batch, progress=0.0).scalars()["td_loss"] for _ in range(100)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(("split", "spread"), [("entities", 1 / 4), ("both", 1 / 3)])
def test_sizes_of_imagined_groups(split: str, spread: float) -> None:
    """Two are in the first group together with chance 1/4 by fair coins, E[p^2] = 1/3 where the bias p is drawn."""
    (part,) = to_device(steady(4000), CPU, cut=False).parts
    groups = draw(part, SPEC.slots, W, torch.Generator().manual_seed(0), absent=False, split=split).groups.float()
    first, second = groups[:, 0], groups[:, -1]
    assert float(first.mean()) == pytest.approx(0.5, abs=0.03)
    assert float((first * second).mean()) == pytest.approx(spread, abs=0.03)
