"""Run the coach service: `python -m coach_service [--config FILE] [--section.field value ...]`."""

import uvloop

from coach_service.server import serve
from copa.assembly import open_replay
from copa.config.load import parse_role_arguments
from copa.runtime import process, run_role
from copa.tasks import task_spec
from copa.weights import WeightStore


def main(argv: list[str]) -> None:
    """Serve the weights of the run's learner until told to stop."""
    config, index = parse_role_arguments(argv, role="coach_service")
    with process("coach", config, index) as frame:
        open_replay(config, frame.stopping).join(config.redis.patience)
        source = WeightStore(config.redis, config.run.name, stopping=frame.stopping)
        spec = task_spec(config.task.name, config.task.options)
        uvloop.run(serve(spec, config, source, stopping=frame.stopping, ready=frame.ready, beat=frame.beat))


if __name__ == "__main__":
    run_role(main)
