"""`copa doctor`."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copa.cli.options import SETTINGS_CONTEXT, configured, resolved
from copa.errors import ConfigError

if TYPE_CHECKING:
    from copa.config.schema import Config
    from copa.doctor import Finding

PROBLEM_EXIT_CODE = 1
_MARKS = {"ok": "ok     ", "warning": "WARNING", "problem": "PROBLEM", "skipped": "-      "}


@click.command(context_settings=SETTINGS_CONTEXT)
@click.option(
    "--run-dir", type=click.Path(path_type=Path), help="Folder of a run on this machine; it brings its settings."
)
@click.option(
    "--process",
    "processes",
    multiple=True,
    metavar="NAME=URL",
    help="Telemetry of a process elsewhere, as actor-3=http://10.0.0.7:9100; may be given several times.",
)
@click.option(
    "--seconds", type=click.FloatRange(min=1.0), default=5.0, show_default=True, help="How long to watch it run."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@configured
def doctor(
    run_dir: Path | None,
    processes: tuple[str, ...],
    seconds: float,
    as_json: bool,
    preset: str | None,
    file: Path | None,
    settings: tuple[str, ...],
) -> int:
    """Look for what is wrong: with this machine, secrets, Redis, the coach; and say what holds a running system back.

    Looks at what the settings name, or at the run in --run-dir. Changes nothing. The exit code is 0 when no problem was
    found, else 1; warnings are no problems.
    """
    named = _named(processes)
    from copa.doctor.bottleneck import bottleneck
    from copa.doctor.coach import check_coach
    from copa.doctor.machine import check_machine
    from copa.doctor.rates import watch
    from copa.doctor.redis_server import check_redis
    from copa.doctor.secrets import check_secrets

    config, urls, coach_is_up = _looked_at(run_dir, preset, file, settings)
    urls |= named
    findings = [*check_machine(config), *check_secrets(config), *check_redis(config)]
    if coach_is_up:
        findings += check_coach(config)
    if urls:
        findings.append(bottleneck(watch(urls, seconds)))
    _show(findings, as_json)
    return PROBLEM_EXIT_CODE if any(finding.state == "problem" for finding in findings) else 0


def _looked_at(
    run_dir: Path | None, preset: str | None, file: Path | None, settings: Sequence[str]
) -> "tuple[Config, dict[str, str], bool]":
    """Settings, telemetry by process, and whether there should be a coach to ask."""
    if run_dir is None:
        found = resolved(preset, file, settings, known=["--run-dir", "--process", "--seconds", "--json"])
        return found.config, {}, found.origins.get("coach.address", "default") != "default"
    if preset or file or settings:
        raise ConfigError("--run-dir brings its own settings; leave out --preset, --config and --section.field")
    from copa.cli.replay import at_server, known_url
    from copa.run_folder import RunFolder
    from copa.supervisor.ask import base_url

    folder = RunFolder.open(run_dir)
    config = folder.config()
    url = known_url(folder, config, os.environ)
    if url is not None:
        config = at_server(config, url)
    urls = {
        f"{note['role']}-{note['index']}": base_url(config.telemetry.host, note["port"])
        for note in folder.notes()
        if "port" in note
    }
    address = next((note["address"] for note in folder.notes() if "address" in note), None)
    if address is not None:
        config = config.model_copy(update={"coach": config.coach.model_copy(update={"address": address})})
    return config, urls, address is not None


def _named(processes: Sequence[str]) -> dict[str, str]:
    named = {}
    for process in processes:
        name, equals, url = process.partition("=")
        if not equals or not url.startswith(("http://", "https://")):
            raise ConfigError(f"--process {process!r}: write NAME=URL, for instance actor-3=http://10.0.0.7:9100")
        named[name] = url.rstrip("/")
    return named


def _show(findings: "Sequence[Finding]", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        click.echo(f"{_MARKS[finding.state]}  {finding.subject:{width}}  {finding.text}")
