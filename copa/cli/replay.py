"""`copa replay inspect | reset | export | import`."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, resolved

if TYPE_CHECKING:
    from copa.config.schema import Config
    from copa.run_folder import RunFolder

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def replay() -> None:
    """Look into a run's replay in Redis, delete it, write it to a file, read it back."""


def _located(command: Command) -> Command:
    option = click.option("--run-dir", type=click.Path(path_type=Path), help="Folder of the run whose replay it is.")
    return option(configured(command))


@replay.command(context_settings=SETTINGS_CONTEXT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_located
def inspect(
    as_json: bool, run_dir: Path | None, preset: str | None, file: Path | None, settings: tuple[str, ...]
) -> None:
    """Print the schema, counters, owner and actors of a run's replay."""
    from copa.replay import connect, inspect_run
    from copa.replay.connection import shard_clients

    with _reached(run_dir, preset, file, settings) as config:
        found = inspect_run(connect(config.redis), config.run.name)
        for number, client in enumerate(shard_clients(config.redis)):
            found[f"shard {number}"] = inspect_run(client, config.run.name)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, value in _flat(found):
        click.echo(f"{name}: {value}")


@replay.command(context_settings=SETTINGS_CONTEXT)
@click.option("--force", is_flag=True, help="Even when its owner is alive.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_located
def reset(
    force: bool, yes: bool, run_dir: Path | None, preset: str | None, file: Path | None, settings: tuple[str, ...]
) -> None:
    """Delete a run's replay, counters and weights from Redis; the run's folder stays."""
    from copa.replay import connect, reset_run
    from copa.replay.connection import shard_clients

    with _reached(run_dir, preset, file, settings) as config:
        if not yes:
            click.confirm(f"Delete everything of run {config.run.name!r} from Redis?", abort=True)
        servers = [connect(config.redis), *shard_clients(config.redis)]
        count = sum(reset_run(client, config.run.name, take_over=force) for client in servers)
    click.echo(f"{count} keys of run {config.run.name!r} deleted")


@replay.command("export", context_settings=SETTINGS_CONTEXT)
@click.option("--output", type=click.Path(path_type=Path), required=True, help="File to write.")
@_located
def export(
    output: Path, run_dir: Path | None, preset: str | None, file: Path | None, settings: tuple[str, ...]
) -> None:
    """Write a run's replay and counters to a file."""
    from copa.assembly import open_replay

    with _reached(run_dir, preset, file, settings) as config:
        source = open_replay(config)
        source.join(config.redis.timeout)
        count = source.export(output)
    click.echo(f"{count} segments written to {output}")


@replay.command("import", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--input", "source", type=click.Path(path_type=Path), required=True, help="File that export wrote.")
@click.option("--run-dir", type=click.Path(path_type=Path), required=True, help="Folder of the run to fill.")
def import_(source: Path, run_dir: Path) -> None:
    """Fill the empty replay of the run in a folder, which does not run, from a file."""
    from copa.assembly import open_replay
    from copa.errors import MismatchError
    from copa.run_folder import RunFolder

    folder = RunFolder.open(run_dir)
    if folder.running_pid() is not None:
        raise MismatchError(f"the run in {folder.path} is running, as process {folder.running_pid()}; stop it first")
    with _reached(run_dir, None, None, ()) as config:
        target = open_replay(config)
        target.claim(folder.owner, restore=True)
        try:
            count = target.import_(source)
        finally:
            target.release()
    click.echo(f"{count} segments read from {source}")


@contextlib.contextmanager
def _reached(
    run_dir: Path | None, preset: str | None, file: Path | None, settings: tuple[str, ...]
) -> "Iterator[Config]":
    """The configuration whose `redis.url` reaches the replay; the server of a run that is stopped is started for it."""
    if run_dir is None:
        yield resolved(preset, file, settings, known=["--run-dir", "--json", "--force", "--yes", "--output"]).config
        return
    from copa.errors import ConfigError
    from copa.replay.server import running
    from copa.run_folder import RunFolder

    if preset or file or settings:
        raise ConfigError("--run-dir brings its own settings; leave out --preset, --config and --section.field")
    folder = RunFolder.open(run_dir)
    config = folder.config()
    url = known_url(folder, config, os.environ)
    if url is not None:
        yield at_server(config, url)
    elif folder.redis.is_dir():
        with folder.held(), running(folder.redis, config.replay.max_bytes) as server:
            yield at_server(config, server.url)
    else:
        raise ConfigError(f"the run in {folder.path} has no replay any more: it came to its end")


def known_url(folder: "RunFolder", config: "Config", environment: Mapping[str, str]) -> str | None:
    """Where the Redis of the run in `folder` is; None where it had a server of its own, and has ended."""
    if config.redis.url is not None:
        return environment.get("COPA_REDIS_URL") or environment.get("REDIS_URL") or config.redis.url
    if folder.running_pid() is None:
        return None
    return next((str(note["url"]) for note in folder.notes() if note.get("role") == "redis"), None)


def at_server(config: "Config", url: str) -> "Config":
    """`config` with the Redis at `url`, which need not be waited for."""
    from copa.config.change import with_shards_again

    redis = config.redis.model_copy(update={"url": url, "patience": config.redis.timeout})
    return with_shards_again(config.model_copy(update={"redis": redis}), os.environ)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
