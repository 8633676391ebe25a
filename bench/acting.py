"""Acting: environment steps per second of actors through coach service and replay, with learning off.

The published loop acts at about 1,000 steps per second on two cores, an earlier prototype at 17,000 on one with task
and networks in one process. The same figure without any service (task and networks in this process, one thread) says
what the services cost.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import torch

from bench.report import Row, main
from copa import arithmetic
from copa.assembly import open_replay
from copa.config.load import load_config, to_toml
from copa.config.schema import Config
from copa.evaluation import evaluate
from copa.learning import UpdateRule
from copa.replay.server import running
from copa.tasks import task_spec
from copa.weights import WeightStore

PUBLISHED = 1_000.0
"""Recorded figure of the published program's acting loop, two cores of the same class."""
PUBLISHED_NAME = "published loop, about (recorded)"
PROTOTYPE = 17_000.0
"""Recorded figure of the prototype, task and networks in one process, one core of the same class."""
WARM_UP_SECONDS = 2.0


def run(quick: bool = False) -> list[Row]:
    """Environment steps per second of 1 and 2 actors of 64 games, width 64, through coach and replay."""
    seconds = 3.0 if quick else 8.0
    alone = _in_process()
    rows = [Row("acting, one process, width 64", alone, PROTOTYPE, "steps/s", "prototype, one process (recorded)")]
    for actors in (1, 2) if quick else (1, 2, 4):
        steps = through_services(actors, seconds)
        rows.append(Row(f"acting, {actors} actor(s), width 64", steps, PUBLISHED, "steps/s", PUBLISHED_NAME))
        rows.append(Row(f"acting, {actors} actor(s), width 64", steps, alone, "steps/s", "one process, no services"))
    return rows


def _config(**flags: str) -> Config:
    fixed = {
        "run.steps": "1000000000",
        "replay.free_running": "true",
        "telemetry.tensorboard": "false",
    }
    return load_config(preset="quick", file=None, flags={**fixed, **flags}, environment={})


def _in_process() -> float:
    arithmetic.prepare(1, flush_denormals=True)
    config = _config()
    rule = UpdateRule(task_spec(config.task.name), config, torch.device("cpu"))
    began = time.perf_counter()
    evaluate(config, rule.weights(), teams=["train"], episodes=64, seed=0)
    return 64 * 145 / (time.perf_counter() - began)


def through_services(actors: int, seconds: float) -> float:
    """Environment steps per second of `actors` actors of 64 games, with coach, replay and no learner."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="copa-bench-")))
        server = stack.enter_context(running())
        config = _config(
            **{"redis.url": server.url, "coach.address": f"unix:{folder}/coach.sock", "actor.count": str(actors)}
        )
        file = folder / "config.toml"
        file.write_text(to_toml(config, preset="quick"), encoding="utf-8")
        replay = open_replay(config)
        replay.claim("bench")
        rule = UpdateRule(task_spec(config.task.name), config, torch.device("cpu"))
        WeightStore(config.redis, config.run.name).publish(rule.weights(), updates=0)
        stack.enter_context(_process("coach_service", file, 0))
        for index in range(actors):
            stack.enter_context(_process("actor", file, index))
        while replay.stats().actors < actors or replay.stats().steps < 5_000:
            time.sleep(0.1)
        time.sleep(WARM_UP_SECONDS)
        first, began = replay.stats().steps, time.perf_counter()
        time.sleep(seconds)
        return float(np.divide(replay.stats().steps - first, time.perf_counter() - began))


@contextmanager
def _process(role: str, config: Path, index: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", role, "--config", str(config), "--index", str(index)],
        env={name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
        | {"OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(15)


if __name__ == "__main__":
    main(run)
