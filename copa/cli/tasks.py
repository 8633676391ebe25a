"""`copa tasks` and `copa tasks check`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, resolved


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def tasks(context: click.Context, as_json: bool) -> None:
    """List the tasks that can be played, or check one."""
    if context.invoked_subcommand is not None:
        return
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


@tasks.command(context_settings=SETTINGS_CONTEXT)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@configured
def check(name: str, as_json: bool, preset: str | None, file: Path | None, settings: tuple[str, ...]) -> int:
    """Check that task NAME keeps the contract of tasks; exit with 1 where it does not.

    The task's options come from the usual layers (--task.options.OPTION VALUE); no other setting matters.
    """
    from copa.tasks import task_spec
    from copa.tasks.checking import Report, findings

    options = resolved(preset, file, [*settings, *name_flags(task=name)], known=["--json"]).config.task.options
    task_spec(name, options)
    found = []
    for finding in findings(name, options):
        found.append(finding)
        if not as_json:
            click.echo(finding.line)
    report = Report(name, tuple(found))
    if as_json:
        shown = {"task": name, "options": options, "ok": report.ok, "checks": [asdict(finding) for finding in found]}
        click.echo(json.dumps(shown, indent=2))
    else:
        click.echo(report.summary)
    return 0 if report.ok else 1
