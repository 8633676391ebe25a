"""Game steps per second of Resource Collection on one core."""

import time

import numpy as np

from bench.report import Row, main
from copa.tasks import make_task

PUBLISHED_STEPS_PER_SECOND = 911.0
"""The published program, one core of the same class of machine: 744 to 911 were recorded."""
PUBLISHED = "published program (recorded figure, same machine class)"
BATCHES = (32, 64, 256, 1024, 2048)


def steps_per_second(games: int, team: str, *, greedy: bool, seconds: float) -> float:
    """Game steps per second of processor time; the best of the episodes that fit into `seconds`."""
    task = make_task("resource_collection", games=games, seed=0, team=team)
    rng = np.random.default_rng(0)
    actions = rng.integers(0, len(task.spec.actions), (task.spec.horizon, games, task.spec.slots))
    best, episode, start = 0.0, 0, time.perf_counter()
    while episode < 2 or time.perf_counter() - start < seconds:
        began = time.process_time()
        task.reset(np.arange(games), np.arange(games) + games * episode)
        for step in range(task.spec.horizon):
            task.step(task.greedy() if greedy else actions[step])
        best = max(best, games * task.spec.horizon / (time.process_time() - began))
        episode += 1
    return best


def run(quick: bool = False) -> list[Row]:
    """Game steps per second of Resource Collection, one core, resets included, beside the published program's."""
    seconds = 1.0 if quick else 5.0
    cases = [(f"random play, {games} games", games, "train", False) for games in BATCHES]
    cases.append(("random play, team of 6, 1024 games", 1024, "6", False))
    cases.append(("greedy expert, its moves included, 1024 games", 1024, "train", True))
    return [
        Row(
            name=f"Resource Collection, {name}",
            ours=steps_per_second(games, team, greedy=greedy, seconds=seconds),
            baseline=PUBLISHED_STEPS_PER_SECOND,
            unit="game steps/s per core",
            baseline_name=PUBLISHED,
        )
        for name, games, team, greedy in cases
    ]


if __name__ == "__main__":
    main(run)
