"""`copa bench`."""

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.group()
def bench() -> None:
    """Look at what `make bench` measured."""


@bench.command()
@click.argument("now", type=click.Path(path_type=Path), default=Path("runs") / "bench.json", metavar="[FILE]")
@click.option(
    "--recorded",
    type=click.Path(path_type=Path),
    default=Path("bench") / "recorded.json",
    show_default=True,
    help="File with the figures to compare with.",
)
@click.option(
    "--share",
    type=click.FloatRange(0.0, 1.0, min_open=True),
    default=0.2,
    show_default=True,
    help="A ratio fell when it is worse by more than this.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(now: Path, recorded: Path, share: float, as_json: bool) -> int:
    """Say which ratio of FILE (runs/bench.json) fell against the recorded ones; exit code 1 where one did.

    Ratios are compared, not times: both sides of each were measured on the same machine in the same run. Baselines
    marked "recorded" are the exception, so compare them on the same class of machine only.
    """
    from copa.reporting.benchmarks import cells, changes, conclusion
    from copa.reporting.tables import aligned

    found = changes(now, recorded)
    if as_json:
        rows = [asdict(one) | {"gain": one.gain, "fell": one.fell(share)} for one in found]
        click.echo(json.dumps({"share": share, "ratios": rows}, indent=2))
    else:
        click.echo(aligned(cells(found, share), left=1))
        click.echo(conclusion(found, share))
    return int(any(one.fell(share) for one in found))
