"""`copa launch`."""

import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, name_flags, named
from copa.cli.running import RUN_OPTIONS, holding, new_run, resumed_run, supervise, tell
from copa.config.urls import without_password
from copa.errors import ConfigError, UnavailableError
from copa.extras import installing
from copa.suggest import did_you_mean

if TYPE_CHECKING:
    from copa.config.schema import Config

_OPTIONS = (*RUN_OPTIONS, "--ray", "--on")
_ROLES = ("learner", "coach", "evaluator", "actor")


@click.command(context_settings=SETTINGS_CONTEXT)
@click.option(
    "--ray",
    "address",
    required=True,
    metavar="ADDRESS",
    help="HOST:PORT of a cluster that this machine is a node of, auto, or local for a Ray of the run's own.",
)
@click.option(
    "--on",
    multiple=True,
    metavar="ROLE=RESOURCE",
    help="Only nodes with this resource of Ray's for a role; node:ADDRESS is one node.",
)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Folder of the new run, on a disk all nodes share.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with the run in this folder.")
@click.option("--plain", is_flag=True, help="Lines instead of the live view.")
@named
@configured
def launch(
    address: str,
    on: tuple[str, ...],
    run_dir: Path | None,
    resume: Path | None,
    plain: bool,
    task: str | None,
    method: str | None,
    preset: str | None,
    file: Path | None,
    settings: tuple[str, ...],
) -> int:
    """Train on a Ray cluster: learner, coach, evaluator and actors on its nodes, this process watching them.

    Ctrl-C stops the run with a checkpoint; --resume goes on with it. docs/ray.md says what runs where.
    """
    try:
        from copa.launching.cluster import LOCAL, check_address, cluster
        from copa.launching.crew import RayCrew
        from copa.launching.placement import needed, shortage
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UnavailableError(f"copa launch needs Ray: {installing('ray')}") from None
    from rich.console import Console

    names = name_flags(task=task, method=method)
    if resume and (run_dir or preset or file or names):
        raise ConfigError(
            "--resume takes the run's own configuration; leave out --run-dir, --preset, --config, --task and --method"
        )
    places = parse_places(on)
    check_address(address)
    given = [*settings, *names, *(["--run.folder", str(run_dir)] if run_dir else [])]
    check = partial(check_endpoints, local=address == LOCAL)
    config, folder = (
        resumed_run(resume, given, known=_OPTIONS, check=check)
        if resume
        else new_run(preset, file, given, known=_OPTIONS, check=check)
    )
    console = Console(file=sys.stdout)  # this one stdout, while what Ray prints is sent elsewhere
    cpus = needed(config, places, gpus=False)["CPU"]
    with holding(config, folder), cluster(address, folder.logs / "ray.log", cpus=cpus):
        if short := shortage(config, places):
            console.print(f"Ray has {short}: some roles wait until there is more", markup=False, soft_wrap=True)
        outcome = supervise(config, folder, RayCrew(folder, config, places), console, plain=plain)
    again = ["copa", "launch", "--ray", address, *(word for text in on for word in ("--on", text))]
    return tell(console, folder, outcome, command=shlex.join(again))


def parse_places(given: Sequence[str]) -> dict[str, str]:
    """The resource that each role's node must have; raises ConfigError."""
    places = {}
    for text in given:
        role, equals, resource = text.partition("=")
        if role not in _ROLES or not equals or not resource:
            raise ConfigError(
                f"--on: {text!r} is not allowed{did_you_mean(role, _ROLES)}; allowed: ROLE=RESOURCE, with a role of"
                f" {', '.join(_ROLES)} and a resource that `ray start --resources` gave nodes, or node:ADDRESS"
            )
        places[role] = resource
    return places


def check_endpoints(config: "Config", *, local: bool) -> None:
    """Refuse addresses that other nodes would not reach, and secrets that would travel through Ray; raises ConfigError.

    `local`: whether all nodes are this machine.
    """
    url = config.redis.url
    for name, address in (("redis.url", url), *(("redis.shards", shard) for shard in config.redis.shards)):
        if address is not None and without_password(address) != address:
            raise ConfigError(
                f"{name} has a password in it, which would travel through Ray in clear: name a file with the password,"
                " at the same path on every node, by redis.password_file"
            )
    if not local and (url is None or url.startswith("unix:")):
        raise ConfigError(
            f"redis.url is {'not set' if url is None else repr(url)}, and nodes of a cluster need a Redis that all of"
            " them reach: set redis.url to redis://HOST:PORT or rediss://HOST:PORT (docs/ray.md)"
        )
    if config.coach.address.startswith("unix:"):
        raise ConfigError(
            f"coach.address is {config.coach.address!r}, and the coach of `copa launch` listens on its node's address:"
            " set coach.address to HOST:PORT, of which the port is used"
        )
