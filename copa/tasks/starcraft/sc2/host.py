"""A game-host process as the engine sees it."""

import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from copa.errors import UnavailableError
from copa.tasks.base import Floats
from copa.tasks.starcraft.sc2.game_host.scratch import sweep
from copa.tasks.starcraft.sc2.game_host.wire import Kind, receive, send, units_of
from copa.waiting import PULSE_SECONDS, pulse

START_SECONDS = 400.0
"""Time for a game to start and to show its first battle; the real one takes some 10 s, clients wait for it longer."""
STEP_SECONDS = 120.0
"""Time for a step, which takes some 10 ms; a game that needs longer hangs, and is lost."""
FRAME_SECONDS = 10.0
"""Time for a frame that has begun to arrive, or is sent: all of it is written at once, so that it takes no time."""
STOP_SECONDS = 10.0
LAST_WORDS = 2000
"""Bytes of its output that are shown when a game died."""


class HostLostError(Exception):
    """The game or its host died; the message holds what is known of it."""


class Host:
    """One game host and, beneath it, one game."""

    def __init__(self, python: str, client: str, seed: int) -> None:
        """Start the host, which starts the game; the first answer shows whether that succeeded.

        Called from a thread that lives as long as the game shall: Linux ends the host with it.

        Args:
            python: Interpreter whose environment has the client library.
        """
        self._end, theirs = socket.socketpair()
        self._end.settimeout(FRAME_SECONDS)
        self._output = tempfile.TemporaryFile("a+b")  # noqa: SIM115
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [python, "-m", "game_host", client, str(theirs.fileno()), str(os.getpid()), str(seed)],
                    stdin=subprocess.DEVNULL,
                    stdout=self._output,
                    stderr=self._output,
                    pass_fds=[theirs.fileno()],
                    env=environment | {"PYTHONPATH": str(Path(__file__).parent), "OPENBLAS_NUM_THREADS": "1"},
                    start_new_session=True,
                )
        except OSError as error:
            self._end.close()
            self._output.close()
            raise UnavailableError(
                f"task option python is {python!r}, which cannot be started ({error}); name the Python interpreter of"
                " the environment that has the StarCraft client (docs/tasks/starcraft-sc2.md)."
            ) from error

    @property
    def pid(self) -> int:
        """Process id of the host, which leads a process group."""
        return self._process.pid

    def tell(self, kind: Kind, payload: bytes) -> None:
        """Send a frame; raises HostLostError where the host is gone."""
        try:
            send(self._end, kind, payload)
        except OSError:
            self._raise_last_word()

    def answer(self, seconds: float) -> Floats:
        """The units [len(FIELDS), 16] that the host shows; while they are not there this process says that it waits.

        Raises:
            UnavailableError: something is missing that a restart will not bring, or this process was told to stop.
            HostLostError: the game or the host died, or did not answer within `seconds`.
        """
        try:
            self._wait(seconds)
            kind, payload = receive(self._end)
            if kind == Kind.UNITS:
                return units_of(payload)
        except TimeoutError as error:
            self._process.terminate()
            raise HostLostError(f"no answer within {seconds:g} s") from error
        except (EOFError, OSError, ValueError) as error:
            raise HostLostError(self._died(str(error))) from error
        message = payload.decode(errors="replace")
        if kind == Kind.UNAVAILABLE:
            raise UnavailableError(f"task option engine is 'sc2', which cannot be had: {message}")
        raise HostLostError(self._died(message))

    def forget_output(self) -> None:
        """Drop what host and game printed so far."""
        self._output.truncate(0)

    def dismiss(self) -> None:
        """Tell the host to end its game, and itself, whatever it is doing."""
        self._end.close()
        self._process.terminate()

    def close(self) -> None:
        """End host and game, and wait for it."""
        self.dismiss()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()
        sweep()  # what a host leaves that was killed

    def _wait(self, seconds: float) -> None:
        """Wait for a frame; raises TimeoutError, and UnavailableError where this process was told to stop."""
        arrival = select.poll()
        arrival.register(self._end, select.POLLIN)
        deadline = time.monotonic() + seconds
        while not arrival.poll(1000 * max(0.0, min(PULSE_SECONDS, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                raise TimeoutError
            pulse()

    def _raise_last_word(self) -> None:
        """A host that cannot be told anything has said why, or has died."""
        self.answer(STOP_SECONDS)
        raise HostLostError("the host answered before it was asked")

    def _died(self, reason: str) -> str:
        self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, self._output.tell() - LAST_WORDS))
        said = self._output.read().decode(errors="replace").strip()
        return f"{reason}; its last words: {said}" if said else reason
