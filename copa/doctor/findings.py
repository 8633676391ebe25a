"""One thing that was looked at, and what was found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import redis

from copa.errors import CopaError

State = Literal["ok", "warning", "problem", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about `subject`, in words a user can act on."""

    subject: str
    state: State
    text: str


def attempt(subject: str, look: Callable[..., list[Finding]], *arguments: Any) -> list[Finding]:
    """What `look(*arguments)` finds; a problem with the words of the error where it is refused."""
    try:
        return look(*arguments)
    except CopaError as error:
        return [Finding(subject, "problem", str(error))]
    except redis.ResponseError as error:
        advice = "did something else write to the run's keys? `copa replay reset` deletes them."
        return [Finding(subject, "problem", f"Redis says {error}: {advice}")]
