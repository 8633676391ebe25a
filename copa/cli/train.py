"""`copa train`."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, named, resolved
from copa.cli.running import RUN_OPTIONS, holding, located, new_run, resumed_run, supervise, tell
from copa.errors import ConfigError

if TYPE_CHECKING:
    from copa.config.schema import Config
    from copa.run_folder import RunFolder
    from copa.run_group import RunGroup

_OPTIONS = (*RUN_OPTIONS, "--seeds")


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
    run = resumed_run(resume, given, known=_OPTIONS) if resume else new_run(preset, file, given, known=_OPTIONS)
    return _train_run(*run, plain=plain)


def _train_run(config: "Config", folder: "RunFolder", *, plain: bool) -> int:
    from rich.console import Console

    from copa.supervisor.crew import LocalCrew

    console = Console()
    with holding(config, folder):
        outcome = supervise(config, folder, LocalCrew(folder, config), console, plain=plain)
    return tell(console, folder, outcome, command="copa train")


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
            run = resumed_run(path, [], known=_OPTIONS)
        else:
            config = group.member_config(seed)
            folder = RunFolder.create(config, preset=group.preset)
            run = located(config, folder), folder
        code = _train_run(*run, plain=plain)
        if code != 0:
            click.echo(f"the group stopped at seed {seed}; go on with all of it by  {go_on}")
            return code
    click.echo(f"group complete; compare by  copa compare {shlex.quote(str(group.path))}")
    return 0
