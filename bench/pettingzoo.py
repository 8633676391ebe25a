"""What a task made of PettingZoo environments costs: mpe2's Simple Spread through the wrapper, and bare."""

import sys
import time
from pathlib import Path

import numpy as np

from bench.report import Row, main

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "mpe2_spread"))
from mpe2_spread import HORIZON, mpe2_spread

EPISODES = 128


def _wrapped(games: int) -> float:
    """Game steps per second of processor time, episodes of 2, 3 and 4 agents in turn."""
    task = mpe2_spread(games=games, seed=0, team="train", options={})
    rng = np.random.default_rng(0)
    actions = rng.integers(0, len(task.spec.actions), (HORIZON, games, task.spec.slots))
    began = time.process_time()
    for first in range(0, EPISODES, games):
        task.reset(np.arange(games), np.arange(first, first + games))
        for step in range(HORIZON):
            task.step(actions[step])
    return EPISODES * HORIZON / (time.process_time() - began)


def _bare() -> float:
    """The same episodes in the bare environments, whose observations nobody looks at."""
    makers = mpe2_spread.teams["train"]
    environments = [maker(local_ratio=0.5) for maker in makers]
    rng = np.random.default_rng(0)
    actions = rng.integers(0, len(mpe2_spread.spec.actions), (HORIZON, mpe2_spread.spec.slots))
    began = time.process_time()
    for episode in range(EPISODES):
        environment = environments[episode % len(environments)]
        environment.reset(seed=episode)
        for step in range(HORIZON):
            environment.step({name: int(actions[step, slot]) for slot, name in enumerate(environment.agents)})
    return EPISODES * HORIZON / (time.process_time() - began)


def run(quick: bool = False) -> list[Row]:
    """Game steps per second of Simple Spread as a task, beside the bare environments."""
    bare = _bare()
    return [
        Row(f"Simple Spread as a task, {games} games", _wrapped(games), bare, "game steps/s per core", "bare")
        for games in ((64,) if quick else (1, 8, 64))
    ]


if __name__ == "__main__":
    main(run)
