"""Small teams that have not learned, and what they come to."""

import numpy as np
import torch

from copa.bounding.visits import States, Visits, WatchedTeam
from copa.checkpoint import Checkpoint
from copa.config.schema import Config
from copa.evaluation.playing import Moment, play
from copa.learning import UpdateRule
from copa.tasks import make_task, task_spec

SPEC = task_spec("resource_collection")


def made(method: str = "copa", learning: dict[str, object] | None = None, **nets: object) -> Checkpoint:
    """Networks that have not learned, as a checkpoint; what the coach says changes from state to state and matters."""
    config = Config.model_validate(
        {"method": {"name": method}, "nets": {"width": 8, "heads": 2, **nets}, "learning": learning or {}}
    )
    torch.manual_seed(3)
    state = UpdateRule(SPEC, config, torch.device("cpu")).state()
    for name in ("coach.mean.weight", "player.strategy.weight"):
        for of in (name, f"target_{name}"):
            if of in state:
                state[of] *= 10.0
    return Checkpoint(state, config, updates=5, steps=9, version=1, counters={})


def watched(saved: Checkpoint, games: int, team: str = "5") -> tuple[list[States], list[Moment]]:
    """What a team came to, and what happened, step by step."""
    task = make_task(SPEC.name, games=games, seed=4, team=team)
    policy = WatchedTeam(SPEC, saved.config, saved.tensors, games)
    moments = list(play(task, policy, np.arange(games), np.ones(games, bool)))
    return policy.record, moments


def step_of(record: list[States], moments: list[Moment], step: int) -> Visits:
    """The step `step` of all games."""
    moment = moments[step]
    return Visits(record[step], record[step + 1], moment.reward, moment.terminated, most_agents=0)
