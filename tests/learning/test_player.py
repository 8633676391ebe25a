"""Acting and learning compute the same; weights travel by name."""

import pytest
import torch

from copa.config.schema import Config, LearningSettings, MethodSettings, NetSettings
from copa.errors import MismatchError
from copa.learning import to_device
from copa.learning.scene import build_scene
from copa.methods import method_named, sight
from copa.nets import build_coach, build_player, load_weights
from copa.segments import NO_ACTION, Segments
from tests.learning.segments import SPEC, changing, steady

W = 8
FORMS = {
    "published": NetSettings(width=W, heads=2),
    "recurrent": NetSettings(
        width=W, heads=2, memory="gru", attention="masked", attention_norm=True, attention_skip=True
    ),
    "hyper": NetSettings(width=W, heads=2, memory="gru", strategy_input="hyper"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [steady, changing])
@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("name", ["copa", "aqmix-periodic"])
def test_steps_agree_with_a_segment(form: str, make: object, cut: bool, name: str) -> None:
    segments: Segments = make(6, 4, width=W)  # type: ignore[operator]
    config = Config(
        method=MethodSettings(name=name), nets=FORMS[form], learning=LearningSettings(segment_start="stored")
    )
    method = method_named(name)
    player = build_player(SPEC, config)
    strategies = torch.randn(6, SPEC.slots, W) if method.coach else None
    (part,) = to_device(segments, torch.device("cpu"), cut=cut).parts
    scene = build_scene(SPEC, config, method, part, SPEC.slots)
    with torch.no_grad():
        encoded = player.encode(scene.rows, scene.sight)
        remembered = player.remember(encoded, scene.memory, scene.members if part.changing else None)
        held = None
        order = torch.arange(SPEC.slots).expand(6, -1) if part.order is None else part.order
        if strategies is not None:
            held = strategies.gather(1, order.unsqueeze(-1).expand(-1, -1, W))[None, :, : part.previous.shape[1]]
        learned = player.action_values(remembered, held)
    members = torch.from_numpy(segments.present.any(-1))
    memory = torch.from_numpy(segments.memory)
    if form != "published":
        memory = memory * members[:, 0].unsqueeze(-1)
    previous = torch.from_numpy(segments.previous)
    for step in range(5):
        views = [torch.from_numpy(getattr(segments, key)[:, step]) for key in ("agents", "traits", "entities")]
        masks = [torch.from_numpy(getattr(segments, key)[:, step]) for key in ("visible", "present")]
        with torch.inference_mode():
            values, memory = player.step(
                *views, sight(method, *masks, step, 4), members[:, step], previous, memory, strategies
            )
        assert values.shape == (6, SPEC.slots, 3)
        assert (values[~members[:, step]] == 0).all()
        rows, slots = part.present[step].any(-1).nonzero(as_tuple=True)
        torch.testing.assert_close(values[rows, order[rows, slots]], learned[step, rows, slots], rtol=1e-4, atol=1e-5)
        if step < 4:
            previous = torch.from_numpy(segments.actions[:, step]).masked_fill(~members[:, step], NO_ACTION)


def test_a_strategy_as_weights_of_the_last_layer() -> None:
    """Q_u = relu(hidden) . w_u + b_u, with w and b the generator's output over sqrt(W), b last."""
    player = build_player(SPEC, Config(nets=FORMS["hyper"]))
    remembered, strategies = torch.randn(2, 3, SPEC.slots, W), torch.randn(1, 3, SPEC.slots, W)
    with torch.no_grad():
        values = player.action_values(remembered, strategies)
        assert player.generator is not None
        for step, game, slot in ((0, 0, 0), (1, 2, 3)):
            generated = (player.generator.weight @ strategies[0, game, slot] + player.generator.bias) / W**0.5
            hidden = (player.hidden.weight @ remembered[step, game, slot] + player.hidden.bias).relu()
            numbers = generated.tolist()
            actions = len(SPEC.actions)
            for action in range(actions):
                by_hand = sum(hidden[unit].item() * numbers[unit * actions + action] for unit in range(W))
                by_hand += numbers[W * actions + action]
                assert values[step, game, slot, action].item() == pytest.approx(by_hand, abs=1e-5)


def test_first_memory() -> None:
    player = build_player(SPEC, Config(nets=FORMS["published"]))
    assert player.first_memory(3).shape == (3, SPEC.slots, W)
    assert (player.first_memory(3) == 0).all()


def test_same_seed_same_nets() -> None:
    config = Config(nets=FORMS["published"])
    before = torch.random.get_rng_state()
    first, second = build_player(SPEC, config), build_player(SPEC, config)
    assert (torch.random.get_rng_state() == before).all()
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_coach_of_games_and_of_one() -> None:
    segments = steady()
    coach = build_coach(SPEC, Config(nets=NetSettings(width=W, heads=2, logvar_start=-4.0)))
    assert (coach.logvar.bias == -4.0).all()
    arrays = [torch.from_numpy(getattr(segments, key)[:, 0]) for key in ("agents", "traits", "entities", "present")]
    with torch.inference_mode():
        plan = coach(*arrays)
        one = coach(*(array[1:2] for array in arrays))
    assert plan.mean.shape == plan.logvar.shape == (6, SPEC.slots, W)
    assert plan.logvar.min() >= -10
    assert plan.logvar.max() <= 0
    torch.testing.assert_close(plan.mean[1:2], one.mean, rtol=1e-4, atol=1e-5)
    noise = torch.randn_like(plan.mean)
    torch.testing.assert_close(plan.sample(noise), plan.mean + torch.exp(plan.logvar / 2) * noise)


def test_weights_kept_for_inference_follow_new_weights() -> None:
    first, second = (build_coach(SPEC, Config(nets=FORMS["published"], run={"seed": seed})) for seed in (1, 2))  # type: ignore[arg-type]
    segments = steady()
    arrays = [torch.from_numpy(getattr(segments, key)[:, 0]) for key in ("agents", "traits", "entities", "present")]
    with torch.inference_mode():
        before = first(*arrays).mean
        load_weights(first, {f"coach.{name}": tensor for name, tensor in second.state_dict().items()}, "coach.")
        after = first(*arrays).mean
        assert not torch.equal(before, after)
        torch.testing.assert_close(after, second(*arrays).mean)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("coach.mean.bias"), r"coach\.mean\.bias \(8,\) is missing"),
        (
            lambda weights: weights.update({"coach.mean.bias": torch.zeros(9)}),
            r"coach\.mean\.bias has shape \(9,\), this configuration has \(8,\)",
        ),
        (lambda weights: weights.update({"coach.other": torch.zeros(2)}), r"coach\.other \(2,\) has no place"),
    ],
)
def test_weights_that_do_not_fit(change: object, message: str) -> None:
    coach = build_coach(SPEC, Config(nets=FORMS["published"]))
    weights = {f"coach.{name}": torch.zeros_like(tensor) for name, tensor in coach.state_dict().items()}
    weights["player.something"] = torch.zeros(1)
    change(weights)  # type: ignore[operator]
    with pytest.raises(MismatchError, match=message):
        load_weights(coach, weights, "coach.")
    assert any(tensor.any() for tensor in coach.state_dict().values())
