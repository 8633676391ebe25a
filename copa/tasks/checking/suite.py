"""All checks, in the order in which they make sense."""

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

from copa.errors import CopaError
from copa.tasks import find
from copa.tasks.base import Option
from copa.tasks.checking import arrays, description, drawings, episodes, experts, members, repeating, state
from copa.tasks.checking.report import ContractError, Finding, Report
from copa.tasks.checking.subject import Check, Subject

NEEDED = (description.SPEC, arrays.ARRAYS)
"""Without these the others could not be understood, and are skipped."""
CHECKS = (
    *NEEDED,
    description.REFUSALS,
    arrays.VALUES,
    arrays.OUTCOMES,
    members.TEAMS,
    members.MASKS,
    members.AVAILABLE,
    members.TRAITS,
    members.ARRIVALS,
    episodes.ENDING,
    episodes.ENDED,
    episodes.UNSTARTED,
    repeating.REPEATED,
    repeating.PROCESS,
    repeating.BATCHES,
    repeating.SEEDS,
    state.RESET,
    state.VIEWS,
    state.SNAPSHOT,
    experts.GREEDY,
    drawings.DRAWING,
)


def check_task(name: str, options: Mapping[str, Option] | None = None) -> Report:
    """Run every check on task `name`; raises ConfigError for a name that does not exist."""
    return Report(name, tuple(findings(name, options or {})))


def findings(name: str, options: Mapping[str, Option]) -> Iterator[Finding]:
    """What each check finds, as soon as it is known; raises ConfigError for a name that does not exist."""
    subject = Subject(name, find(name), options)
    broken = ""
    for check in CHECKS:
        if broken:
            yield Finding(check.name, check.requires, "skipped", f"first mend {broken!r}")
        elif check is drawings.DRAWING and not drawings.has_drawing(subject):
            yield Finding(check.name, check.requires, "skipped", "the task has no drawing")
        else:
            finding = run(check, subject)
            if finding.state == "wrong" and check in NEEDED:
                broken = check.name
            yield finding


def run(check: Check, subject: Subject) -> Finding:
    """What one check finds; whatever the task raises is something wrong with it."""
    try:
        check.run(subject)
    except ContractError as miss:
        return Finding(check.name, check.requires, "wrong", str(miss))
    except Exception as error:
        return Finding(check.name, check.requires, "wrong", _raised(error))
    return Finding(check.name, check.requires, "ok")


def _raised(error: Exception) -> str:
    """An exception that came out of the task, in words."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    kind = "" if isinstance(error, CopaError) else f"{type(error).__name__}: "
    return f"{Path(last.filename).name}, line {last.lineno}, raised {kind}{error}"
