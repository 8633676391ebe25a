"""`python -m copa.supervisor.finish RUN`: the final table, the curves and the report of a run."""

import logging
import os
import signal
from pathlib import Path
from typing import Any

from copa import arithmetic, checkpoint
from copa.config.schema import Config
from copa.evaluation import Source, evaluate
from copa.reporting import write_report
from copa.reporting.table import cell
from copa.run_folder import RunFolder
from copa.runtime import die_with_parent, run_role
from copa.telemetry.logs import start_logging

log = logging.getLogger(__name__)


def final_table(config: Config, saved: checkpoint.Checkpoint) -> dict[str, Any]:
    """Returns of the trained team, the expert and random actions, by team."""
    episodes = config.evaluator.final_episodes
    sources: dict[str, Source] = {"trained": saved.playing, "greedy": "greedy", "random": "random"}
    policies: dict[str, dict[str, Any]] = {}
    for name, source in sources.items():
        results = evaluate(
            config,
            source,
            teams=config.evaluator.teams,
            episodes=episodes,
            seed=config.evaluator.seed,
            beta=config.coach.beta,
        )
        policies[name] = {team: result.json() for team, result in results.items()}
        log.info("%s: %s", name, {team: cell(values) for team, values in policies[name].items()})
    return {
        "steps": saved.steps,
        "updates": saved.updates,
        "episodes": episodes,
        "seed": config.evaluator.seed,
        "policies": policies,
    }


def main(arguments: list[str]) -> None:
    """Finish the run whose folder is the one argument."""
    die_with_parent(signal.SIGTERM)
    folder = RunFolder.open(Path(arguments[0]))
    config = folder.config()
    start_logging("finish", 0, config.telemetry.log_level, config.telemetry.log_format)
    arithmetic.prepare(os.cpu_count() or 1, flush_denormals=config.learning.flush_denormals)
    if config.evaluator.final_episodes:
        folder.write_final(final_table(config, checkpoint.load(folder.checkpoints)))
    write_report(folder)


if __name__ == "__main__":
    run_role(main)
