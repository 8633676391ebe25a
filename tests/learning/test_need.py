"""The coach learns what its strategies are worth to their players."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from copa.acting import Players
from copa.communication import Communication, distance
from copa.config.checks import check
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.learning import Noise, UpdateRule, to_device
from copa.learning.need import need_error
from copa.nets import Coach, Need, measure_of
from copa.segments import Segments
from copa.tasks.base import View
from tests.learning.rules import CPU, W, config_of, noise_for
from tests.learning.segments import SPEC, changing, padded, steady

COUNT = 6
NETS = {"attention": "masked", "memory": "gru", "memory_span": "segment"}


def needing(criterion: str = "need", **learning: object) -> Config:
    config = config_of("copa", T=2, periods=4, nets=NETS, average="present", **learning)
    return config.model_copy(update={"method": config.method.model_copy(update={"criterion": criterion})})


def ignorant(config: Config) -> UpdateRule:
    """A rule whose coach speaks loudly enough to change actions, and estimates every need as 0."""
    rule = UpdateRule(SPEC, config, CPU)
    assert rule.coach is not None
    assert rule.need is not None
    with torch.no_grad():
        rule.coach.mean.weight.mul_(20.0)
        rule.need.out.weight.zero_()
        rule.need.out.bias.zero_()
    return rule


def told(rate: float) -> Noise:
    """No noise in strategies; at each coach step inside a segment, players are told with probability `rate`."""
    generator = torch.Generator().manual_seed(3)
    spoken = torch.rand(COUNT, 3, SPEC.slots, generator=generator) < rate
    still = torch.zeros(COUNT, SPEC.slots, W)
    return replace(noise_for(COUNT), strategy=still, spoken=spoken)


def view_of(segments: Segments, step: int) -> View:
    names = ("agents", "traits", "entities", "visible", "present", "available")
    return View(**{name: getattr(segments, name)[:, step] for name in names})


def means(coach: Coach, view: View) -> np.ndarray:
    with torch.inference_mode():
        plan = coach(*(torch.from_numpy(getattr(view, name)) for name in ("agents", "traits", "entities", "present")))
    return np.asarray(plan.mean.numpy())


def lost_by_acting(rule: UpdateRule, config: Config, segments: Segments, spoken: Tensor) -> list[float]:
    """What each player that held a strategy would lose, at each coach step inside the segments, step by step."""
    assert rule.coach is not None
    players = Players(SPEC, config, COUNT)
    players.load(rule.weights())
    players.begin_segment()
    talk = Communication(COUNT, SPEC.slots, W)
    before = np.zeros((COUNT, SPEC.slots), np.bool_)
    found: list[float] = []
    for step in range(8):
        view = view_of(segments, step)
        members = view.members()
        new = means(rule.coach, view)
        joined = members & ~before
        tell = joined.copy()
        memory = players.memory.clone()
        if step % 2 == 0:
            tell |= members & (np.ones_like(members) if step == 0 else spoken[:, step // 2 - 1].numpy())
            with_new = players.values(view, step % 2, new)
            players.memory = memory.clone()
            with_old = players.values(view, step % 2, talk.held)
            players.memory = memory.clone()
            if step > 0:
                for game, slot in np.argwhere(members & before):
                    best = with_new[game, slot]
                    found.append(float(best.max() - best[with_old[game, slot].argmax()]))
        talk.commit(tell, new[tell], 1)
        players.values(view, step % 2, talk.held)
        players.remember(segments.actions[:, step], members)
        before = members
    return found


@pytest.mark.parametrize("make", [steady, changing])
def test_need_is_what_acting_would_lose(make: object) -> None:
    segments = make(COUNT, T=8)  # type: ignore[operator]
    config, noise = needing(), told(0.4)
    rule = ignorant(config)
    assert noise.spoken is not None
    lost = lost_by_acting(rule, config, segments, noise.spoken)
    assert np.count_nonzero(lost) > 2, "some strategies matter"
    outcome = rule.update(to_device(segments, CPU), progress=0.0, noise=noise)
    assert outcome.need_loss is not None
    assert float(outcome.need_loss) == pytest.approx(np.mean(lost), rel=1e-3), "squared error of an estimate of 0"


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
@pytest.mark.parametrize("clip", [10.0, 0.01])
def test_only_the_estimate_learns_from_it(optimizer: str, clip: float) -> None:
    """Also where gradients are clipped."""
    batch, noise = to_device(changing(COUNT, T=8), CPU), noise_for(COUNT, 4)
    states = []
    for criterion in ("need", "distance"):
        rule = UpdateRule(SPEC, needing(criterion, optimizer=optimizer, clip=clip, averaging_rate=0.5), CPU)
        first = rule.state()
        for _ in range(4):
            outcome = rule.update(batch, progress=0.0, noise=noise)
        assert ("need_loss" in outcome.scalars()) == (criterion == "need")
        states.append(rule.state())
        if criterion == "need":
            ours = [name for name in first if name.startswith(("need.", "averaged_need."))]
            assert len(ours) == 12
            assert all(not torch.equal(states[0][name], first[name]) for name in ours)
    with_need, without = states
    for name, tensor in without.items():
        torch.testing.assert_close(with_need[name], tensor, rtol=0, atol=0, msg=name)
    added = with_need.keys() - without.keys()
    assert {name.split(".")[0] for name in added} == {"need", "averaged_need", "optimizer_need"}


@pytest.mark.parametrize("junk", [None, 5.0])
def test_steps_after_an_end_teach_nothing(junk: float | None) -> None:
    """Games that end at step 3 have one coach step inside them."""
    whole = steady(COUNT, T=8)
    short = padded(whole, [3], True, junk=junk)
    config, noise = needing(), told(0.4)
    rule = ignorant(config)
    assert noise.spoken is not None
    agents = int(whole.present[:, 0, :, :].any(-1)[:, : SPEC.slots].sum())
    lost = lost_by_acting(rule, config, whole, noise.spoken)[:agents]
    outcome = rule.update(to_device(short, CPU), progress=0.0, noise=noise)
    assert float(outcome.need_loss or 0.0) == pytest.approx(np.mean(lost), rel=1e-3)


def test_it_comes_to_foretell_the_loss() -> None:
    """Where it is the same scenes again and again, with networks that do not change."""
    rule = ignorant(needing())
    coach, need = rule.coach, rule.need
    assert coach is not None
    assert need is not None
    generator = torch.Generator().manual_seed(0)
    encoding, remembered = (torch.randn(8, 50, 4, W, generator=generator) for _ in range(2))
    options = {
        "encoding": encoding,
        "held": coach.plan(torch.randn(4, 50, 4, W, generator=generator)).mean,
        "remembered": remembered,
        "available": torch.ones(8, 50, 4, len(SPEC.actions), dtype=torch.bool),
        "playing": torch.rand(8, 50, 4, generator=generator) < 0.8,
    }
    optimizer = torch.optim.Adam(need.parameters(), 3e-3)
    losses = []
    for _ in range(400):
        error = need_error(need, coach, rule.player, **options)
        loss = error.squares / error.agents
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]


def test_arrays_foretell_what_the_network_does() -> None:
    need = Need(W)
    generator = torch.Generator().manual_seed(0)
    encoding, new, held = (torch.randn(5, 4, W, generator=generator) for _ in range(3))
    foretold = measure_of(need, encoding.numpy())(new.numpy(), held.numpy())
    np.testing.assert_allclose(foretold, need(encoding, new, held).detach().numpy(), atol=1e-6)
    assert measure_of(None, encoding.numpy()) is distance


def test_a_method_without_a_coach_needs_nothing() -> None:
    config = needing()
    method = config.method.model_copy(update={"name": "aqmix"})
    rule = UpdateRule(SPEC, config.model_copy(update={"method": method}), CPU)
    outcome = rule.update(to_device(steady(COUNT, T=8), CPU), progress=0.0)
    assert rule.need is None
    assert outcome.need_loss is None


def test_need_is_not_learned_without_coach_steps_inside_a_segment() -> None:
    config = needing()
    learning = config.learning.model_copy(update={"periods": 1})
    with pytest.raises(ConfigError, match=r"method.criterion is need and learning.periods 1.*learning.periods to 2"):
        check(config.model_copy(update={"learning": learning}))
