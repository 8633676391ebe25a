"""One way to print a benchmark: both sides and their ratio, from one run."""

import argparse
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `better` says which direction of the ratio ours / baseline is good."""

    name: str
    ours: float
    baseline: float
    unit: str
    baseline_name: str
    better: str = "higher"

    @property
    def ratio(self) -> float:
        """ours / baseline."""
        return self.ours / self.baseline


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": str(len(models)),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def report(rows: Sequence[Row]) -> None:
    """Print `rows` as a table."""
    for row in rows:
        print(
            f"{row.name}: {row.ours:,.4g} {row.unit} | {row.baseline_name}: {row.baseline:,.4g} {row.unit}"
            f" | ratio {row.ratio:,.3g} ({row.better} is better)",
            flush=True,
        )


def main(run: Callable[[bool], list[Row]]) -> None:
    """Run one benchmark as a script: `--quick` for a shorter one, `--json` for a machine-readable line."""
    parser = argparse.ArgumentParser(description=run.__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, noisier")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    rows = run(arguments.quick)
    if arguments.json:
        print(json.dumps({"machine": machine(), "rows": [asdict(row) | {"ratio": row.ratio} for row in rows]}))
    else:
        report(rows)
