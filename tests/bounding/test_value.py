"""Q_tot at visited states: what players acted on, what the learner computes, and how steep it is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from copa.bounding.bellman import bellman_errors
from copa.bounding.slopes import lipschitz_ceiling, sample_slopes
from copa.bounding.spread import Spread
from copa.bounding.team_value import TeamValue, networks
from copa.bounding.visits import visit
from copa.learning import Noise, UpdateRule, to_device
from copa.nets import CoachMixer
from copa.segments import Segments
from tests.bounding.parts import SPEC, made, step_of, watched

FORMS = (
    {},
    {"attention": "masked", "memory": "gru", "memory_span": "segment", "mixer": "scaled"},
    {"attention": "masked", "strategy_input": "hyper", "mixer": "sum"},
)


@pytest.mark.parametrize("nets", FORMS, ids=str)
def test_players_acted_on_these_values(nets: dict[str, object]) -> None:
    saved = made(**nets)
    record, _ = watched(saved, games=3, team="varying")
    for step in (0, 1, 4, 6, 50, 143):
        states = record[step]
        value = TeamValue(SPEC, networks(SPEC, saved.config, saved.tensors), states)
        with torch.no_grad():
            utilities = value.utilities(torch.from_numpy(states.strategies)[None])[0]
        taken = utilities.gather(-1, torch.from_numpy(states.actions)[..., None])[..., 0]
        there = states.members()
        np.testing.assert_allclose(taken.numpy()[there], value.best(utilities).numpy()[there], atol=1e-5)


def test_bellman_errors_are_those_of_the_learner() -> None:
    """From an episode's start acting and learning know the same; target networks that equal the others add nothing."""
    saved = made(attention="masked", memory="gru", learning={"reward_scale": 0.25, "gamma": 0.9})
    rule = UpdateRule(SPEC, saved.config, torch.device("cpu"))
    rule.load(saved.tensors)
    games, T = 40, saved.config.method.T
    record, moments = watched(saved, games)
    numbers = np.zeros(games, np.int64)
    rewards = np.random.default_rng(0).normal(size=(games, T)).astype(np.float32)
    segments = Segments(
        **{
            name: np.stack([getattr(states, name) for states in record[: T + 1]], 1)
            for name in ("agents", "traits", "entities", "visible", "present", "available")
        },
        actions=np.stack([moment.actions for moment in moments[:T]], 1),
        rewards=rewards,
        lengths=np.full(games, T),
        terminated=np.arange(games) % 2 == 0,
        episode_end=np.zeros(games, bool),
        previous=record[0].previous,
        memory=np.zeros((games, SPEC.slots, 0), np.float32),
        episodes=numbers,
        first_steps=numbers,
        player_versions=numbers,
        coach_versions=numbers,
    )
    outcome = rule.update(to_device(segments, torch.device("cpu")), progress=0.0, noise=Noise())
    nets, targets = (networks(SPEC, saved.config, saved.tensors, prefix) for prefix in ("", "target_"))
    for step in range(T):
        over = segments.terminated & (step == T - 1)
        visits = replace(step_of(record, moments, step), rewards=rewards[:, step], terminated=over)
        found = bellman_errors(SPEC, nets, targets, visits, gamma=0.9, scale=0.25)
        expected = (outcome.q_tot - outcome.td_target)[:, step] / 0.25
        np.testing.assert_allclose(found, expected.numpy(), atol=2e-5)


@pytest.mark.parametrize(("mixer", "share"), [("sum", 1.0), ("published", 1 / 8), ("scaled", 1.0)])
def test_eta_is_found_where_it_is_known(mixer: str, share: float) -> None:
    """Networks in which Q_tot is linear in strategies: all weights of the mixer alike, no ReLU or ELU that bends."""
    saved = made(mixer=mixer)
    nets = networks(SPEC, saved.config, saved.tensors)
    player = nets.player
    assert player.strategy is not None
    assert player.out is not None
    with torch.no_grad():
        player.hidden.weight.zero_()
        player.hidden.bias.fill_(20.0)
        player.strategy.weight.copy_(torch.linalg.qr(torch.randn(8, 8))[0])
        if isinstance(nets.mixer, CoachMixer):
            for layers in (nets.mixer.nets.first, nets.mixer.nets.second, nets.mixer.nets.first_bias):
                layers.second.weight.zero_()
                layers.second.bias.fill_(200.0)
    steepest = float(player.out.weight.norm(dim=1).max())
    visits = visit(saved.config, SPEC, saved.tensors, team="5", games=2, states=40, seed=0)
    found = sample_slopes(SPEC, nets, visits.states, pairs=5, seed=0, scale=0.5)
    assert found.mixer.largest == pytest.approx(share)
    assert found.player.largest == pytest.approx(steepest / 0.5)
    assert found.gradient.largest == pytest.approx(share * steepest / 0.5)
    assert 0.0 < found.secant.largest <= found.gradient.largest * 1.01
    assert found.eta == pytest.approx(share * steepest / 0.5, rel=0.01)
    factor = 8.0 if mixer == "scaled" else 1.0
    assert found.ceiling == pytest.approx(factor * steepest / 0.5)
    count = 40 * 5 * len(SPEC.actions)
    assert (found.gradient.count, found.secant.count) == (6 * count, pytest.approx(5 * count, rel=0.2))


@pytest.mark.parametrize("nets", FORMS, ids=str)
def test_slopes_of_other_networks(nets: dict[str, object]) -> None:
    """A gradient is the product of its parts at one point; generated weights make a utility linear in its strategy."""
    saved = made(**nets)
    built = networks(SPEC, saved.config, saved.tensors)
    visits = visit(saved.config, SPEC, saved.tensors, team="varying", games=3, states=60, seed=0)
    found = sample_slopes(SPEC, built, visits.states, pairs=4, seed=0, scale=1.0)
    assert found.gradient.largest <= found.mixer.largest * found.player.largest * 1.0001
    ceiling = lipschitz_ceiling(built)
    if "strategy_input" in nets:
        assert ceiling is None
        assert found.secant.largest <= found.gradient.largest * 1.001
    else:
        assert ceiling is not None
        assert found.eta <= ceiling


def test_gradients_are_the_limits_of_secants() -> None:
    saved = made(attention="masked", mixer="scaled")
    record, _ = watched(saved, games=20)
    states = record[8]
    value = TeamValue(SPEC, networks(SPEC, saved.config, saved.tensors), states)
    at = torch.from_numpy(states.strategies)[None].requires_grad_(True)
    total = value.total(value.best(value.utilities(at)[0]))
    (slope,) = torch.autograd.grad(total.sum(), at)
    near = at.detach().clone()
    near[0, :, 1] += 1e-2 * slope[0, :, 1] / slope[0, :, 1].norm(dim=-1, keepdim=True)
    with torch.no_grad():
        change = value.total(value.best(value.utilities(near)[0])) - total
    np.testing.assert_allclose((change / 1e-2).numpy(), slope[0, :, 1].norm(dim=-1).numpy(), rtol=0.15)


def test_visits_are_steps_of_the_games_with_the_largest_team_noted() -> None:
    saved = made(attention="masked")
    config, tensors = saved.config, saved.tensors
    visits = visit(config, SPEC, tensors, team="varying", games=4, states=10_000, seed=2)
    assert len(visits.states) == len(visits.following) == 4 * (SPEC.horizon - 1)
    assert visits.most_agents == visits.states.members().sum(1).max()
    few = visit(config, SPEC, tensors, team="varying", games=4, states=7, seed=2)
    np.testing.assert_array_equal(few.states.agents, visits.states.agents[:7])
    stayed = visits.states.members() & visits.following.members()
    np.testing.assert_array_equal(visits.following.previous[stayed], visits.states.actions[stayed])


def test_one_state_of_one_agent_has_gradients_but_no_pairs() -> None:
    saved = made(attention="masked")
    states = visit(saved.config, SPEC, saved.tensors, team="5", games=1, states=1, seed=0).states
    present = np.zeros_like(states.present)
    present[:, 0] = states.present[:, 0]
    alone = replace(states, present=present)
    found = sample_slopes(SPEC, networks(SPEC, saved.config, saved.tensors), alone, pairs=3, seed=0, scale=1.0)
    assert (found.secant.count, found.secant.largest) == (0, 0.0)
    assert found.eta == found.gradient.largest > 0.0


def test_a_spread_is_percentiles() -> None:
    spread = Spread.of(np.arange(201) / 2)
    assert (spread.count, spread.largest, spread.percentiles[25]) == (201, 100.0, 25.0)
    assert {name: spread.json()[name] for name in ("median", "q90", "q99")} == {
        "median": 50.0,
        "q90": 90.0,
        "q99": 99.0,
    }
