"""Making, resuming and supervising a run: what the commands that start one share."""

import contextlib
import logging
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copa.cli.options import resolved

if TYPE_CHECKING:
    from rich.console import Console

    from copa.config.schema import Config
    from copa.run_folder import RunFolder
    from copa.supervisor.crew import Crew
    from copa.supervisor.processes import Death
    from copa.supervisor.supervisor import Outcome

RUN_OPTIONS = ("--run-dir", "--resume", "--plain", "--task", "--method")
"""Options of these commands, for suggestions."""


Check = Callable[["Config"], object]
"""Raises ConfigError for settings that a command cannot do with."""


def new_run(
    preset: str | None,
    file: Path | None,
    settings: Sequence[str],
    *,
    known: Sequence[str],
    check: Check = lambda config: None,
) -> "tuple[Config, RunFolder]":
    """A run of the command's settings, and its folder; `known` are the command's options."""
    from copa.run_folder import RunFolder
    from copa.tasks import task_spec

    found = resolved(preset, file, settings, known=known)
    task_spec(found.config.task.name, found.config.task.options)
    check(found.config)
    folder = RunFolder.create(found.config, preset=found.preset)
    return located(found.config, folder), folder


def resumed_run(
    run: Path, settings: Sequence[str], *, known: Sequence[str], check: Check = lambda config: None
) -> "tuple[Config, RunFolder]":
    """The run in the folder `run`, with what the command's settings change."""
    from copa.config.load import split_flags
    from copa.run_folder import RunFolder
    from copa.supervisor.resume import resumed_config

    folder = RunFolder.open(run)
    flags = split_flags(settings, known=known)
    config = located(resumed_config(folder, flags, os.environ), folder)
    check(config)
    if folder.running_pid() is None:
        folder.write_config(config, preset=str(folder.info()["preset"]))
    return config, folder


def located(config: "Config", folder: "RunFolder") -> "Config":
    """`config` of the run in `folder`."""
    return config.model_copy(update={"run": config.run.model_copy(update={"folder": folder.path})})


def supervise(config: "Config", folder: "RunFolder", crew: "Crew", console: "Console", *, plain: bool) -> "Outcome":
    """Run until the end."""
    from copa.run_folder import command_line
    from copa.supervisor.supervisor import Supervisor
    from copa.supervisor.view import new_view

    folder.mend_metrics()
    folder.note_start(command_line())
    console.print(f"run {folder.path}", markup=False, highlight=False, soft_wrap=True)
    return Supervisor(folder, config, new_view(console, plain=plain), crew).run()


@contextlib.contextmanager
def holding(config: "Config", folder: "RunFolder") -> Iterator[None]:
    """Be the one supervisor of the run in `folder`, and log there."""
    from copa.telemetry.http import check_exposure

    check_exposure(config.telemetry)
    with folder.held():
        logging.basicConfig(
            filename=folder.logs / "supervisor.log", format="%(asctime)s %(levelname)s %(message)s", force=True
        )
        yield


def tell(console: "Console", folder: "RunFolder", outcome: "Outcome", *, command: str) -> int:
    """Say how a run ended; returns the exit code. `command` is what goes on with one."""
    from copa.reporting.table import final_table

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    resume = f"{command} --resume {shlex.quote(str(folder.path))}"
    match outcome.state:
        case "finished":
            final = folder.final()
            if final is not None:
                console.print(final_table(final))
            say(f"curves      {folder.curves_file}")
            say(f"report      {folder.report_file}")
            say(f"more steps  {resume} --run.steps N")
        case "interrupted":
            saved = sorted(folder.checkpoints.glob("checkpoint-*.safetensors"))
            say(f"stopped; checkpoint {saved[-1]}" if saved else "stopped before there was a checkpoint")
            say(f"go on with  {resume}")
        case "failed" if outcome.death is not None:
            _tell_failure(folder, outcome.death, resume)
        case _:
            pass
    return outcome.exit_code


def _tell_failure(folder: "RunFolder", death: "Death", resume: str) -> None:
    last = death.lines[-1] if death.lines else ""
    if last.startswith("error: "):
        click.echo(f"error: {death.name}: {last.removeprefix('error: ')}", err=True)
        return
    click.echo("\n".join(death.lines), err=True)
    click.echo(
        f"error: {death.name} ended the run ({death.reason}); its last lines are above, its log is"
        f" {folder.logs / f'{death.name}.log'}; go on with {resume}",
        err=True,
    )
