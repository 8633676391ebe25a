"""The PettingZoo form of a battle: agents that die are terminated, a battle that breaks off is truncated."""

import numpy as np
import pytest

from copa.tasks.pettingzoo import parallel_env
from copa.tasks.starcraft.engines import ENGINES


@pytest.mark.parametrize("name", ["starcraft/3-8sz", "starcraft/3-8MMM"])
def test_an_episode_by_its_action_masks(name: str) -> None:
    environment = parallel_env(name, team="8", seed=2)
    observations, infos = environment.reset()
    assert len(environment.agents) == 8
    rng = np.random.default_rng(0)
    left: list[str] = []
    for _ in range(150):
        for agent in environment.agents:
            assert environment.observation_space(agent).contains(observations[agent])
        actions = {agent: int(rng.choice(np.flatnonzero(infos[agent]["action_mask"]))) for agent in environment.agents}
        before = list(environment.agents)
        observations, rewards, terminated, truncated, infos = environment.step(actions)
        assert len(set(rewards.values())) == 1
        left += [agent for agent in before if terminated[agent] or truncated[agent]]
        if not environment.agents:
            break
    assert sorted(left) == sorted(environment.possible_agents)


def test_a_battle_that_breaks_off_is_truncated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "micro", "tests.tasks.starcraft.recorded:Broken")
    environment = parallel_env("starcraft/3-8sz")
    _, infos = environment.reset()
    actions = {agent: int(infos[agent]["action_mask"].argmax()) for agent in environment.agents}
    _, _, terminated, truncated, _ = environment.step(actions)
    assert all(truncated.values())
    assert not any(terminated.values())
    assert environment.agents == []
