"""What every part of the replay's client shares: the run, its schema, calls and their refusals."""

import json
import threading
import time
from collections.abc import Mapping
from typing import Any

import redis

import copa
from copa.errors import ConfigError, MismatchError, UnavailableError
from copa.replay.connection import Link, check_server
from copa.replay.functions import FunctionsMissingError, call, has_functions
from copa.replay.keys import Keys
from copa.replay.layout import RecordLayout, difference
from copa.replay.limits import Limits, Ring
from copa.replay.side import SIDE_BYTES

RECORD_OVERHEAD = 160
"""Bytes that Redis needs beside a record's own: key, entry, allocation."""


class LeaseLostError(MismatchError):
    """Another process holds the actor id or the run now; what this one does is refused."""


class ReplayGoneError(UnavailableError):
    """The run is not in Redis (any more): never claimed, reset, or lost with a server that kept nothing."""


class Session:
    """One process's dealings with one run in one Redis."""

    def __init__(
        self,
        client: redis.Redis,
        run: str,
        layout: RecordLayout,
        limits: Limits,
        *,
        patience: float,
        stopping: threading.Event | None,
        place: Mapping[str, int] | None = None,
    ) -> None:
        """`place`: what the schema says of this server where a run has several, see `copa.replay.shards`.

        Raises ConfigError for limits that cannot work. Does not talk to Redis.
        """
        limits.check()
        self.run = run
        self.layout = layout
        self.limits = limits
        self.keys = Keys(run)
        self.place = dict(place or {})
        self.link = Link(client, patience=patience, stopping=stopping)

    def schema(self) -> dict[str, Any]:
        """What must agree between all processes of a run; JSON-able."""
        return {**self.layout.schema(), "capacity": self.limits.capacity, **self.place}

    def join(self, patience: float | None = None) -> None:
        """Wait until the run is claimed, then check server and schema; every process but the learner does.

        Raises UnavailableError when the run does not appear within `patience` seconds (default: the instance's) or
        for an old server, MismatchError for a foreign schema, an eviction policy, or functions of another version.
        """
        self.check_server()
        patience = self.link.patience if patience is None else patience
        deadline = time.monotonic() + patience
        while (theirs := self.link.command("GET", self.keys.schema)) is None:
            if time.monotonic() >= deadline:
                raise UnavailableError(
                    f"Run {self.run!r} did not appear at {self.link.address} within {patience:g} s: start its "
                    "learner, or check run.name."
                )
            self.link.pause(0.1, f"run {self.run!r}")
        if theirs != self.schema_json():
            raise self.foreign_schema(theirs)
        while not has_functions(self.link):
            if time.monotonic() >= deadline:
                raise MismatchError(
                    f"Redis at {self.link.address} has the functions of another version of COPA, and got none of "
                    f"{copa.__version__} within {patience:g} s: start the learner of run {self.run!r} in this version."
                )
            self.link.pause(0.1, f"the functions of run {self.run!r}")

    def schema_json(self) -> bytes:
        """The schema as it stands in Redis."""
        return json.dumps(self.schema(), sort_keys=True).encode()

    def check_server(self) -> Mapping[str, Any]:
        """Refuse a server that cannot hold a replay; returns its INFO."""
        info: Mapping[str, Any] = self.link.command("INFO")
        check_server(info, self.link.address)
        return info

    def check_memory(self, info: Mapping[str, Any]) -> None:
        """Refuse a ring that would outgrow `replay.max_bytes` (ConfigError) or the server (MismatchError)."""
        limits = self.limits
        needed = ring_bytes(self.layout, limits.capacity)
        if needed > limits.max_bytes:
            raise ConfigError(
                f"replay.capacity = {limits.capacity} segments need {needed} bytes, more than replay.max_bytes = "
                f"{limits.max_bytes}: raise that, or lower the capacity to "
                f"{limits.max_bytes * limits.capacity // needed}."
            )
        maxmemory = int(info.get("maxmemory", 0))
        if 0 < maxmemory < needed:
            raise MismatchError(
                f"replay.capacity = {limits.capacity} segments need {needed} bytes, more than the maxmemory of Redis "
                f"at {self.link.address} ({maxmemory}): raise maxmemory, or lower replay.capacity."
            )

    def ring(self) -> Ring:
        """How far this server's ring is written, by one small command. Raises ReplayGoneError where there is no run."""
        position, life = self.link.command("HMGET", self.keys.state, "position", "life")
        if position is None:
            self.present([b"gone"])
        return Ring(min(int(position), self.limits.capacity), int(position), life.decode())

    def foreign_schema(self, theirs: bytes) -> MismatchError:
        """The refusal of a replay whose schema is `theirs`."""
        try:
            other = json.loads(theirs)
            field = difference(self.schema(), other) if isinstance(other, dict) else "it is no JSON object"
        except ValueError:
            field = "it is not JSON"
        return MismatchError(
            f"The replay of run {self.run!r} at {self.link.address} has another schema ({field}): use the settings "
            "it was made with, choose another run.name, or delete it with `copa replay reset`."
        )

    def call(self, name: str, *arguments: Any, write: bool = True) -> Any:
        """The answer of a server-side function to this run; a server without the functions has no run either."""
        try:
            return call(self.link, name, self.keys.state, *arguments, write=write)
        except FunctionsMissingError:
            return [b"gone"]

    def check_present(self) -> None:
        """Raise ReplayGoneError where the run is not in Redis (any more). Who may look at a run may ask."""
        self.present(self.call("status", write=False))

    def gone(self) -> ReplayGoneError:
        """The error of a run that is not there."""
        return ReplayGoneError(
            f"Run {self.run!r} is not in Redis at {self.link.address}: it was deleted (`copa replay reset`, FLUSHALL), "
            "or the server came back without its data. Start its learner again, which makes it anew and goes on from "
            "its newest checkpoint, and then what else of the run has ended."
        )

    def present(self, answer: list[Any]) -> list[Any]:
        """`answer` of a function; raises ReplayGoneError or LeaseLostError where it says so."""
        if answer[0] == b"gone":
            raise self.gone()
        if answer[0] == b"superseded":
            other = f" ({answer[1].decode()})" if len(answer) > 1 and answer[1] else ""
            raise LeaseLostError(
                f"Another process{other} has this one's place in run {self.run!r} at {self.link.address}: its lease "
                "had run out or was taken over. An actor leases again; a learner stops."
            )
        return answer


def ring_bytes(layout: RecordLayout, capacity: int) -> int:
    """Memory that a full ring needs in Redis, in bytes."""
    return capacity * (layout.record_bytes + RECORD_OVERHEAD + SIDE_BYTES)
