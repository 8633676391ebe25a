"""Published weights in Redis: immutable versions, a pointer to the newest, its averages, a notice as a hint."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis
import torch
from safetensors import SafetensorError
from safetensors.torch import load as read_tensors
from safetensors.torch import save as tensors_as_bytes

from copa.config.schema import RedisSettings
from copa.errors import DataError
from copa.replay.connection import Link, connect
from copa.replay.functions import call, load_functions
from copa.replay.keys import Keys

_RETRIES = 8


@dataclass(frozen=True, slots=True)
class Published:
    """One version of the weights."""

    version: int
    updates: int
    """Learner updates behind these weights."""
    published_at: float
    """Unix time, in seconds, by the publisher's clock."""
    tensors: dict[str, torch.Tensor]
    """CPU tensors by name; `player.…`, `coach.…`."""


class WeightStore:
    """Weights of one run, over a connection of its own. Versions rise and are never used twice."""

    def __init__(
        self,
        settings: RedisSettings,
        run: str,
        *,
        kept: int = 8,
        averages: bool = False,
        stopping: threading.Event | None = None,
    ) -> None:
        """Connects; raises UnavailableError as `connect` does.

        Args:
            kept: versions that stay in Redis.
            averages: pull the averaged weights, of which the newest alone are kept, instead of the learned ones.
        """
        self.link = Link(connect(settings, stopping=stopping), patience=settings.patience, stopping=stopping)
        self.keys = Keys(run)
        self.kept = kept
        self.averages = averages
        self._published = 0
        self._listener: Any = None

    def publish(
        self,
        tensors: Mapping[str, torch.Tensor],
        *,
        updates: int,
        newer_than: int = 0,
        averages: Mapping[str, torch.Tensor] | None = None,
    ) -> int:
        """Publish `tensors` as a new version, whole or not at all; returns the version.

        Args:
            updates: learner updates behind these weights.
            newer_than: a version known from elsewhere (a checkpoint) that must not be used again.
            averages: averaged weights of the same names, published beside them.

        Raises:
            UnavailableError: Redis is away, out of memory or without a disk.
        """
        load_functions(self.link)
        version = int(call(self.link, "next_version", self.keys.weights, max(newer_than, self._published) + 1))
        metadata = {"version": version, "updates": updates, "published_at": time.time()}
        old = self.link.command("ZRANGE", self.keys.versions, 0, -self.kept)
        beside = None if averages is None else _as_bytes(averages, metadata)
        self._write(version, _as_bytes(tensors, metadata), beside, [int(name) for name in old])
        self._published = version
        return version

    def latest(self) -> int:
        """Newest version, 0 before the first."""
        return int(self.link.command("GET", self.keys.latest) or 0)

    def pull(self, newer_than: int = 0) -> Published | None:
        """The newest version if it is another than `newer_than`, the one in hand; else None.

        Versions rise, so another is a newer one. It is an older one only in a Redis that came back without what it had:
        what its learner publishes there is what counts from now on.

        A version that expires between the look at the pointer and at the tensors is no error: the pointer has moved
        on, and is looked at again. Raises DataError when what is stored is no version of weights.
        """
        for attempt in range(_RETRIES):
            version = self.latest()
            if version in (0, newer_than):
                return None
            blob = self.link.command("GET", self.keys.averages if self.averages else self.keys.version(version))
            if blob is not None:
                return _parse(blob, version)
            self.link.pause(0.02 * 2 ** min(attempt, 4), f"weights version {version}")
        if self.averages:
            raise DataError(
                f"Run {self.keys.run!r} publishes no averages beside weights version {version}: give its learner and"
                " this process the same learning.averaging_rate."
            )
        raise DataError(f"Weights version {version} of run {self.keys.run!r} is announced but not in Redis.")

    def wait_for_newer(self, version: int, timeout: float) -> bool:
        """Wait up to `timeout` seconds for a version newer than `version`; whether there is one.

        Notices are a hint that may get lost: whoever relies on it asks again later.
        """
        deadline = time.monotonic() + timeout
        try:
            if self._listener is None:
                client: Any = self.link.client
                self._listener = client.pubsub(ignore_subscribe_messages=True)
                self._listener.subscribe(self.keys.notices)
            while self.latest() <= version:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._listener.get_message(timeout=min(left, 1.0))
        except (redis.ConnectionError, redis.TimeoutError):
            self._listener = None
            return self.latest() > version
        return True

    def close(self) -> None:
        """Close the connections."""
        if self._listener is not None:
            self._listener.close()
        self.link.client.close()

    def _write(self, version: int, blob: bytes, averages: bytes | None, old: list[int]) -> None:
        keys = self.keys
        commands: list[tuple[Any, ...]] = [
            ("SET", keys.version(version), blob),
            ("ZADD", keys.versions, version, version),
            ("SET", keys.latest, version),
            ("PUBLISH", keys.notices, version),
        ]
        commands.append(("UNLINK", keys.averages) if averages is None else ("SET", keys.averages, averages))
        if old:
            commands += [("UNLINK", *map(keys.version, old)), ("ZREM", keys.versions, *old)]
        self.link.transaction(*commands)


def _as_bytes(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, Any]) -> bytes:
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    return tensors_as_bytes(contiguous, {"copa": json.dumps(metadata)})


def _parse(blob: bytes, version: int) -> Published:
    try:
        length = int.from_bytes(blob[:8], "little")
        metadata = json.loads(json.loads(blob[8 : 8 + length])["__metadata__"]["copa"])
        tensors = read_tensors(blob)
        return Published(
            version=int(metadata["version"]),
            updates=int(metadata["updates"]),
            published_at=float(metadata["published_at"]),
            tensors=tensors,
        )
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise DataError(f"Weights version {version} is damaged: {error!r}.") from error
