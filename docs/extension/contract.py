"""What the contract of tasks requires, from the checks that hold tasks to it."""

from copa.tasks.checking.suite import CHECKS
from docs.extension.markdown import code, table


def checks() -> str:
    """Every check of `copa tasks check`."""
    return table(["check", "requires that"], [[code(check.name), check.requires] for check in CHECKS])
