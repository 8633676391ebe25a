"""`copa train`."""

import logging
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, named, resolved
from copa.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from copa.config.schema import Config
    from copa.run_folder import RunFolder
    from copa.supervisor.processes import Death
    from copa.supervisor.supervisor import Outcome

_OPTIONS = ("--run-dir", "--resume", "--plain", "--task", "--method")


@click.command(context_settings=SETTINGS_CONTEXT)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Folder of the new run; the same as --run.folder.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with the run in this folder.")
@click.option("--plain", is_flag=True, help="Lines instead of the live view.")
@named
@configured
def train(
    run_dir: Path | None,
    resume: Path | None,
    plain: bool,
    task: str | None,
    method: str | None,
    preset: str | None,
    file: Path | None,
    settings: tuple[str, ...],
) -> int:
    """Train on this machine: start every process of a run, show it, end with a table, curves and a report.

    Ctrl-C stops the run with a checkpoint; --resume goes on with it.
    """
    from rich.console import Console

    from copa.run_folder import command_line
    from copa.supervisor.supervisor import Supervisor
    from copa.supervisor.view import new_view

    names = name_flags(task=task, method=method)
    given = [*settings, *names, *(["--run.folder", str(run_dir)] if run_dir else [])]
    if resume and (run_dir or preset or file or names):
        raise ConfigError(
            "--resume takes the run's own configuration; leave out --run-dir, --preset, --config, --task and --method"
        )
    config, folder = _resumed(resume, given) if resume else _new(preset, file, given)
    console = Console()
    logging.basicConfig(filename=folder.logs / "supervisor.log", format="%(asctime)s %(levelname)s %(message)s")
    with folder.held():
        folder.mend_metrics()
        folder.note_start(command_line())
        console.print(f"run {folder.path}", markup=False, highlight=False, soft_wrap=True)
        outcome = Supervisor(folder, config, new_view(console, plain=plain)).run()
    _tell(console, folder, outcome)
    return outcome.exit_code


def _new(preset: str | None, file: Path | None, settings: Sequence[str]) -> "tuple[Config, RunFolder]":
    from copa.run_folder import RunFolder
    from copa.tasks import task_spec

    found = resolved(preset, file, settings, known=_OPTIONS)
    task_spec(found.config.task.name, found.config.task.options)
    folder = RunFolder.create(found.config, preset=found.preset)
    return _located(found.config, folder), folder


def _resumed(run: Path, settings: Sequence[str]) -> "tuple[Config, RunFolder]":
    from copa.config.load import split_flags
    from copa.run_folder import RunFolder
    from copa.supervisor.resume import resumed_config

    folder = RunFolder.open(run)
    flags = split_flags(settings, known=_OPTIONS)
    config = _located(resumed_config(folder, flags, os.environ), folder)
    if folder.running_pid() is None:
        folder.write_config(config, preset=str(folder.info()["preset"]))
    return config, folder


def _located(config: "Config", folder: "RunFolder") -> "Config":
    return config.model_copy(update={"run": config.run.model_copy(update={"folder": folder.path})})


def _tell(console: "Console", folder: "RunFolder", outcome: "Outcome") -> None:
    from copa.reporting.table import final_table

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    resume = f"copa train --resume {shlex.quote(str(folder.path))}"
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
