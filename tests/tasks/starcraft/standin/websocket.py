"""As much of a websocket server as the game's clients need.

pysc2 sends its messages in text frames although they are no text, which servers that keep to the rules refuse.
"""

import base64
import hashlib
import socket
import struct
from collections.abc import Iterator

PATH = b"/sc2api"
FINAL, MASKED = 0x80, 0x80
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, section 1.3."""


class Connection:
    """One client's."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._stream = end.makefile("rb")

    def shake_hands(self) -> bool:
        """Whether the client asked for the right place and was let in."""
        request = self._stream.readline().split()
        headers: dict[bytes, bytes] = {}
        while line := self._stream.readline().strip():
            name, _, value = line.partition(b":")
            headers[name.strip().lower()] = value.strip()
        if request[1:2] != [PATH]:
            self._end.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")
            return False
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + ACCEPT).digest())
        self._end.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        return True

    def messages(self) -> Iterator[bytes]:
        """Whole messages, until the client goes."""
        message = b""
        while head := self._stream.read(2):
            kind, payload = head[0] & 0xF, self._payload(head[1])
            if kind == CLOSE:
                return
            if kind == PING:
                self._send(PONG, payload)
            elif kind in (CONTINUED, TEXT, BINARY):
                message += payload
                if head[0] & FINAL:
                    yield message
                    message = b""

    def send(self, message: bytes) -> None:
        """One message, in a binary frame."""
        self._send(BINARY, message)

    def _payload(self, size: int) -> bytes:
        assert size & MASKED, "clients mask what they send"
        length = size & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self._stream.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._stream.read(8))
        mask = self._stream.read(4)
        data = self._stream.read(length)
        repeated = (mask * (length // 4 + 1))[:length]
        return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")

    def _send(self, kind: int, payload: bytes) -> None:
        length = len(payload)
        if length < 126:
            size = bytes([length])
        elif length < 2**16:
            size = struct.pack(">BH", 126, length)
        else:
            size = struct.pack(">BQ", 127, length)
        self._end.sendall(bytes([FINAL | kind]) + size + payload)
