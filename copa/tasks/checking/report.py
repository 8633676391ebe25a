"""What a check found, in words."""

from dataclasses import dataclass
from typing import Literal


class ContractError(Exception):
    """The task does not do what its contract says; the message names the array, the value, the game and the step."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    requires: str
    """What the contract requires, in words."""
    state: Literal["ok", "wrong", "skipped"]
    found: str = ""
    """What is wrong, or why the check was skipped; empty when all is well."""

    @property
    def line(self) -> str:
        """One line for a person."""
        mark = {"ok": "ok     ", "wrong": "WRONG  ", "skipped": "skipped"}[self.state]
        text = f"{mark} {self.check:<12} "
        match self.state:
            case "ok":
                return text + self.requires
            case "wrong":
                return text + f"{self.found}; required: {self.requires}"
            case "skipped":
                return text + self.found


@dataclass(frozen=True, slots=True)
class Report:
    """What all checks found."""

    task: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the task keeps its contract."""
        return all(finding.state != "wrong" for finding in self.findings)

    @property
    def summary(self) -> str:
        """One line that sums up."""
        wrong, skipped = (sum(finding.state == state for finding in self.findings) for state in ("wrong", "skipped"))
        counts = f"{self.task}: {len(self.findings)} checks, {wrong or 'none'} wrong"
        return counts + (f", {skipped} skipped" if skipped else "")
