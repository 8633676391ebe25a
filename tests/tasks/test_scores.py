"""Scores of the greedy expert and of random play, beside those measured on the published task."""

import numpy as np
import pytest

from copa.tasks import make_task

EPISODES = 1000
REFERENCE = [
    ("train", "greedy", 75.7, 1.7),
    ("5", "greedy", 115.6, 1.0),
    ("6", "greedy", 132.4, 0.9),
    ("grow", "greedy", 131.4, 1.6),
    ("train", "random", -4.3, 0.8),
    ("5", "random", 8.0, 0.9),
    ("6", "random", 12.4, 1.0),
    ("grow", "random", 11.1, 0.9),
]
"""Team, policy, mean reward per episode and its standard error."""


@pytest.mark.parametrize(("team", "policy", "mean", "error"), REFERENCE)
def test_scores_agree_with_the_published_task(team: str, policy: str, mean: float, error: float) -> None:
    task = make_task("resource_collection", games=EPISODES, seed=123, team=team)
    task.reset(np.arange(EPISODES), np.arange(EPISODES))
    rng = np.random.default_rng(0)
    returns = np.zeros(EPISODES)
    for _ in range(task.spec.horizon):
        returns += task.step(task.greedy() if policy == "greedy" else rng.integers(0, 5, (EPISODES, 6))).reward
    combined = np.hypot(error, returns.std() / np.sqrt(EPISODES))
    assert abs(returns.mean() - mean) < 3 * combined
