"""`copa distill`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copa.errors import ConfigError

if TYPE_CHECKING:
    from copa.checkpoint import Checkpoint
    from copa.distilling.learn import Round

_TOLD_EVERY = 10


@click.command()
@click.option(
    "--checkpoint",
    "checkpoints",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    help="A team to learn from: a checkpoint, or the folder of a run. Several times for several; the first is where"
    " learning begins.",
)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the new checkpoint."
)
@click.option("--teams", default="", help="Teams to play with, separated by commas; those of training when not given.")
@click.option(
    "--hold",
    type=click.FloatRange(0.0, 1.0),
    default=0.0,
    show_default=True,
    help="Highest probability that a player keeps its strategy at a coach step, so that it learns to do with silence.",
)
@click.option(
    "--T",
    "T",
    type=click.IntRange(1, 256),
    help="Steps between two words of the coach, of all teams, instead of each checkpoint's.",
)
@click.option(
    "--rounds", type=click.IntRange(min=1), default=100, show_default=True, help="Rounds of 64 episodes, 60 updates."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 2), default=3_000_003, show_default=True, help="Seed of games.")
def distill(
    checkpoints: tuple[Path, ...], output: Path, teams: str, hold: float, T: int | None, rounds: int, seed: int
) -> None:
    """Make one team that plays like the average of several, and write it as a checkpoint that plays.

    Give runs of the same task (it is played with the first one's options), of several seeds say: where they err
    differently, their average errs less, and so does the team that learns from it. Learning begins with the first team
    and its settings; it plays, the others look on, and it learns to choose as they would on average. Their coaches tell
    them everything; with --hold its own is often silent, so that it learns to play without what it was not told. Need,
    if a team has it, is left out; learn it anew with `copa need`.
    """
    import torch

    from copa import arithmetic
    from copa import checkpoint as saving
    from copa.distilling import distill as learn

    saving.require_new(output)
    saved = [saving.load(path) for path in checkpoints]
    if T is not None:
        saved = [_at(T, path, each) for path, each in zip(checkpoints, saved, strict=True)]
    arithmetic.prepare(torch.get_num_threads(), flush_denormals=saved[0].config.learning.flush_denormals)
    names = [name.strip() for name in teams.split(",") if name.strip()]
    made = learn(saved, teams=names, rounds=rounds, hold=hold, seed=seed, tell=_teller(rounds))
    click.echo(str(saving.save(output, made, kept=1)))


def _at(T: int, path: Path, saved: "Checkpoint") -> "Checkpoint":
    from copa.config.change import with_coach_steps

    try:
        return replace(saved, config=with_coach_steps(saved.config, T))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _teller(rounds: int) -> "Callable[[Round], None]":
    def tell(done: "Round") -> None:
        if done.number % _TOLD_EVERY == 0 or done.number in (1, rounds):
            click.echo(
                f"round {done.number} of {rounds}: chooses as its teachers would {done.distance.agreement:.1%} of the"
                f" time (divergence {done.distance.divergence:.4f})",
                err=True,
            )

    return tell
