"""`copa compare`."""

from pathlib import Path
from typing import Literal

import click

from copa.extras import installing


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--by", default="method.name", show_default=True, help="The setting that makes the groups.")
@click.option(
    "--axis",
    type=click.Choice(["steps", "updates", "seconds"]),
    default="steps",
    show_default=True,
    help="What the curves run over; seconds are those of running, without pauses.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("compare"),
    show_default=True,
    help="Folder for compare.md, .csv, .json and .png.",
)
def compare(runs: tuple[Path, ...], by: str, axis: Literal["steps", "updates", "seconds"], output: Path) -> None:
    """Compare learning curves of runs, or of groups of runs, by method or by any other setting.

    Curves of a group are averaged over its runs where all of them have been; the band is a 95 % bootstrap interval
    over runs.
    """
    from copa.errors import UnavailableError
    from copa.reporting.compare import compare as compared
    from copa.reporting.compare_files import markdown, write_comparison
    from copa.run_group import runs_of

    comparison = compared(runs_of(runs), by=by, axis=axis)
    try:
        written = write_comparison(output, comparison)
    except OSError as error:
        raise UnavailableError(f"--output {output} cannot be written: {error.strerror}") from None
    click.echo(markdown(comparison))
    for path in written:
        click.echo(str(path))
    if not any(path.suffix == ".png" for path in written):
        click.echo(f"no picture: matplotlib is not installed ({installing('plots')})")
