"""Run the coach service: `python -m coach_service [--checkpoint PATH] [--config FILE] [--section.field value ...]`."""

import os
from pathlib import Path

import uvloop

from coach_service.server import serve
from coach_service.trained import take_checkpoint, trained_coach
from coach_service.weights import WeightsSource
from copa.assembly import open_home
from copa.config.load import parse_role_arguments
from copa.config.schema import Config
from copa.runtime import Process, process, run_role
from copa.tasks import task_spec
from copa.weights import WeightStore


def main(argv: list[str]) -> None:
    """Serve the weights of the run's learner, or of a checkpoint, until told to stop."""
    path, rest = take_checkpoint(argv)
    if path is not None and not {"-h", "--help"} & set(rest):
        _serve_checkpoint(path, rest)
        return
    config, index = parse_role_arguments(rest, role="coach")
    with process("coach", config, index) as frame:
        open_home(config, frame.stopping).join(config.redis.patience)
        _serve(config, WeightStore(config.redis, config.run.name, stopping=frame.stopping), frame)


def _serve_checkpoint(path: Path, settings: list[str]) -> None:
    config, weights = trained_coach(path, settings, os.environ)
    with process("coach", config) as frame:
        _serve(config, weights, frame)


def _serve(config: Config, source: WeightsSource, frame: Process) -> None:
    spec = task_spec(config.task.name, config.task.options)
    uvloop.run(serve(spec, config, source, stopping=frame.stopping, ready=frame.ready, beat=frame.beat))


if __name__ == "__main__":
    run_role(main)
