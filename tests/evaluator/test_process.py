"""`python -m evaluator` beside a real Redis."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from copa.assembly import open_replay
from copa.config.load import to_toml
from copa.config.schema import Config
from copa.evaluation import evaluate
from copa.learning import UpdateRule
from copa.replay.server import running
from copa.tasks import task_spec
from copa.weights import WeightStore

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def first_evaluation(config: Config, file: Path) -> dict[str, Any]:
    """What the evaluator, as a process, writes down first."""
    file.write_text(to_toml(config, preset="paper"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
    process = subprocess.Popen([sys.executable, "-m", "evaluator", "--config", str(file)], cwd=ROOT, env=environment)
    try:
        assert config.run.folder is not None
        journal = config.run.folder / "metrics.jsonl"
        end = time.monotonic() + PATIENCE
        while not (journal.exists() and journal.read_text(encoding="utf-8").endswith("\n")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
    found: dict[str, Any] = json.loads(journal.read_text(encoding="utf-8").splitlines()[0])
    return found


def weights_of(config: Config, seed: int) -> dict[str, torch.Tensor]:
    """First weights of a run of `config` with another seed."""
    seeded = config.model_copy(update={"run": config.run.model_copy(update={"seed": seed})})
    return UpdateRule(task_spec("resource_collection"), seeded, torch.device("cpu")).weights()


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_it_plays_the_averages_where_the_run_has_them(rate: float, tmp_path: Path) -> None:
    with running() as server:
        config = Config.model_validate(
            {
                "run": {"folder": tmp_path / "run"},
                "nets": {"width": 8, "heads": 2},
                "learning": {"averaging_rate": rate},
                "redis": {"url": server.url},
                "evaluator": {"episodes": 8, "teams": ["5"], "seed": 4},
                "telemetry": {"tensorboard": False},
            }
        )
        open_replay(config).claim("test")
        learned, averages = (weights_of(config, seed) for seed in (0, 1))
        store = WeightStore(config.redis, config.run.name)
        store.publish(learned, updates=3, averages=averages)
        store.close()
        evaluation = first_evaluation(config, tmp_path / "config.toml")
    played, other = (learned, averages) if rate == 1.0 else (averages, learned)
    means = [evaluate(config, weights, teams=["5"], episodes=8, seed=4)["5"].mean for weights in (played, other)]
    assert means[0] != means[1]
    assert evaluation["teams"]["5"]["mean"] == pytest.approx(means[0])
    assert (evaluation["version"], evaluation["updates"]) == (1, 3)
