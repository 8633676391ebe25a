"""`copa methods`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, resolved


@click.command(context_settings=SETTINGS_CONTEXT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--parameters", is_flag=True, help="Count the parameters of each, with the sizes of --preset, --config and flags."
)
@configured
def methods(as_json: bool, parameters: bool, preset: str | None, file: Path | None, settings: tuple[str, ...]) -> None:
    """List the methods that can be trained."""
    from copa.methods import METHODS

    config = resolved(preset, file, settings, known=["--json", "--parameters"]).config
    if parameters:
        from copa.reporting.parameters import cells
        from copa.reporting.parameters import parameters as counted
        from copa.reporting.tables import aligned

        found = counted(config)
        rows: list[dict[str, Any]] = [asdict(one) | {"acting": one.acting, "learning": one.learning} for one in found]
        click.echo(json.dumps({"methods": rows}, indent=2) if as_json else aligned(cells(found), left=1))
        return
    if as_json:
        rows = [{"name": method.name, "summary": method.summary, "coach": method.coach} for method in METHODS.values()]
        click.echo(json.dumps({"methods": rows}, indent=2))
        return
    for method in METHODS.values():
        click.echo(f"{method.name}: {method.summary}")
