"""No process here outlives the one that started it, whichever way that ends."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
GRACE_SECONDS = 5
"""Time a host that is told to stop has to close its game before the kernel ends both."""


def live_no_longer_than(parent: int) -> None:
    """Stop this process, cleanly where it can, when its parent `parent` dies or it is sent SIGTERM.

    Linux sends the signal when the parent's thread that started this process ends. Called from the main thread.
    """

    def stop(number: int, _: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.alarm(GRACE_SECONDS)
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    _die_with(parent, signal.SIGTERM)


def start_game(
    command: Sequence[str], folder: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start the game so that the kernel kills it when this process dies. Called from the main thread."""
    parent = os.getpid()
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: _die_with(parent, signal.SIGKILL),  # holds after exec; this process has no other threads
    )


def _die_with(parent: int, number: int) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was asked
        os._exit(0)
