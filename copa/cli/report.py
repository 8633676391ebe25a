"""`copa report`."""

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Write curves.png and report.md of the run in folder RUN anew."""
    from copa.reporting import write_report
    from copa.run_folder import RunFolder

    for path in write_report(RunFolder.open(run)):
        click.echo(str(path))
