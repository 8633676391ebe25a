"""Recordings of an untrained team, made once."""

from collections.abc import Mapping

import pytest
import torch

from copa.config.schema import Config
from copa.evaluation.sweep import Player, untrained
from copa.learning import UpdateRule
from copa.rendering import Recording, record
from copa.tasks import task_spec

SEED, EPISODE, TEAM, BETA = 5, 3, "varying", 0.02
SIZES = {"nets": {"width": 8, "heads": 2, "attention": "masked"}}


def team_of(method: str) -> Player:
    """A team of `method` that has not learned, the same each time."""
    config = Config.model_validate({"method": {"name": method}, **SIZES})
    torch.manual_seed(1)
    weights: Mapping[str, torch.Tensor] = UpdateRule(
        task_spec("resource_collection"), config, torch.device("cpu")
    ).weights()
    return Player(method, config, (weights,))


@pytest.fixture(scope="session")
def coached() -> Player:
    """A team with a coach."""
    return team_of("copa")


@pytest.fixture(scope="session")
def recording(coached: Player) -> Recording:
    """An episode in which agents come and go and the coach speaks sparsely."""
    return record(coached, team=TEAM, seed=SEED, episode=EPISODE, beta=BETA)


@pytest.fixture(scope="session")
def silent() -> Recording:
    """An episode of the expert, which has no coach."""
    return record(untrained("greedy", Config()), team="6", seed=SEED, episode=0)
