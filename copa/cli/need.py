"""`copa need`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from copa.need.learn import Fit


@click.command()
@click.option(
    "--checkpoint", required=True, type=click.Path(path_type=Path), help="A checkpoint, or the folder of a run."
)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder for the new checkpoint."
)
@click.option("--teams", default="", help="Teams to play with, separated by commas; those of training when not given.")
@click.option(
    "--episodes", type=click.IntRange(min=2), default=600, show_default=True, help="Episodes per team, twice."
)
@click.option(
    "--T", "T", type=click.IntRange(1, 256), help="Steps between two words of the coach, instead of the checkpoint's."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 2), default=2_000_003, show_default=True, help="Seed of games.")
def need(checkpoint: Path, output: Path, teams: str, episodes: int, T: int | None, seed: int) -> None:
    """Teach a coach which of its strategies its players need, and write both as a checkpoint that plays.

    The team plays, without exploration, with a coach that is often silent; a small network learns to foretell what each
    player loses that keeps what it holds. With it, `copa eval`, `render` and `coach` hold back what is needed least,
    where they would hold back what moved least (Eq. 3). Team and coach stay as they are; with --T the coach looks at
    other steps from then on.
    """
    import torch

    from copa import arithmetic
    from copa import checkpoint as checkpoints
    from copa.config.change import with_coach_steps
    from copa.need import learn_need

    checkpoints.require_new(output)
    saved = checkpoints.load(checkpoint)
    if T is not None:
        saved = replace(saved, config=with_coach_steps(saved.config, T))
    arithmetic.prepare(torch.get_num_threads(), flush_denormals=saved.config.learning.flush_denormals)
    names = [name.strip() for name in teams.split(",") if name.strip()]
    made = learn_need(saved, teams=names, episodes=episodes, seed=seed, tell=_tell)
    click.echo(str(checkpoints.save(output, made, kept=1)))


def _tell(fit: "Fit") -> None:
    if fit.idle == 1.0:
        foretold = "nobody needs to be told anew"
    elif fit.explained > 0.0:
        foretold = f"{fit.explained:.0%} of the variance of need is foretold, in episodes that it did not learn from"
    else:
        foretold = "need is not foretold better than by its mean; give more --episodes"
    click.echo(f"{fit.cases:,} strategies held at coach steps, {fit.idle:.0%} of them at no loss; {foretold}", err=True)
