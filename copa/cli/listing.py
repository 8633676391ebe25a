"""`copa tasks` and `copa methods`."""

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def tasks(as_json: bool) -> None:
    """List the tasks that can be played."""
    from copa.tasks import task_names, task_spec

    specs = [task_spec(name) for name in task_names()]
    if as_json:
        rows = [
            {
                "name": spec.name,
                "slots": spec.slots,
                "entities": spec.entity_rows,
                "actions": list(spec.actions),
                "horizon": spec.horizon,
                "teams": list(spec.teams),
                "held_out": list(spec.held_out),
            }
            for spec in specs
        ]
        click.echo(json.dumps({"tasks": rows}, indent=2))
        return
    for spec in specs:
        click.echo(
            f"{spec.name}: up to {spec.slots} agents, {len(spec.actions)} actions, {spec.horizon} steps;"
            f" teams {', '.join(spec.teams)}"
        )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def methods(as_json: bool) -> None:
    """List the methods that can be trained."""
    from copa.methods import METHODS

    if as_json:
        rows = [{"name": method.name, "summary": method.summary, "coach": method.coach} for method in METHODS.values()]
        click.echo(json.dumps({"methods": rows}, indent=2))
        return
    for method in METHODS.values():
        click.echo(f"{method.name}: {method.summary}")
