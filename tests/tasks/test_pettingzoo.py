"""The PettingZoo form."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from copa.errors import ConfigError, DataError
from copa.tasks.pettingzoo import parallel_env

TEAMS = ("train", "5", "6", "varying", "grow")


@pytest.mark.filterwarnings("ignore:No agents present")
@pytest.mark.parametrize("team", TEAMS)
def test_pettingzoo_accepts_it(team: str) -> None:
    parallel_api_test(parallel_env("resource_collection", team=team), num_cycles=200)
    parallel_seed_test(lambda: parallel_env("resource_collection", team=team), num_cycles=200)


@pytest.mark.parametrize("team", TEAMS)
def test_a_whole_episode_stays_within_its_spaces(team: str) -> None:
    environment = parallel_env("resource_collection", team=team, variant="dynamic")
    observations, infos = environment.reset(seed=4)
    seen, steps = set(environment.agents), 0
    while environment.agents:
        for agent in environment.agents:
            observation = observations[agent]
            assert environment.observation_space(agent).contains(observation)
            assert infos[agent]["action_mask"].tolist() == [1] * 5
            hidden = observation["visible"] == 0
            assert not observation["agents"][hidden[:6]].any()
            assert not observation["entities"][hidden[6:]].any()
            assert observation["visible"][observation["slot"]]
        acting = list(environment.agents)
        actions = {agent: environment.action_space(agent).sample() for agent in acting}
        observations, rewards, terminated, truncated, infos = environment.step(actions)
        steps += 1
        assert len({rewards[agent] for agent in acting}) == 1
        assert set(rewards) == set(terminated) == set(truncated) == set(observations) == set(infos)
        seen |= set(environment.agents)
    assert steps == 145
    assert all(truncated.values())
    assert seen <= set(environment.possible_agents)
    assert len(seen) > 6 or team != "varying"


def test_it_plays_the_same_game_as_the_task() -> None:
    from copa.tasks import make_task

    environment = parallel_env("resource_collection", team="5", seed=11)
    environment.reset()
    environment.reset()
    task = make_task("resource_collection", games=1, seed=11, team="5")
    task.reset(np.zeros(1, np.int64), np.ones(1, np.int64))
    rng = np.random.default_rng(0)
    for _ in range(50):
        actions = rng.integers(0, 5, 6)
        _, rewards, *_ = environment.step({agent: int(actions[i]) for i, agent in enumerate(environment.agents)})
        step = task.step(actions[None])
        assert set(rewards.values()) == {float(step.reward[0])}


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="did you mean 'varying'"):
        parallel_env("resource_collection", team="varyng")
    environment = parallel_env("resource_collection", team="5")
    environment.reset()
    with pytest.raises(DataError, match="agent_4"):
        environment.step({f"agent_{number}": 0 for number in range(4)})
