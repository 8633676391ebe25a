"""What launcher and roles tell each other, as JSON: Ray would pickle anything richer than text."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from copa.supervisor.processes import State


@dataclass(frozen=True, slots=True)
class Orders:
    """What the launcher wants of a role."""

    life: str
    """Which life of the role is meant; another one does nothing but report."""
    endpoints: Mapping[str, str] | None
    """Variables of the process's environment; None while they are not known, and it cannot be started."""
    may_finish: bool | None
    """Whether exit code 0 is an end in order; None: leave a process that ended as it is, until this is known."""

    def text(self) -> str:
        """As it travels."""
        return json.dumps(asdict(self))

    @staticmethod
    def read(text: str) -> "Orders":
        """The orders in `text`."""
        return Orders(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Report:
    """What a role says of itself."""

    life: str
    """A new one each time that Ray starts the role, here or elsewhere."""
    node: str
    """Address of its node."""
    state: State
    pid: int | None
    """Of the role's process; None when there is none, or when it has ended."""
    restarts: int
    """Starts of a process after the first, within this life."""
    metrics: str | None
    """What it answers on `/metrics`."""
    death: Mapping[str, object] | None
    """Fields of a `Death` that this report is the first to tell of."""

    def text(self) -> str:
        """As it travels."""
        return json.dumps(asdict(self))

    @staticmethod
    def read(text: str) -> "Report":
        """The report in `text`."""
        return Report(**json.loads(text))
