"""`python -m bench [--quick] [--json]`: every benchmark, one after the other."""

import importlib

from bench.report import Row, main

MODULES = ("task", "starcraft", "update", "replay", "coach", "acting")


def run(quick: bool = False) -> list[Row]:
    """Every benchmark: both sides and their ratio."""
    rows: list[Row] = []
    for name in MODULES:
        rows += importlib.import_module(f"bench.{name}").run(quick)
    return rows


if __name__ == "__main__":
    main(run)
