"""`copa config show` and `copa config explain`."""

import json
from pathlib import Path
from typing import Any

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, named, resolved


@click.group()
def config() -> None:
    """Show settings, and explain them."""


@config.command(context_settings=SETTINGS_CONTEXT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--origins", is_flag=True, help="Say beside each setting where it came from.")
@named
@configured
def show(
    as_json: bool,
    origins: bool,
    task: str | None,
    method: str | None,
    preset: str | None,
    file: Path | None,
    settings: tuple[str, ...],
) -> None:
    """Print every setting as `copa train` would use it with the same options."""
    from copa.config.change import without_secrets
    from copa.config.load import to_toml
    from copa.config.presets import preset_named
    from copa.config.settings import SETTINGS
    from copa.methods import method_named

    given = [*settings, *name_flags(task=task, method=method)]
    found = resolved(preset, file, given, known=["--json", "--origins", "--task", "--method"])
    shown = without_secrets(found.config)
    batch = method_named(shown.method.name).batch(shown)
    minimum = shown.replay.needed(batch)
    if as_json:
        values = shown.model_dump(mode="json") | {"resolved": {"batch": batch, "minimum": minimum}}
        click.echo(json.dumps(values, indent=2))
        return
    if origins:
        for path, setting in SETTINGS.items():
            value = getattr(getattr(shown, setting.section), setting.field)
            click.echo(f"{path} = {_plain(value)}  ({found.origins.get(path, 'default')})")
    else:
        click.echo(to_toml(shown, preset=found.preset), nl=False)
    task = found.config.task.name
    own = preset_named(found.preset).tasks.get(task)
    if own:
        click.echo(f"\n# preset {found.preset} has settings of its own for task {task}: {', '.join(own)}")
    click.echo(f"\n# {batch} segments per update, the first of them when the replay holds {minimum} segments")


@config.command()
@click.argument("names", nargs=-1, metavar="[SECTION | SECTION.FIELD]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(names: tuple[str, ...], as_json: bool) -> None:
    """Say what each setting means, its default, what is allowed, its variable and its flag."""
    from copa.config.load import RESERVED
    from copa.config.settings import SETTINGS
    from copa.errors import ConfigError
    from copa.suggest import did_you_mean

    sections = {setting.section for setting in SETTINGS.values()}
    for name in names:
        if name not in SETTINGS and name not in sections:
            raise ConfigError(f"there is no setting {name!r}{did_you_mean(name, [*SETTINGS, *sections])}")
    chosen = [setting for path, setting in SETTINGS.items() if not names or path in names or setting.section in names]
    if as_json:
        rows = [
            {
                "setting": setting.path,
                "meaning": setting.doc,
                "default": json.loads(json.dumps(setting.default, default=str)),
                "allowed": setting.allowed,
                "variable": setting.variable,
                "flag": setting.flag,
            }
            for setting in chosen
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    for setting in chosen:
        click.echo(click.style(setting.path, bold=True) + f" = {_plain(setting.default)}")
        click.echo(f"    {setting.doc}")
        click.echo(f"    allowed: {setting.allowed}; {setting.flag} or {setting.variable}")
    if not names:
        click.echo("\nEnvironment variables that are no settings:")
        for variable, meaning in {**RESERVED, "REDIS_URL": "The same as COPA_REDIS_URL, which wins."}.items():
            click.echo(f"    {variable}: {meaning}")


def _plain(value: Any) -> str:
    return "none" if value is None else json.dumps(value, default=str)
