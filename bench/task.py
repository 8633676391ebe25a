"""Game steps per second of the tasks on one core."""

import time

import numpy as np

from bench.report import Row, main
from copa.tasks import make_task

PUBLISHED_STEPS_PER_SECOND = 911.0
"""The published program, one core of the same class of machine: 744 to 911 were recorded."""
PUBLISHED = "published program (recorded figure, same machine class)"
BATCHES = (32, 64, 256, 1024, 2048)


def steps_per_second(name: str, games: int, team: str, *, greedy: bool, seconds: float) -> float:
    """Game steps per second of processor time; the best of the episodes that fit into `seconds`."""
    task = make_task(name, games=games, seed=0, team=team)
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


def cases(full_team: str) -> list[tuple[str, int, str, bool]]:
    """What is measured of each task: name, games, team, and whether the expert plays."""
    return [
        *((f"random play, {games} games", games, "train", False) for games in BATCHES),
        (f"random play, team of {full_team}, 1024 games", 1024, full_team, False),
        ("greedy expert, its moves included, 1024 games", 1024, "train", True),
    ]


def run(quick: bool = False) -> list[Row]:
    """Game steps per second, one core, resets included: Resource Collection beside the published program, the Rescue
    Game, of which none was published, beside Resource Collection."""
    seconds = 1.0 if quick else 5.0
    rows: list[Row] = []
    for name, games, team, greedy in cases("6"):
        rows.append(
            Row(
                name=f"Resource Collection, {name}",
                ours=steps_per_second("resource_collection", games, team, greedy=greedy, seconds=seconds),
                baseline=PUBLISHED_STEPS_PER_SECOND,
                unit="game steps/s per core",
                baseline_name=PUBLISHED,
            )
        )
    for beside, (name, games, team, greedy) in zip(tuple(rows), cases("8"), strict=True):
        rows.append(
            Row(
                name=f"Rescue Game, {name}",
                ours=steps_per_second("rescue", games, team, greedy=greedy, seconds=seconds),
                baseline=beside.ours,
                unit="game steps/s per core",
                baseline_name=beside.name,
            )
        )
    return rows


if __name__ == "__main__":
    main(run)
