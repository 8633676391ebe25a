"""What engine and host tell each other over their socket: frames of one kind, a length and so many bytes.

Arrays go as their bytes, in shapes and types that are fixed here; both ends are on one machine.
"""

import socket
import struct
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

HEADER = struct.Struct("<BI")
LARGEST = 2**16
"""Bytes of the largest frame; a longer one is a mistake."""


class Kind(IntEnum):
    """What a frame is."""

    BEGIN = 1
    """To the host: fight a new battle, `BEGIN_TYPE`."""
    STEP = 2
    """To the host: orders, `ORDERS_TYPE`; fight on by one step."""
    UNITS = 3
    """From the host: the units as they are now, float32 `[len(FIELDS), UNITS]`."""
    UNAVAILABLE = 4
    """From the host: text. What is missing here, and would be missing after a restart."""
    LOST = 5
    """From the host: text. Why the battle cannot go on."""


ALLIES = 8
UNITS = 16
TYPES = 5
"""Unit types, in the order of `copa.tasks.starcraft.unit_types.UNIT_TYPES`."""
FIELDS = (
    "present",
    "kind",
    "alive",
    "x",
    "y",
    "health",
    "health_max",
    "shield",
    "shield_max",
    "energy",
    "energy_max",
    "cooldown",
)
"""Those of `copa.tasks.starcraft.units.Units`, all of which single precision holds exactly."""

BEGIN_TYPE = np.dtype([("army", "<i8", (TYPES,)), ("points", "<f8", (2, TYPES, 2))])
"""Units of each type per side, and where those of each side are put down."""
ORDERS_TYPE = np.dtype([("kind", "i1", (ALLIES,)), ("target", "i1", (ALLIES,)), ("point", "<f4", (ALLIES, 2))])
"""As `copa.tasks.starcraft.units.Orders`, of one battle."""


def send(end: socket.socket, kind: Kind, payload: bytes) -> None:
    """Send one frame; raises OSError where nobody is there any more."""
    end.sendall(HEADER.pack(kind, len(payload)) + payload)


def receive(end: socket.socket) -> tuple[Kind, bytes]:
    """The next frame; raises EOFError at the end, OSError on a broken or timed-out socket, ValueError for rubbish."""
    kind, length = HEADER.unpack(_exactly(end, HEADER.size))
    if length > LARGEST:
        raise ValueError(f"a frame of {length} bytes; the largest has {LARGEST}")
    return Kind(kind), _exactly(end, length)


def units_of(payload: bytes) -> NDArray[np.float32]:
    """[len(FIELDS), UNITS]; raises ValueError where the frame holds something else."""
    return np.frombuffer(payload, np.float32).reshape(len(FIELDS), UNITS)


def _exactly(end: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = end.recv(count - len(parts))
        if not part:
            raise EOFError("the other end is closed")
        parts += part
    return bytes(parts)
