"""`copa eval`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, resolved
from copa.config.change import with_coach_steps
from copa.errors import ConfigError, UnavailableError

if TYPE_CHECKING:
    from copa.evaluation.sweep import Player
    from copa.reporting.evaluation_table import Format

_OPTIONS = (
    "--checkpoint",
    "--policy",
    "--task",
    "--teams",
    "--episodes",
    "--seed",
    "--beta",
    "--rate",
    "--T",
    "--by-distance",
    "--format",
)


@click.command("eval", context_settings=SETTINGS_CONTEXT)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A checkpoint, or the folder of a run or of a group of runs; may be given several times.",
)
@click.option("--policy", type=click.Choice(["random", "greedy"]), help="Play this policy instead of a checkpoint.")
@click.option("--task", help="Task for --policy.")
@click.option("--teams", default="", help="Teams, separated by commas; the training and held-out teams when not given.")
@click.option("--episodes", type=click.IntRange(min=1), default=300, show_default=True, help="Episodes per team.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1_000_003, show_default=True, help="Seed of games.")
@click.option(
    "--beta",
    "betas",
    default="",
    help="A strategy travels when it moved, or is needed, by more than this; 0,1,2 for several.",
)
@click.option(
    "--rate", "rates", default="", help="Find the beta at which the coach speaks so often per coach step: 0.4,1."
)
@click.option(
    "--T", "T", type=click.IntRange(1, 256), help="Steps between two words of the coach, instead of the checkpoint's."
)
@click.option(
    "--by-distance",
    "distances",
    is_flag=True,
    help="Hold back what moved least (Eq. 3), also where the coach foretells what is needed (copa need).",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "csv", "json"]), default="text", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the table there as well.")
@configured
def evaluate(
    checkpoints: tuple[Path, ...],
    policy: str | None,
    task: str | None,
    teams: str,
    episodes: int,
    seed: int,
    betas: str,
    rates: str,
    T: int | None,
    distances: bool,
    form: "Format",
    as_json: bool,
    output: Path | None,
    preset: str | None,
    file: Path | None,
    settings: tuple[str, ...],
) -> None:
    """Play held-out teams without exploration and print what they reach.

    With --checkpoint the configuration is the checkpoint's own; with --policy it comes from the usual layers. Runs that
    differ in their seed alone are one line, whose interval is over runs.
    """
    if bool(checkpoints) == (policy is not None):
        raise ConfigError("give either --checkpoint PATH or --policy random|greedy")
    if checkpoints and (task or settings or preset or file):
        raise ConfigError("--checkpoint brings its own task and settings; leave out --task, --preset, --config, ...")
    if betas and rates:
        raise ConfigError("give either --beta or --rate")
    from copa.evaluation.sweep import by_distance, sweep
    from copa.reporting.evaluation_table import written

    if T is not None and not checkpoints:
        raise ConfigError("--T belongs to --checkpoint; with --policy nobody listens to a coach")
    players = played_by(checkpoints) if checkpoints else [_untrained(str(policy), task, preset, file, settings)]
    if T is not None:
        players = [_playing_at(player, T) for player in players]
    if distances:
        if not any(player.has_coach for player in players):
            raise ConfigError("--by-distance: nobody here has a coach, so nothing is held back")
        players = [by_distance(player) for player in players]
    names = [name.strip() for name in teams.split(",") if name.strip()]
    used = numbers("--beta", betas)
    rows = []
    for player in players:
        wanted = _betas(player, numbers("--rate", rates), names, seed) if rates else used
        rows += sweep([player], betas=wanted, teams=names, episodes=episodes, seed=seed)
    about: dict[str, Any] = {"task": players[0].config.task.name, "episodes": episodes, "seed": seed}
    about |= {"checkpoint": [str(path) for path in checkpoints]} if checkpoints else {"policy": policy}
    about |= {} if T is None else {"T": T}
    if coached := {player.label: player.criterion for player in players if player.has_coach}:
        about["criterion"] = coached
    shown = written(rows, "json" if as_json else form, about)
    click.echo(shown)
    if output is not None:
        save(output, shown)


def played_by(paths: Sequence[Path]) -> "list[Player]":
    """Players of checkpoints, of runs and of groups of runs."""
    import torch

    from copa import arithmetic
    from copa.evaluation.sweep import trained
    from copa.run_group import RunGroup, runs_of

    players = trained(
        [path for given in paths for path in ([r.path for r in runs_of([given])] if RunGroup.is_at(given) else [given])]
    )
    arithmetic.prepare(
        torch.get_num_threads(), flush_denormals=any(player.config.learning.flush_denormals for player in players)
    )
    return players


def numbers(option: str, text: str) -> list[float]:
    """Numbers of at least 0, separated by commas; raises ConfigError for anything else."""
    try:
        found = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        found = [-1.0]
    if not all(0.0 <= number < float("inf") for number in found):
        raise ConfigError(f"{option} {text!r} is not allowed; allowed: numbers of at least 0, separated by commas")
    return found


def save(path: Path, text: str) -> None:
    """Write `text` to `path`; raises UnavailableError."""
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UnavailableError(f"--output {path} cannot be written: {error.strerror}") from None


def _playing_at(player: "Player", T: int) -> "Player":
    from copa.methods import method_named

    method = method_named(player.config.method.name)
    if not method.coach and method.sight != "periodic":
        raise ConfigError(f"--T: {player.label} has no coach and no steps at which it sees more, so T changes nothing")
    return replace(player, label=f"{player.label}, T = {T}", config=with_coach_steps(player.config, T))


def _betas(player: "Player", rates: Sequence[float], teams: Sequence[str], seed: int) -> list[float]:
    from copa.evaluation.sweep import beta_for_rate
    from copa.tasks import task_spec

    team = teams[0] if teams else task_spec(player.config.task.name, player.config.task.options).teams[0]
    return [beta_for_rate(player, rate, team=team, seed=seed) for rate in rates]


def _untrained(
    policy: str, task: str | None, preset: str | None, file: Path | None, settings: tuple[str, ...]
) -> "Player":
    from copa.evaluation.sweep import untrained

    found = resolved(preset, file, [*settings, *name_flags(task=task)], known=_OPTIONS)
    return untrained("random" if policy == "random" else "greedy", found.config)
