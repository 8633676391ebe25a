"""Evaluation: the same games for a seed, and what the coach says is counted."""

import numpy as np
import pytest
import torch

from copa.acting import Players, joined
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.evaluation import evaluate
from copa.evaluation.policies import TeamPolicy
from copa.learning import UpdateRule
from copa.tasks import make_task, task_spec

CONFIG = Config.model_validate({"nets": {"width": 8, "heads": 2, "attention": "masked"}})


def weights(config: Config = CONFIG) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return UpdateRule(task_spec("resource_collection"), config, torch.device("cpu")).weights()


def test_a_seed_gives_the_same_returns() -> None:
    first = evaluate(CONFIG, weights(), teams=["train", "varying"], episodes=5, seed=3)
    second = evaluate(CONFIG, weights(), teams=["train", "varying"], episodes=5, seed=3)
    for team in first:
        np.testing.assert_array_equal(first[team].returns, second[team].returns)
    other = evaluate(CONFIG, weights(), teams=["train"], episodes=5, seed=4)
    assert not np.array_equal(other["train"].returns, first["train"].returns)


def test_more_episodes_begin_with_the_same_ones() -> None:
    few = evaluate(CONFIG, "greedy", teams=["5"], episodes=3, seed=1)["5"]
    many = evaluate(CONFIG, "greedy", teams=["5"], episodes=9, seed=1)["5"]
    np.testing.assert_array_equal(few.returns, many.returns[:3])


def test_teams_default_to_training_and_held_out() -> None:
    assert list(evaluate(CONFIG, "greedy", episodes=1, seed=0)) == ["train", "5", "6"]


def test_at_beta_zero_every_strategy_travels() -> None:
    result = evaluate(CONFIG, weights(), teams=["5"], episodes=4, seed=0)["5"]
    coach_steps = -(-145 // 4)
    assert result.eligible == 4 * 5 * coach_steps
    assert result.communication_rate == 1.0
    assert result.communication_per_step == 0.25
    assert result.strategy_bytes == result.eligible * 8 * 4


def test_a_large_beta_leaves_only_first_strategies() -> None:
    result = evaluate(CONFIG, weights(), teams=["5"], episodes=4, seed=0, beta=1e9)["5"]
    assert result.sent == 4 * 5


def test_rates_fall_with_beta() -> None:
    rates = [
        evaluate(CONFIG, weights(), teams=["train"], episodes=4, seed=0, beta=beta)["train"].communication_rate
        for beta in (0.0, 0.05, 0.2, 1e9)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 1.0


def members_of_games(team: str, episodes: int, seed: int) -> np.ndarray:
    """[steps, B, A], who is there at each step of the games; who comes and goes does not depend on actions."""
    task = make_task("resource_collection", games=episodes, seed=seed, team=team)
    members = [task.reset(np.arange(episodes), np.arange(episodes)).members()]
    idle = np.zeros((episodes, task.spec.slots), np.int64)
    members += [task.step(idle).view.members() for _ in range(task.spec.horizon - 1)]
    return np.stack(members)


def test_joiners_between_coach_steps_are_told_and_counted() -> None:
    """A joiner is told where it joins and, as over the wire, at the next coach step; nobody else is told twice."""
    result = evaluate(CONFIG, weights(), teams=["varying"], episodes=8, seed=0, beta=1e9)["varying"]
    members = members_of_games("varying", 8, 0)
    T = CONFIG.method.T
    sent, eligible = 0, 0
    new = np.zeros_like(members[0])
    for step, present in enumerate(members):
        arrived = present & ~members[step - 1] if step else present
        new |= arrived
        if step % T == 0:
            sent += int((new & present).sum())
            eligible += int(present.sum())
            new[:] = False
        else:
            sent += int(arrived.sum())
            eligible += int(arrived.sum())
    assert sent > 8 * 4
    assert result.sent == sent
    assert result.eligible == eligible


@pytest.mark.parametrize("periods", [1, 3])
def test_a_memory_that_spans_a_segment_is_cleared_where_one_begins(periods: int) -> None:
    nets = {"width": 8, "heads": 2, "memory_span": "segment", "memory": "gru"}
    config = Config.model_validate({"nets": nets, "learning": {"periods": periods}})
    spec, games = task_spec("resource_collection"), 4
    policy = TeamPolicy(spec, config, weights(config), games, 0.0)
    task = make_task(spec.name, games=games, seed=0, team="5")
    view = task.reset(np.arange(games), np.arange(games))
    everybody, nobody = np.ones(games, np.bool_), np.zeros_like(view.members())
    cleared = []
    begin = policy._players.begin_segment
    policy._players.begin_segment = lambda: (cleared.append(step), begin())  # type: ignore[method-assign,assignment]
    for step in range(30):
        actions = policy.act(task, view, step, nobody if step else view.members(), everybody)
        view = task.step(actions).view
    assert cleared == list(range(0, 30, 4 * periods))


def test_agents_that_join_act_as_learning_has_it() -> None:
    """Only an episode's start clears a memory: the actions are those of players who are told of no join.

    Weights are made so large that what an agent remembers decides what it does.
    """
    config = Config.model_validate({"method": {"name": "aqmix"}, "nets": {"width": 8, "heads": 2}})
    spec, games = task_spec("resource_collection"), 32
    published = {name: tensor * (9 if "weight_hh" in name else 3) for name, tensor in weights(config).items()}
    policy, players = TeamPolicy(spec, config, published, games, 0.0), Players(spec, config, games)
    players.load(published)
    task = make_task(spec.name, games=games, seed=0, team="varying")
    view = task.reset(np.arange(games), np.arange(games))
    fresh = view.members()
    players.begin_agents(fresh)
    joins = 0
    for step in range(spec.horizon):
        actions = policy.act(task, view, step, fresh, np.ones(games, np.bool_))
        expected = players.values(view, step % config.method.T, None).argmax(axis=2)
        players.remember(expected, view.members())
        np.testing.assert_array_equal(actions, expected)
        following = task.step(actions).view
        fresh, view = joined(view, following), following
        joins += int(fresh.sum())
    assert joins > games


def test_a_method_without_a_coach_has_no_rate() -> None:
    config = CONFIG.model_copy(update={"method": CONFIG.method.model_copy(update={"name": "aqmix"})})
    result = evaluate(config, weights(config), teams=["train"], episodes=2, seed=0)["train"]
    assert result.communication_rate is None
    assert result.json()["communication_rate"] is None


def test_an_unknown_team_is_named() -> None:
    with pytest.raises(ConfigError, match="seven"):
        evaluate(CONFIG, "random", teams=["seven"], episodes=1, seed=0)
