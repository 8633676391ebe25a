"""`copa eval`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, resolved
from copa.errors import ConfigError

if TYPE_CHECKING:
    from copa.config.schema import Config
    from copa.evaluation import Source, TeamResult


@dataclass(frozen=True, slots=True)
class _Player:
    """Who plays, under which configuration."""

    config: "Config"
    source: "Source"
    about: Mapping[str, Any]


@click.command("eval", context_settings=SETTINGS_CONTEXT)
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A checkpoint, or the folder of a run.")
@click.option("--policy", type=click.Choice(["random", "greedy"]), help="Play this policy instead of a checkpoint.")
@click.option("--task", help="Task for --policy.")
@click.option("--teams", default="", help="Teams, separated by commas; the training and held-out teams when not given.")
@click.option("--episodes", type=click.IntRange(min=1), default=300, show_default=True, help="Episodes per team.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1_000_003, show_default=True, help="Seed of games.")
@click.option("--beta", type=click.FloatRange(min=0.0), help="A strategy travels when it moved by more than this.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@configured
def evaluate(
    checkpoint: Path | None,
    policy: str | None,
    task: str | None,
    teams: str,
    episodes: int,
    seed: int,
    beta: float | None,
    as_json: bool,
    preset: str | None,
    file: Path | None,
    settings: tuple[str, ...],
) -> None:
    """Play held-out teams without exploration and print what they reach.

    With --checkpoint the configuration is the checkpoint's own; with --policy it comes from the usual layers.
    """
    if (checkpoint is None) == (policy is None):
        raise ConfigError("give either --checkpoint PATH or --policy random|greedy")
    if checkpoint is not None:
        if task or settings or preset or file:
            raise ConfigError(
                "--checkpoint brings its own task and settings; leave out --task, --preset, --config, ..."
            )
        player = _trained(checkpoint)
    else:
        player = _untrained(str(policy), task, preset, file, settings)
    from copa.evaluation import evaluate as play

    used_beta = player.config.coach.beta if beta is None else beta
    names = [name.strip() for name in teams.split(",") if name.strip()]
    results = play(player.config, player.source, teams=names, episodes=episodes, seed=seed, beta=used_beta)
    _print(player, results, {"episodes": episodes, "seed": seed, "beta": used_beta}, as_json)


def _trained(path: Path) -> _Player:
    import torch

    from copa import checkpoint

    saved = checkpoint.load(path)
    if saved.config.learning.flush_denormals:
        torch.set_flush_denormal(True)
    about = {"checkpoint": str(path), "updates": saved.updates, "steps": saved.steps}
    return _Player(saved.config, saved.tensors, about)


def _untrained(
    policy: str, task: str | None, preset: str | None, file: Path | None, settings: tuple[str, ...]
) -> _Player:
    given = [*settings, *name_flags(task=task)]
    found = resolved(preset, file, given, known=["--checkpoint", "--policy", "--task", "--teams", "--episodes"])
    return _Player(found.config, "random" if policy == "random" else "greedy", {"policy": policy})


def _print(player: _Player, results: Mapping[str, "TeamResult"], about: Mapping[str, Any], as_json: bool) -> None:
    teams = {name: result.json() for name, result in results.items()}
    if as_json:
        task = player.config.task.name
        click.echo(json.dumps({"teams": teams, "task": task, **player.about, **about}))
        return
    click.echo(f"{'team':<10} {'mean':>9} {'stderr':>8} {'episodes':>9} {'communication':>14}")
    for name, values in teams.items():
        rate = values["communication_rate"]
        said = "-" if rate is None else f"{rate:.0%}"
        click.echo(f"{name:<10} {values['mean']:>9.2f} {values['stderr']:>8.2f} {values['episodes']:>9} {said:>14}")
