"""The server-side functions of `functions.lua`: loading them, which is for the owner of a run, and calling them."""

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


class FunctionsMissingError(UnavailableError):
    """The server has none of the functions: it came back without its data."""


def load_functions(link: Link) -> None:
    """Make the server's library the one of this program; for who owns the run. Raises UnavailableError if refused."""
    if has_functions(link):
        return
    source, _ = library()
    try:
        link.command("FUNCTION", "LOAD", "REPLACE", source)
    except redis.ResponseError as error:
        raise _refused(link, error) from error


def has_functions(link: Link) -> bool:
    """Whether the server's library is the one of this program. Raises UnavailableError for one without Functions."""
    try:
        return bool(link.command("FCALL_RO", _PREFIX + "digest", 0) == library()[1].encode())
    except redis.ResponseError as error:
        if _missing(error):
            return False
        raise _refused(link, error) from error


def call(link: Link, name: str, key: str, *arguments: Any, write: bool = True) -> Any:
    """The answer of function `name` for `key`.

    Raises FunctionsMissingError; UnavailableError when Redis is away for longer than the patience; redis.ResponseError
    as Redis says.
    """
    try:
        return link.command("FCALL" if write else "FCALL_RO", _PREFIX + name, 1, key, *arguments)
    except redis.ResponseError as error:
        if not _missing(error):
            raise
        raise FunctionsMissingError(
            f"Redis at {link.address} does not have the functions of the replay: the run's learner loads them; start "
            "that first."
        ) from error


def _refused(link: Link, error: redis.ResponseError) -> UnavailableError:
    return UnavailableError(
        f"Redis at {link.address} does not take the functions of the replay ({error}): use Redis 7 or newer, or "
        "Valkey, as a primary, with a user that may run FCALL, and FUNCTION LOAD where it is a learner or an operator."
    )


def _missing(error: redis.ResponseError) -> bool:
    return "function not found" in str(error).lower()
