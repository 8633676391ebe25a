"""Calling the server-side functions of `functions.lua`, loading them where they are missing."""

import hashlib
from functools import cache
from importlib import resources
from typing import Any

import redis

from copa.errors import UnavailableError
from copa.replay.connection import Link

_PREFIX = "copa_1_"


@cache
def library() -> tuple[str, str]:
    """Source of the library and its digest."""
    source = resources.files("copa.replay").joinpath("functions.lua").read_text(encoding="utf-8")
    digest = hashlib.sha256(source.encode()).hexdigest()[:16]
    return source.replace("@DIGEST@", digest), digest


def load_functions(link: Link) -> None:
    """Make the server's library the one of this program. Raises UnavailableError where it must not be loaded."""
    source, digest = library()
    try:
        if link.command("FCALL_RO", _PREFIX + "digest", 0) == digest.encode():
            return
    except redis.ResponseError as error:
        if not _missing(error):
            raise _refused(link, error) from error
    try:
        link.command("FUNCTION", "LOAD", "REPLACE", source)
    except redis.ResponseError as error:
        raise _refused(link, error) from error


def call(link: Link, name: str, key: str, *arguments: Any, write: bool = True) -> Any:
    """The answer of function `name` for `key`; loads the library where a restarted server does not have it.

    Raises UnavailableError when Redis is away for longer than the patience; redis.ResponseError as Redis says.
    """
    command = ("FCALL" if write else "FCALL_RO", _PREFIX + name, 1, key, *arguments)
    try:
        return link.command(*command)
    except redis.ResponseError as error:
        if not _missing(error):
            raise
    load_functions(link)
    return link.command(*command)


def _refused(link: Link, error: redis.ResponseError) -> UnavailableError:
    return UnavailableError(
        f"Redis at {link.address} does not take the functions of the replay ({error}): use Redis 7 or newer, or "
        "Valkey, as a primary, with a user that may run FUNCTION and FCALL."
    )


def _missing(error: redis.ResponseError) -> bool:
    return "function not found" in str(error).lower()
