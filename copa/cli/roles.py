"""`copa actor`, `copa coach`, `copa learner`, `copa evaluator`: one process of a run, for containers."""

import os
import sys

import click

MODULES = {"actor": "actor", "coach": "coach_service", "learner": "learner", "evaluator": "evaluator"}
"""By command: the package whose process it is."""

_SUMMARIES = {
    "actor": "Play games and push what happened into the replay.",
    "coach": "Serve strategies to actors.",
    "learner": "Sample the replay, update the networks, publish weights.",
    "evaluator": "Play held-out teams with the newest weights, or their averages.",
}


def _role(role: str) -> click.Command:
    context = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}

    @click.command(
        role,
        context_settings=context,
        short_help=_SUMMARIES[role],
        add_help_option=False,
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        os.execv(sys.executable, [sys.executable, "-P", "-m", MODULES[role], *arguments])

    return command


actor = _role("actor")
coach = _role("coach")
learner = _role("learner")
evaluator = _role("evaluator")
