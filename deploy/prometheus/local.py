"""Write a Prometheus configuration for a run on this machine: `python -m deploy.prometheus.local RUN`.

It is `prometheus.yml` with one difference: instead of asking DNS for services, it names the ports that the run's
processes serve. Needs PyYAML, of the extra `dev`.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from copa.run_folder import RunFolder

FOLDER = Path(__file__).resolve().parent


def configuration(targets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """`prometheus.yml` with `targets` (host:port, by job) in the place of the services' names."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    found["rule_files"] = [str(FOLDER / name) for name in found["rule_files"]]
    for job in found["scrape_configs"]:
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": list(targets.get(job["job_name"], []))}]
    return found


def targets_of(folder: RunFolder, host: str = "127.0.0.1") -> dict[str, list[str]]:
    """Where the processes of the run in `folder` serve their telemetry just now, by role."""
    found: dict[str, list[str]] = {}
    for note in folder.notes():
        if "port" in note:
            found.setdefault(note["role"], []).append(f"{host}:{note['port']}")
    return found


def main() -> int:
    """Command line; exit code 1 for a run that has no processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a run that is going on")
    targets = targets_of(RunFolder(parser.parse_args().run))
    if not targets:
        print(
            "no process of that run is up; start it by `copa train --run-dir RUN --telemetry.port 9100`",
            file=sys.stderr,
        )
        return 1
    yaml.safe_dump(configuration(targets), sys.stdout, sort_keys=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
