"""`copa report`: of one run, and of many as the paper's table and figure."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from copa.reporting.evaluation_table import Format

_RUNS = click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
_BETAS = click.option("--beta", "betas", default="0,1,2,3", show_default=True, help="Betas, separated by commas.")
_EPISODES = click.option("--episodes", type=click.IntRange(min=1), default=500, show_default=True)
_SEED = click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=1_000_003, show_default=True)


class _Report(click.Group):
    """A group whose first word, where it is no subcommand, is the folder of a run."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=_Report)
def report() -> None:
    """Report on runs: `copa report RUN` for one, `table` and `dynamics` for many."""


@report.command("run")
@click.argument("run", type=click.Path(path_type=Path))
def one_run(run: Path) -> None:
    """Write curves.png and report.md of the run in folder RUN anew; the word `run` may be left out."""
    from copa.reporting import write_report
    from copa.run_folder import RunFolder

    for path in write_report(RunFolder.open(run)):
        click.echo(str(path))


@report.command("table")
@_RUNS
@_BETAS
@_EPISODES
@_SEED
@click.option("--teams", default="", help="Teams, separated by commas; the training and held-out teams when not given.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "csv", "json"]), default="markdown", show_default=True
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the table there as well.")
def table(
    runs: tuple[Path, ...], betas: str, episodes: int, seed: int, teams: str, form: "Format", output: Path | None
) -> None:
    """The paper's table: a line per method and beta, a column per team, beside random and greedy.

    Coaches hold back by distance (Eq. 3), also those that foretell need (copa need).
    """
    from copa.cli.evaluate import numbers, played_by, save
    from copa.evaluation.sweep import by_distance, sweep, untrained
    from copa.reporting.evaluation_table import paper_table

    players = [by_distance(player) for player in played_by(runs)]
    others = [untrained("random", players[0].config), untrained("greedy", players[0].config)]
    names = [name.strip() for name in teams.split(",") if name.strip()]
    rows = sweep([*others, *players], betas=numbers("--beta", betas), teams=names, episodes=episodes, seed=seed)
    shown = paper_table(rows, form)
    click.echo(shown)
    if output is not None:
        save(output, shown)


@report.command("dynamics")
@_RUNS
@_BETAS
@_EPISODES
@_SEED
@click.option("--team", default="train", show_default=True, help="Team of the static and the medium variant.")
@click.option("--changing-team", default="varying", show_default=True, help="Team of the dynamic variant.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dynamics"),
    show_default=True,
    help="Folder for dynamics.md, .json and .png.",
)
def dynamics_of(
    runs: tuple[Path, ...], betas: str, episodes: int, seed: int, team: str, changing_team: str, output: Path
) -> None:
    """The paper's figure: what holding back costs in the static, medium and dynamic variants of Resource Collection.

    Coaches hold back by distance (Eq. 3), also those that foretell need (copa need).
    """
    from copa.cli.evaluate import numbers, played_by
    from copa.errors import UnavailableError
    from copa.evaluation.sweep import by_distance
    from copa.reporting.dynamics import dynamics, markdown, write_dynamics

    used = numbers("--beta", betas)
    players = [by_distance(player) for player in played_by(runs)]
    points = dynamics(players, betas=used, team=team, changing_team=changing_team, episodes=episodes, seed=seed)
    try:
        written = write_dynamics(output, points)
    except OSError as error:
        raise UnavailableError(f"--output {output} cannot be written: {error.strerror}") from None
    click.echo(markdown(points))
    for path in written:
        click.echo(str(path))
