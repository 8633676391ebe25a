"""The files of deploy/, read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
RUNBOOK = ROOT / "docs" / "runbook.md"

NEEDS_PROMETHEUS = "Prometheus is not installed (Debian: apt-get install prometheus)"


def read(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules(kind: str) -> Iterator[dict[str, Any]]:
    """Rules with the key `kind`: `record` or `alert`."""
    for path in sorted((PROMETHEUS / "rules").glob("*.yml")):
        for group in read(path)["groups"]:
            yield from (rule for rule in group["rules"] if kind in rule)


def dashboards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its name."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((GRAFANA / "dashboards").glob("*.json"))
    }
