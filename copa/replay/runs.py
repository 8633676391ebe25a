"""Runs as they lie in Redis, whatever made them: list, look at, delete."""

import json
import re
from collections.abc import Iterator
from typing import Any

import redis

from copa.errors import MismatchError, UnavailableError
from copa.replay.connection import Link
from copa.replay.functions import call, load_functions
from copa.replay.keys import Keys

_SCAN = 1000


def list_runs(client: redis.Redis) -> list[str]:
    """Names of the runs in this Redis."""
    pattern = re.compile(rb"copa:\{(.+)\}:schema")
    found = (pattern.fullmatch(key) for key in client.scan_iter(match="copa:{*}:schema", count=_SCAN))
    return sorted(match[1].decode() for match in found if match)


def inspect_run(client: redis.Redis, run: str, *, patience: float = 5.0) -> dict[str, Any]:
    """Schema, counters, owner, actors and newest weights of a run, JSON-able; needs no knowledge of its task.

    Raises UnavailableError when there is no such run.
    """
    keys = Keys(run)
    link = Link(client, patience=patience)
    schema = link.command("GET", keys.schema)
    if schema is None:
        known = ", ".join(list_runs(client)) or "none"
        raise UnavailableError(f"Redis at {link.address} holds no run {run!r}; it holds: {known}.")
    try:
        parsed = json.loads(schema)
    except ValueError:
        parsed = schema.decode(errors="replace")
    owner = _hash(link, keys.owner)
    latest = link.command("GET", keys.latest)
    return {
        "run": run,
        "schema": parsed,
        "state": _hash(link, keys.state),
        "owner": {name: owner[name] for name in ("owner", "term", "expires") if name in owner},
        "actors": [int(actor) for actor in link.command("ZRANGE", keys.actors, 0, -1)],
        "weights": int(latest) if latest is not None else None,
    }


def reset_run(client: redis.Redis, run: str, *, take_over: bool = False, patience: float = 5.0) -> int:
    """Delete everything of a run, its weights too; returns the number of keys deleted.

    Raises MismatchError while its owner is alive, unless `take_over`.
    """
    keys = Keys(run)
    link = Link(client, patience=patience)
    load_functions(link)
    answer = call(link, "forget", keys.state, int(take_over))
    if answer[0] == b"alive":
        raise MismatchError(
            f"Run {run!r} at {link.address} belongs to {answer[1].decode()}, whose lease lasts "
            f"{answer[2] / 1000:.0f} more seconds: stop it first, or reset with --force."
        )
    found = _batches(client.scan_iter(match=keys.prefix + "*", count=_SCAN))
    return sum(int(link.command("UNLINK", *batch)) for batch in found)


def _batches(names: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for name in names:
        batch.append(name)
        if len(batch) == _SCAN:
            yield batch
            batch = []
    if batch:
        yield batch


def _hash(link: Link, key: str) -> dict[str, Any]:
    fields: dict[bytes, bytes] = link.command("HGETALL", key)
    return {name.decode(): _number(value.decode()) for name, value in fields.items()}


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
