"""Wire-up and loop of the evaluator process."""

import logging
import os
import time
from typing import Any

from copa import arithmetic
from copa.assembly import open_home
from copa.config.load import parse_role_arguments
from copa.config.schema import Config
from copa.evaluation import default_teams, evaluate
from copa.replay import Replay
from copa.reporting.table import cell
from copa.runtime import Process, process
from copa.tasks import task_spec
from copa.telemetry import metrics
from copa.telemetry.journal import Journal
from copa.weights import Published, WeightStore
from copa.weights_follower import WeightsFollower

log = logging.getLogger(__name__)

NICENESS = 10
"""Evaluations leave the processor to those that play and learn; the start does not, so that it comes to an end."""


def main(argv: list[str]) -> None:
    """Evaluate the newest weights, or their averages, every `evaluator.seconds` until told to stop."""
    config, index = parse_role_arguments(argv, role="evaluator")
    with process("evaluator", config, index) as frame:
        arithmetic.prepare(config.evaluator.threads, flush_denormals=config.learning.flush_denormals)
        replay = open_home(config, frame.stopping)
        replay.join()
        averages = config.learning.averaging_rate < 1.0
        store = WeightStore(config.redis, config.run.name, averages=averages, stopping=frame.stopping)
        follower = WeightsFollower(store, 1.0)
        journal = Journal(config, "evaluation", index)
        try:
            published = _next(follower, replay, frame, 0.0)
            frame.ready()
            os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
            while published is not None and not frame.stopping.is_set():
                began = time.monotonic()
                stats = replay.stats()
                metrics.RUN_STEPS.set(stats.steps)
                metrics.RUN_STEPS_PLANNED.set(stats.total_steps)
                _evaluate(config, published, stats.steps, journal, frame)
                published = _next(follower, replay, frame, config.evaluator.seconds - (time.monotonic() - began))
        finally:
            follower.close()
            journal.close()


def _next(follower: WeightsFollower, replay: Replay, frame: Process, pause: float) -> Published | None:
    """The newest weights after `pause` seconds, or as soon as there are newer ones; None when told to stop.

    Raises ReplayGoneError when the run is deleted meanwhile: weights that never come would be waited for for ever.
    """
    until = time.monotonic() + pause
    while not frame.stopping.wait(0.2):
        frame.beat()
        replay.check_present()
        if time.monotonic() >= until and (published := follower.take()) is not None:
            return published
    return None


def _evaluate(config: Config, published: Published, steps: int, journal: Journal, frame: Process) -> None:
    spec = task_spec(config.task.name, config.task.options)
    results: dict[str, dict[str, Any]] = {}
    for team in config.evaluator.teams or default_teams(spec):
        if frame.stopping.is_set():
            return
        frame.beat()
        result = evaluate(
            config,
            published.tensors,
            teams=[team],
            episodes=config.evaluator.episodes,
            seed=config.evaluator.seed,
            beta=config.coach.beta,
        )[team]
        metrics.EVAL_RETURN.labels(team).set(result.mean)
        for outcome, value in result.outcomes.items():
            metrics.EVAL_OUTCOME.labels(team, outcome).set(value)
        results[team] = {
            "mean": result.mean,
            "stderr": result.stderr,
            "communication_rate": result.communication_rate,
            "outcomes": result.outcomes,
        }
    journal.write(steps, {"version": published.version, "updates": published.updates, "teams": results})
    log.info("version %d: %s", published.version, {team: cell(entry) for team, entry in results.items()})
