"""`python -m tests.golden FILE.npz ...`: check recordings, print the largest deviation per field; exit 1 on a miss."""

import sys
import zipfile
from collections.abc import Sequence

import numpy as np

from tests.golden import battles, environment, updates
from tests.golden.report import Report

FORMATS = {"environment steps": environment, "learner update": updates, "StarCraft steps": battles}


def check_file(path: str) -> tuple[str, Report]:
    """The name of the file's format, told by its arrays, and what its check found.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such archive, no format has such arrays, or some are missing or do not fit.
    """
    try:
        with np.load(path) as file:
            arrays = dict(file)
    except (zipfile.BadZipFile, EOFError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a readable .npz file ({error}); was it cut short?") from error
    for name, module in FORMATS.items():
        if module.recognises(arrays):
            try:
                return name, module.check(arrays)
            except (KeyError, ValueError) as error:
                raise ValueError(f"{path}: {name}, but an array is missing or does not fit: {error}") from error
    raise ValueError(
        f"{path}: not a known golden format; known are {', '.join(FORMATS)}; found arrays"
        f" {', '.join(sorted(arrays)[:8])}{', ...' if len(arrays) > 8 else ''}"
    )


def main(paths: Sequence[str]) -> int:
    """Check `paths`; returns the exit code."""
    if not paths:
        print("usage: python -m tests.golden FILE.npz ...", file=sys.stderr)
        return 2
    missed = False
    for path in paths:
        try:
            name, report = check_file(path)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            missed = True
            continue
        print(f"{path}: {name}")
        for field, deviation in report.deviations.items():
            verdict = "" if field not in report.misses() else "  MISS"
            print(f"  {field}: {deviation:.3g} (allowed {report.tolerances[field]:.3g}){verdict}")
        missed = missed or not report.passed
    print("missed" if missed else "passed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
