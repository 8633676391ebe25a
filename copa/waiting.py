"""What a wait deep inside a task owes its process: to say that it is alive, and to end when that is told to stop."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

PULSE_SECONDS = 0.5
"""Whoever waits longer than this calls `pulse` about as often."""

_pulse: ContextVar[Callable[[], None]] = ContextVar("pulse", default=lambda: None)


def pulse() -> None:
    """Say that this process waits and is alive; raises UnavailableError where it was told to stop.

    Does nothing where no process has said what to do, as in a script.
    """
    _pulse.get()()


@contextlib.contextmanager
def pulsing(beat: Callable[[], None]) -> Iterator[None]:
    """Inside, on this thread, `pulse` calls `beat`."""
    token = _pulse.set(beat)
    try:
        yield
    finally:
        _pulse.reset(token)
