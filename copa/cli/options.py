"""Options that several commands share, and how a configuration is made of them."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from copa.config.load import Resolved, resolve, split_flags
from copa.config.presets import DEFAULT, PRESETS

SETTINGS_CONTEXT = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": ["-h", "--help"]}
"""Context of a command that takes --section.field VALUE."""

Command = TypeVar("Command", bound=Callable[..., Any])


def configured(command: Command) -> Command:
    """Add --preset, --config and the settings to a command."""
    for decorate in (
        click.argument("settings", nargs=-1, type=click.UNPROCESSED, metavar="[--SECTION.FIELD VALUE]..."),
        click.option("--config", "file", type=click.Path(path_type=Path), help="Configuration file (TOML)."),
        click.option("--preset", help=f"{', '.join(PRESETS)}; {DEFAULT} when none is named."),
    ):
        command = decorate(command)
    return command


def named(command: Command) -> Command:
    """Add --task and --method, short for the settings of that name."""
    for decorate in (
        click.option("--method", metavar="NAME", help="Method to train; short for --method.name."),
        click.option("--task", metavar="NAME", help="Task to play; short for --task.name."),
    ):
        command = decorate(command)
    return command


def name_flags(*, task: str | None = None, method: str | None = None) -> list[str]:
    """--task and --method as settings."""
    chosen = {"--task.name": task, "--method.name": method}
    return [word for flag, name in chosen.items() if name is not None for word in (flag, name)]


def resolved(preset: str | None, file: Path | None, settings: Sequence[str], *, known: Sequence[str] = ()) -> Resolved:
    """The configuration of a command's options, the environment and its settings."""
    flags = split_flags(settings, known=["--preset", "--config", *known])
    return resolve(preset=preset, file=file, flags=flags, environment=os.environ)
