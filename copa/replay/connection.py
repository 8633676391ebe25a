"""Reaching Redis: one way to connect, to wait for a server that went away, and to say what is wrong."""

import contextlib
import logging
import os
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from copa.config.schema import RedisSettings
from copa.config.urls import without_password
from copa.errors import ConfigError, MismatchError, UnavailableError
from copa.security.files import read_identity, read_secret
from copa.security.loopback import loopback_only
from copa.telemetry import metrics

LOG = logging.getLogger(__name__)

OLDEST_SERVER = 7
"""Functions came with Redis 7."""

_REFUSALS = (
    redis.AuthenticationError,
    redis.exceptions.AuthenticationWrongNumberOfArgsError,
    redis.exceptions.AuthorizationError,
)

_REFUSALS_IN_FUNCTIONS = ("The user executing the script can't", "ACL failure in script")
"""How servers, by version, say that a function was not allowed to do something for its caller."""

Result = TypeVar("Result")


def server_url(settings: RedisSettings) -> str:
    """Where Redis is: `redis.url`, else `REDIS_URL`. Raises UnavailableError when neither is set."""
    url = settings.url or os.environ.get("REDIS_URL")
    if not url:
        raise UnavailableError(
            "No Redis to connect to: set redis.url (or REDIS_URL) to redis://HOST:PORT, rediss://HOST:PORT or "
            "unix://PATH; `copa train` starts a server of its own."
        )
    return url


def connect(settings: RedisSettings, *, stopping: threading.Event | None = None) -> redis.Redis:
    """A client that has reached its server; thread-safe, RESP3, bytes in and out.

    Waits up to `settings.patience` seconds for a server that is not there yet, less when `stopping` is set.
    Raises UnavailableError when it is not reached or refuses the password, ConfigError for a bad URL.
    """
    url = server_url(settings)
    client = open_client(url, settings)
    Link(client, patience=settings.patience, stopping=stopping).command("PING")
    return client


def shard_clients(settings: RedisSettings) -> list[redis.Redis]:
    """A client for each of `redis.shards` that has not connected yet, as `open_client`."""
    return [open_client(url, settings) for url in settings.shards]


def open_client(url: str, settings: RedisSettings) -> redis.Redis:
    """A client that has not connected yet and leaves repeating to `Link`, which can be stopped.

    With `rediss://` its certificate must be of an authority in `redis.ca_file`, or of the system's, and name the host.
    Raises ConfigError for a URL or a file that cannot be used.
    """
    options: dict[str, Any] = {"username": settings.username}
    if settings.password_file is not None:
        options["password"] = read_secret(settings.password_file, "redis.password_file")
    if url.startswith("rediss://"):
        options |= _tls_options(settings)
    elif url.startswith("redis://") and settings.password_file is not None:
        _warn_of_clear_password(url)
    try:
        return redis.Redis.from_url(
            url,
            protocol=3,
            decode_responses=False,
            socket_timeout=settings.timeout,
            socket_connect_timeout=settings.timeout,
            health_check_interval=15,
            client_name="copa",
            retry=Retry(NoBackoff(), retries=0),
            **options,
        )
    except ValueError as error:
        setting = "redis.shards" if url in settings.shards else "redis.url"
        raise ConfigError(
            f"{setting} = {without_password(url)!r} cannot be used: write redis://HOST:PORT/DB, "
            "rediss://HOST:PORT/DB or unix:///PATH; a password in it must be percent-encoded."
        ) from error


def _tls_options(settings: RedisSettings) -> dict[str, Any]:
    read_identity(settings, "redis")
    return {
        "ssl_cert_reqs": "required",
        "ssl_check_hostname": True,
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        "ssl_ca_certs": settings.ca_file,
        "ssl_certfile": settings.certificate_file,
        "ssl_keyfile": settings.key_file,
    }


def _warn_of_clear_password(url: str) -> None:
    host = urlsplit(url).hostname or "localhost"
    with contextlib.suppress(OSError):
        if not loopback_only(host):
            LOG.warning("the password of Redis travels in clear to %s; redis.url = rediss://... protects it", host)


class MemoryFullError(UnavailableError):
    """Redis has reached its maxmemory and refuses what would need more."""


class NotPermittedError(UnavailableError):
    """Redis lets this user in, but not do this."""


class Link:
    """Commands to one Redis that are repeated, with backoff and jitter, while it is away or cannot use its disk.

    Commands must therefore be such that repeating one does no harm.
    """

    def __init__(self, client: redis.Redis, *, patience: float, stopping: threading.Event | None = None) -> None:
        """Gives up after `patience` seconds without an answer, or when `stopping` is set meanwhile."""
        self.client = client
        self.patience = patience
        self.stopping = stopping

    @property
    def address(self) -> str:
        """Where Redis is, for messages."""
        options = self.client.connection_pool.connection_kwargs
        if "path" in options:
            return f"unix://{options['path']}"
        return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"

    def command(self, *parts: Any) -> Any:
        """The answer to one command.

        Raises UnavailableError (away or without a disk for too long, stopped, refused), its MemoryFullError or
        NotPermittedError at once, or redis.ResponseError as Redis says.
        """
        client: Any = self.client
        return self._patiently(lambda: client.execute_command(*parts))

    def transaction(self, *commands: Sequence[Any]) -> list[Any]:
        """The answers to commands that are executed together. Raises as `command` does."""

        def execute() -> list[Any]:
            pipeline: Any
            with self.client.pipeline(transaction=True) as pipeline:
                for parts in commands:
                    pipeline.execute_command(*parts)
                answers: list[Any] = pipeline.execute()
                return answers

        return self._patiently(execute)

    def pause(self, seconds: float, purpose: str) -> None:
        """Sleep; raises UnavailableError when `stopping` is set meanwhile."""
        if self.stopping is None:
            time.sleep(seconds)
        elif self.stopping.wait(seconds):
            raise UnavailableError(f"Stopped while waiting for {purpose}.")

    def _patiently(self, do: Callable[[], Result]) -> Result:
        deadline = time.monotonic() + self.patience
        failures = 0
        while True:
            try:
                answer = do()
            except redis.exceptions.OutOfMemoryError as error:
                _count_failure("out of memory")
                raise MemoryFullError(
                    f"Redis at {self.address} is out of memory ({error}): raise its maxmemory, or lower "
                    "replay.capacity."
                ) from error
            except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError, OSError) as error:
                if _refused(error):
                    _count_failure("refused")
                    kind = NotPermittedError if _not_permitted(error) else UnavailableError
                    raise kind(
                        f"Redis at {self.address} refuses: {error}. Check redis.username, the password in "
                        "redis.password_file or redis.url, and the user's rights (docs/security.md)."
                    ) from error
                reason, trouble, remedy = _trouble(error)
                _count_failure(reason)
                failures += 1
                if failures == 1:
                    LOG.warning("Redis at %s %s (%s); trying for %g s", self.address, trouble, error, self.patience)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise UnavailableError(
                        f"Redis at {self.address} {trouble} for {self.patience:g} s ({error}): {remedy}; "
                        "redis.patience is how long to try."
                    ) from error
                self.pause(
                    min(left, 0.05 * 2 ** min(failures, 5)) * random.uniform(0.5, 1.0), f"Redis at {self.address}"
                )
            else:
                metrics.REDIS_UP.set(1)
                return answer


def _count_failure(reason: str) -> None:
    metrics.REDIS_UP.set(0)
    metrics.REDIS_FAILURES.labels(reason).inc()


def _refused(error: Exception) -> bool:
    """Whether the server does not let this user in, or do this."""
    return isinstance(error, _REFUSALS) or _not_permitted(error)


def _not_permitted(error: Exception) -> bool:
    """Whether this user may not do this, itself or through a function."""
    by_function = any(words in str(error) for words in _REFUSALS_IN_FUNCTIONS)
    return by_function or isinstance(error, redis.exceptions.NoPermissionError)


def _trouble(error: Exception) -> tuple[str, str, str]:
    """Reason, what is wrong with a Redis that may be well again soon, and what to do; raises `error` where it is not
    that."""
    if not isinstance(error, redis.ResponseError):
        return "unreachable", "could not be reached", "start it, or correct redis.url or redis.shards"
    if "MISCONF" in str(error):
        remedy = "the disk is full or not writable, make room on it or correct its rights"
        return "disk", "cannot write to its disk", remedy
    raise error


def check_server(info: Mapping[str, Any], where: str) -> None:
    """Refuse a server that cannot hold a replay; `info` is the answer to INFO.

    Raises UnavailableError for one without Functions, MismatchError for one that may evict records.
    """
    version = str(info.get("redis_version", "0"))
    if int(version.split(".")[0]) < OLDEST_SERVER:
        raise UnavailableError(
            f"Redis at {where} is version {version}, which has no Functions: use Redis {OLDEST_SERVER} or newer, "
            "or Valkey."
        )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        raise MismatchError(
            f"Redis at {where} has maxmemory-policy {policy}, which would silently delete segments: set it to "
            "noeviction (`redis-cli CONFIG SET maxmemory-policy noeviction`, and in its configuration file)."
        )
