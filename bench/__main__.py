"""All benchmarks one after the other, each in a process of its own, and one file with their figures.

    python -m bench [--quick] [--output FILE] [NAME ...]

`copa bench compare FILE` says which ratio fell against the recorded ones.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.report import Row, machine, report

FOLDER = Path(__file__).parent
HELPERS = ("__init__", "__main__", "report")
OUTPUT = Path("runs") / "bench.json"


def names() -> list[str]:
    """Benchmarks there are."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in HELPERS)


def run(name: str, *, quick: bool) -> list[dict[str, Any]]:
    """Rows of one benchmark; raises SystemExit with its exit code where it fails."""
    command = [sys.executable, "-m", f"bench.{name}", "--json", *(["--quick"] if quick else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: bench.{name} ended with exit code {done.returncode}; what it said is above")
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return rows


def main() -> None:
    """Run the benchmarks that the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Run benchmarks and write their figures.")
    parser.add_argument("names", nargs="*", choices=[[], *names()], metavar="NAME", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="shorter, noisier")
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"file for the figures (default {OUTPUT})")
    arguments = parser.parse_args()
    began = time.time()
    figures: dict[str, list[dict[str, Any]]] = {}
    for name in arguments.names or names():
        print(f"== {name}", flush=True)
        figures[name] = run(name, quick=arguments.quick)
        report([Row(**{key: value for key, value in row.items() if key != "ratio"}) for row in figures[name]])
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    about = {"machine": machine(), "time": began, "seconds": time.time() - began, "quick": arguments.quick}
    arguments.output.write_text(json.dumps({**about, "benchmarks": figures}, indent=2) + "\n", encoding="utf-8")
    print(f"{arguments.output}: {time.time() - began:.0f} s in all; copa bench compare {arguments.output}")


if __name__ == "__main__":
    main()
