"""`copa render`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copa.cli.evaluate import played_by
from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, resolved
from copa.errors import ConfigError

if TYPE_CHECKING:
    from copa.evaluation.sweep import Player

_OPTIONS = (
    "--checkpoint",
    "--policy",
    "--task",
    "--team",
    "--seed",
    "--episode",
    "--beta",
    "--fps",
    "--width",
    "--output",
)


@click.command(context_settings=SETTINGS_CONTEXT)
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A checkpoint, or the folder of a run.")
@click.option("--policy", type=click.Choice(["random", "greedy"]), help="Play this policy instead of a checkpoint.")
@click.option("--task", help="Task for --policy.")
@click.option("--team", help="Team to play; the training teams when not given.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1_000_003, show_default=True, help="Seed of games.")
@click.option("--episode", type=click.IntRange(min=0), default=0, show_default=True, help="Number of the episode.")
@click.option(
    "--beta",
    type=float,
    help="A strategy travels when it moved, or is needed, by more than this; coach.beta when not given.",
)
@click.option("--fps", type=click.FloatRange(0.5, 50), default=8.0, show_default=True, help="Steps in a second.")
@click.option(
    "--width", type=click.IntRange(160, 1920), default=960, show_default=True, help="Pixels across, of .gif and .mp4."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("episode.html"),
    show_default=True,
    help="File to write; its ending, .html, .gif or .mp4, says what.",
)
@configured
def render(
    checkpoint: Path | None,
    policy: str | None,
    task: str | None,
    team: str | None,
    seed: int,
    episode: int,
    beta: float | None,
    fps: float,
    width: int,
    output: Path,
    preset: str | None,
    file: Path | None,
    settings: tuple[str, ...],
) -> None:
    """Play one episode and write it as a page, a GIF or a film.

    With --checkpoint the configuration is the checkpoint's own; with --policy it comes from the usual layers. The
    episode is the one that copa eval plays for the same seed and number.
    """
    if (checkpoint is None) == (policy is None):
        raise ConfigError("give either --checkpoint PATH or --policy random|greedy")
    if checkpoint is not None and (task or settings or preset or file):
        raise ConfigError("--checkpoint brings its own task and settings; leave out --task, --preset, --config, ...")
    from copa.evaluation.sweep import untrained
    from copa.rendering import check_ending, record, write
    from copa.tasks import task_spec

    check_ending(output)
    if beta is not None and not 0.0 <= beta < math.inf:
        raise ConfigError(f"--beta {beta} is not allowed; allowed: a number of at least 0")
    if checkpoint is not None:
        player = _trained(checkpoint)
    else:
        found = resolved(preset, file, [*settings, *name_flags(task=task)], known=_OPTIONS)
        player = untrained("random" if policy == "random" else "greedy", found.config)
    config = player.config
    recording = record(
        player,
        team=team or task_spec(config.task.name, config.task.options).teams[0],
        seed=seed,
        episode=episode,
        beta=config.coach.beta if beta is None else beta,
    )
    write(output, recording, fps=fps, width=width)
    last = recording.frames[-1]
    told = f", coach spoke in {last.rate:.0%} of {last.eligible} cases" if last.rate is not None else ""
    outcomes = "".join(f", {name.replace('_', ' ')} {value:g}" for name, value in recording.outcomes.items())
    click.echo(f"{output}: {recording.steps} steps, return {last.total:.2f}{told}{outcomes}")


def _trained(path: Path) -> "Player":
    """The one team of `path`; raises ConfigError where there are several."""
    players = played_by([path])
    if len(players) > 1 or len(players[0].sources) > 1:
        raise ConfigError(f"--checkpoint {path} is a group of runs; give one of the folders in it")
    return players[0]
