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
    from copa.run_group import RunGroup
    from copa.supervisor.processes import Death
    from copa.supervisor.supervisor import Outcome

_OPTIONS = ("--run-dir", "--resume", "--seeds", "--plain", "--task", "--method")


@click.command(context_settings=SETTINGS_CONTEXT)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Folder of the new run; the same as --run.folder.")
@click.option(
    "--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with the run, or the group, in this folder."
)
@click.option("--seeds", metavar="0..4", help="One run after the other with these seeds, in one group folder.")
@click.option("--plain", is_flag=True, help="Lines instead of the live view.")
@named
@configured
def train(
    run_dir: Path | None,
    resume: Path | None,
    seeds: str | None,
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
    from copa.run_group import RunGroup

    names = name_flags(task=task, method=method)
    if resume and (run_dir or preset or file or names or seeds):
        raise ConfigError(
            "--resume takes the run's own configuration; leave out --run-dir, --seeds, --preset, --config, --task and"
            " --method"
        )
    if resume and RunGroup.is_at(resume):
        if settings:
            raise ConfigError(f"--resume of a group takes no settings; resume one of its runs, in {resume}, with them")
        return _train_group(RunGroup(resume), plain=plain)
    if seeds is not None:
        return _train_group(_new_group(seeds, run_dir, preset, file, [*settings, *names]), plain=plain)
    given = [*settings, *names, *(["--run.folder", str(run_dir)] if run_dir else [])]
    return _train_run(*(_resumed(resume, given) if resume else _new(preset, file, given)), plain=plain)


def _train_run(config: "Config", folder: "RunFolder", *, plain: bool) -> int:
    from rich.console import Console

    from copa.run_folder import command_line
    from copa.supervisor.supervisor import Supervisor
    from copa.supervisor.view import new_view
    from copa.telemetry.http import check_exposure

    check_exposure(config.telemetry)
    console = Console()
    logging.basicConfig(
        filename=folder.logs / "supervisor.log", format="%(asctime)s %(levelname)s %(message)s", force=True
    )
    with folder.held():
        folder.mend_metrics()
        folder.note_start(command_line())
        console.print(f"run {folder.path}", markup=False, highlight=False, soft_wrap=True)
        outcome = Supervisor(folder, config, new_view(console, plain=plain)).run()
    _tell(console, folder, outcome)
    return outcome.exit_code


def _new_group(
    seeds: str, run_dir: Path | None, preset: str | None, file: Path | None, settings: Sequence[str]
) -> "RunGroup":
    from copa.run_folder import default_path
    from copa.run_group import RunGroup, parse_seeds
    from copa.tasks import task_spec

    wanted = parse_seeds(seeds)
    if any(word.split("=")[0] in ("--run.seed", "--run.folder") for word in settings):
        raise ConfigError("--seeds gives every run its seed and folder; leave out --run.seed, and use --run-dir")
    found = resolved(preset, file, settings, known=_OPTIONS)
    task_spec(found.config.task.name, found.config.task.options)
    path = run_dir or default_path(found.config)
    return RunGroup.create(path, found.config, preset=str(found.preset), seeds=wanted)


def _train_group(group: "RunGroup", *, plain: bool) -> int:
    """Train the group's runs that are not complete, until one is stopped or fails; returns its exit code."""
    from copa.run_folder import RunFolder

    go_on = f"copa train --resume {shlex.quote(str(group.path))}"
    for seed in group.seeds():
        path = group.member(seed)
        begun = (path / "run.json").exists() and RunFolder.open(path).begun()
        if begun and RunFolder.open(path).info()["state"] == "finished":
            click.echo(f"seed {seed} is complete: {path}")
            continue
        if begun:
            run = _resumed(path, [])
        else:
            config = group.member_config(seed)
            folder = RunFolder.create(config, preset=group.preset)
            run = _located(config, folder), folder
        code = _train_run(*run, plain=plain)
        if code != 0:
            click.echo(f"the group stopped at seed {seed}; go on with all of it by  {go_on}")
            return code
    click.echo(f"group complete; compare by  copa compare {shlex.quote(str(group.path))}")
    return 0


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
