"""`copa health`: whether a process, or every process of a run, is well."""

import json
import os
from pathlib import Path

import click

from copa.errors import UnavailableError
from copa.supervisor.ask import ask, base_url

UNWELL_EXIT_CODE = 1


@click.command()
@click.argument("target", required=False)
@click.option("--ready", is_flag=True, help="Ask whether it is ready, not only alive.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=2.0, show_default=True, help="Seconds to wait.")
def health(target: str | None, ready: bool, timeout: float) -> int:
    """Ask a process, or all processes of a run, whether they are well.

    TARGET is a URL or host:port of a process, or the folder of a run on this machine; without it, the process on this
    machine whose port is COPA_TELEMETRY_PORT. The exit code is 0 when all are well, 1 when one is not, 3 when there is
    nothing to ask.
    """
    path = "/readyz" if ready else "/healthz"
    well = True
    for name, url in _targets(target):
        status, text = ask(url + path, timeout)
        well = well and status == 200
        word = {200: "well", 0: "no answer"}.get(status, "not well")
        click.echo(f"{name}: {word}, {text.strip()}")
    return 0 if well else UNWELL_EXIT_CODE


def _targets(target: str | None) -> list[tuple[str, str]]:
    if target is None:
        port = os.environ.get("COPA_TELEMETRY_PORT", "")
        if not port.isdecimal() or port == "0":
            raise UnavailableError("name a URL, host:port or run folder, or set COPA_TELEMETRY_PORT")
        return [(f"port {port}", base_url("", int(port)))]
    if target.startswith(("http://", "https://")):
        return [(target, target.removesuffix("/healthz").removesuffix("/readyz").rstrip("/"))]
    folder = Path(target)
    if not folder.is_dir():
        host, colon, port = target.rpartition(":")
        if colon and port.isdecimal():
            return [(target, base_url(host, int(port)))]
        raise UnavailableError(f"{target} is no URL, no host:port and no folder of a run")
    notes = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("processes/*.json"))]
    targets = [
        (f"{note['role']}-{note['index']}", base_url(note.get("host", ""), note["port"]))
        for note in notes
        if "port" in note
    ]
    if not targets:
        raise UnavailableError(f"no process of the run in {folder} is up")
    return targets
