"""The PettingZoo form."""

import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from copa.tasks.pettingzoo import parallel_env

TEAMS = ("train", "2", "8", "varying")


@pytest.mark.filterwarnings("ignore:No agents present")
@pytest.mark.parametrize("team", TEAMS)
def test_pettingzoo_accepts_it(team: str) -> None:
    parallel_api_test(parallel_env("rescue", team=team), num_cycles=120)
    parallel_seed_test(lambda: parallel_env("rescue", team=team), num_cycles=120)


@pytest.mark.parametrize("team", TEAMS)
def test_a_whole_episode_stays_within_its_spaces(team: str) -> None:
    environment = parallel_env("rescue", team=team, team_period=2, fire_probability=0.01)
    observations, _ = environment.reset(seed=4)
    steps = 0
    while environment.agents:
        for agent in environment.agents:
            assert environment.observation_space(agent).contains(observations[agent])
            hidden = observations[agent]["visible"] == 0
            assert not observations[agent]["agents"][hidden[:8]].any()
            assert not observations[agent]["entities"][hidden[8:]].any()
        actions = {agent: environment.action_space(agent).sample() for agent in environment.agents}
        observations, rewards, _, truncated, _ = environment.step(actions)
        assert len(set(rewards.values()) - {0.0}) <= 1
        steps += 1
    assert steps == 50
    assert all(truncated.values())
