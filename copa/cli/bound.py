"""`copa bound`."""

from pathlib import Path

import click

from copa.extras import installing


@click.command()
@click.option(
    "--checkpoint", required=True, type=click.Path(path_type=Path), help="A checkpoint, or the folder of a run."
)
@click.option("--team", help="The team that plays; the training distribution when not given.")
@click.option("--beta", "betas", default="", help="Betas, separated by commas; 0.5,1,2,3 when neither is given.")
@click.option(
    "--rate", "rates", default="", help="Find the betas at which the coach speaks so often per coach step: 0.4,0.7."
)
@click.option("--loss", type=click.FloatRange(min=0.0), help="Find the largest beta that loses at most this.")
@click.option(
    "--episodes", type=click.IntRange(min=1), default=256, show_default=True, help="Episodes per measured loss."
)
@click.option("--states", type=click.IntRange(min=1), default=2000, show_default=True, help="Visited states looked at.")
@click.option(
    "--pairs", type=click.IntRange(min=1), default=8, show_default=True, help="Other strategies per state and agent."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1_000_003, show_default=True, help="Seed of games.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("bound"),
    show_default=True,
    help="Folder for bound.txt, bound.json and bound.png.",
)
def bound(
    checkpoint: Path,
    team: str | None,
    betas: str,
    rates: str,
    loss: float | None,
    episodes: int,
    states: int,
    pairs: int,
    seed: int,
    as_json: bool,
    output: Path,
) -> None:
    """Estimate Theorem 1's bound for a trained team, beside what holding back strategies really costs it.

    The bound is 2 (n_a eta beta + kappa) / (1 - gamma); eta and kappa are sampled, so it is an estimate, not a
    certificate. A coach that foretells need (copa need) holds back by distance here, as the theorem has it.
    """
    import json

    from copa.bounding import estimate, require_coach
    from copa.cli.evaluate import numbers, played_by
    from copa.errors import ConfigError, UnavailableError
    from copa.evaluation.sweep import beta_for_rate, by_distance
    from copa.reporting.bound import data, text, write_bound
    from copa.tasks import task_spec

    if betas and rates:
        raise ConfigError("give either --beta or --rate")
    (player,) = played_by([checkpoint])
    require_coach(player.config)
    player = by_distance(player)
    config, (tensors, *others) = player.config, player.sources
    if others or isinstance(tensors, str):
        raise ConfigError(f"--checkpoint {checkpoint} is a group of runs; give one of them")
    playing = team or task_spec(config.task.name, config.task.options).teams[0]
    wanted = numbers("--beta", betas or "0.5,1,2,3")
    if rates:
        wanted = [beta_for_rate(player, rate, team=playing, seed=seed) for rate in numbers("--rate", rates)]
    found = estimate(
        config,
        tensors,
        team=playing,
        betas=wanted,
        episodes=episodes,
        states=states,
        pairs=pairs,
        seed=seed,
        loss=loss,
    )
    try:
        written = write_bound(output, found)
    except OSError as error:
        raise UnavailableError(f"--output {output} cannot be written: {error.strerror}") from None
    if as_json:
        click.echo(json.dumps(data(found)))
        return
    click.echo(text(found))
    for path in written:
        click.echo(str(path))
    if not any(path.suffix == ".png" for path in written):
        click.echo(f"no picture: matplotlib is not installed ({installing('plots')})")
