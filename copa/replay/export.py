"""A replay as one file: a line of magic, a JSON header, then flags, generations and records in blocks.

After the magic: length of the header (u64), the header, its CRC-32 (u32); then blocks of up to `BLOCK` slots:
flags (1 byte per slot) and generations (u32 per slot), CRC-32 of both (u32), records (each closed by its own CRC-32).
All little-endian. Of a run with shards, the file holds this for the home (without slots), then for each shard.
"""

import json
import os
import struct
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from copa.errors import DataError, MismatchError
from copa.replay.layout import difference
from copa.replay.session import Session
from copa.replay.side import GENERATION_BYTES, SIDE_BYTES, side_commands

MAGIC = b"COPA replay 1\n"
BLOCK = 256

COUNTERS = ("steps", "inserted", "sampled", "warmup_steps", "lost", "duplicates", "episodes", "restarts")
"""Counters that a restored replay goes on from; `position` only with its ring."""


def read_counters(session: Session) -> dict[str, Any]:
    """Counters of the run and of each actor id, whether the run was finished then, and `place`; JSON-able.

    Raises ReplayGoneError where there is no run.
    """
    answer = session.present(session.call("status", write=False))
    actors = session.link.command("ZRANGE", session.keys.actors, 0, -1)
    numbers = dict(zip(answer[8::2], answer[9::2], strict=True))
    counters: dict[str, Any] = {name: numbers[name.encode()] for name in ("position", *COUNTERS)}
    counters["finished"] = answer[2] == b"finished"
    counters["place"] = session.place
    counters["actors"] = {actor.decode(): _actor_counters(session, int(actor)) for actor in actors}
    return counters


def _actor_counters(session: Session, actor: int) -> list[Any]:
    key = session.keys.actor(actor)
    incarnation, token, number, steps, segments = session.link.command(
        "HMGET", key, "incarnation", "token", "number", "steps", "segments"
    )
    if incarnation is None:
        raise session.gone()
    return [int(incarnation), token.decode(), int(number), int(steps), int(segments)]


def restore_counters(session: Session, counters: Mapping[str, Any], *, position: int) -> None:
    """Go on from `counters` on an empty replay whose ring holds what is before `position`.

    With position 0 the segments that the ring held when the counters were read are counted as lost, unless the run
    was finished then: nothing was to be learnt from them any more, and a finished run does not keep its ring.
    Raises MismatchError when the replay is not empty or the counters are of another `place`, DataError for counters
    that are none.
    """
    check_place(session, counters)
    try:
        values = [(name, int(counters[name])) for name in COUNTERS]
        missed = 0 if counters.get("finished") else min(int(counters["position"]), session.limits.capacity)
        actors = {str(int(actor)): list(held) for actor, held in dict(counters["actors"]).items()}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"Counters of a replay are incomplete or damaged: {error!r}.") from error
    if position == 0:
        values = [(name, value + missed if name == "lost" else value) for name, value in values]
    answer = session.present(
        session.call("restore", position, json.dumps(actors), *(part for pair in values for part in pair))
    )
    if answer[0] == b"occupied":
        raise _occupied(session, answer[1], answer[2])


def check_place(session: Session, counters: Mapping[str, Any]) -> None:
    """Raise MismatchError where `counters` were read from a server in another place of its run."""
    place = counters.get("place", {})
    if place != session.place:
        raise MismatchError(
            f"The counters of run {session.run!r} were read with {_words(place)}, and it goes on with "
            f"{_words(session.place)}: set redis.shards as it was."
        )


def _words(place: Mapping[str, int]) -> str:
    shard = f", as number {place['shard']} of them" if "shard" in place else ""
    return f"{place['shards']} shards{shard}" if "shards" in place else "no shards"


def export_rings(path: Path, parts: Sequence[tuple[Session, Mapping[str, Any]]]) -> int:
    """Write each server's ring and the counters beside it to `path`, whole or not at all; returns the number of
    segments.

    A slot that is overwritten meanwhile is written with its newer record.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            segments = sum(_write_part(file, session, counters) for session, counters in parts)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return segments


def _write_part(file: BinaryIO, session: Session, counters: Mapping[str, Any]) -> int:
    segments: int = min(counters["position"], session.limits.capacity)
    header = json.dumps({"schema": session.schema(), "segments": segments, "counters": counters}).encode()
    file.write(MAGIC + struct.pack("<Q", len(header)) + header + struct.pack("<I", zlib.crc32(header)))
    for first in range(0, segments, BLOCK):
        side, records = _read_block(session, first, min(first + BLOCK, segments))
        file.write(side + struct.pack("<I", zlib.crc32(side)))
        file.write(b"".join(records))
    return segments


def _read_block(session: Session, first: int, end: int) -> tuple[bytes, list[bytes]]:
    flags, generations, records = session.link.transaction(
        *side_commands(session.keys, first, end), ("MGET", *session.keys.slots(range(first, end)))
    )
    side = flags + generations
    intact = session.layout.intact(records)
    if len(side) != (end - first) * SIDE_BYTES or not intact.all():
        session.check_present()
        slot = first + int(np.argmin(intact))
        raise DataError(
            f"The replay of run {session.run!r} has a damaged or missing record (slot {slot}); it was not exported."
        )
    return side, records


def import_rings(path: Path, sessions: Sequence[Session], empty: Collection[Session]) -> list[dict[str, Any]]:
    """Write the records of `path` to the rings of those `sessions` that are `empty`; returns each one's counters.

    Everything is checked while it is read, and a ring counts as empty until its counters are restored.
    Raises UnavailableError (no file, no run), DataError (damaged file), MismatchError (other schema, not empty).
    """
    for session in empty:
        state = read_counters(session)
        if state["position"] > 0 or state["steps"] > 0:
            raise _occupied(session, state["steps"], state["position"])
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"Export {str(path)!r} cannot be read: {error.strerror}.") from error
    with file:
        counters = [_read_part(file, path, session, fill=session in empty) for session in sessions]
        if file.read(1):
            raise DataError(f"Export {str(path)!r} goes on after its last record: it is damaged.")
    return counters


def _read_part(file: BinaryIO, path: Path, session: Session, *, fill: bool) -> dict[str, Any]:
    header = _read_header(file, path)
    if header["schema"] != session.schema():
        raise MismatchError(
            f"Export {str(path)!r} has another schema ({difference(session.schema(), header['schema'])}; "
            "there, the file's): use the settings it was made with."
        )
    segments = int(header["segments"])
    for first in range(0, segments, BLOCK):
        _copy_block(session, file, path, first, min(first + BLOCK, segments), fill=fill)
    counters: dict[str, Any] = header["counters"]
    return counters


def _read_header(file: BinaryIO, path: Path) -> dict[str, Any]:
    damaged = DataError(f"Export {str(path)!r} is no replay export of this version, or is damaged at its head.")
    if file.read(len(MAGIC)) != MAGIC:
        raise damaged
    size = file.read(8)
    if len(size) < 8 or (length := struct.unpack("<Q", size)[0]) > 2**24:
        raise damaged
    data, checksum = file.read(length), file.read(4)
    if len(checksum) < 4 or struct.unpack("<I", checksum)[0] != zlib.crc32(data):
        raise damaged
    header: dict[str, Any] = json.loads(data)
    return header


def _copy_block(session: Session, file: BinaryIO, path: Path, first: int, end: int, *, fill: bool) -> None:
    count, size = end - first, session.layout.record_bytes
    side, checksum = file.read(count * SIDE_BYTES), file.read(4)
    data = file.read(count * size)
    records = [data[start : start + size] for start in range(0, len(data), size)]
    if len(checksum) < 4 or zlib.crc32(side) != struct.unpack("<I", checksum)[0] or len(records) < count:
        raise DataError(f"Export {str(path)!r} is damaged or cut off at record {first}.")
    intact = session.layout.intact(records)
    if not intact.all():
        raise DataError(f"Export {str(path)!r} is damaged at record {first + int(np.argmin(intact))}.")
    if not fill:
        return
    keys = session.keys.slots(range(first, end))
    session.link.transaction(
        ("MSET", *(part for pair in zip(keys, records, strict=True) for part in pair)),
        ("SETRANGE", session.keys.flags, first, side[:count]),
        ("SETRANGE", session.keys.generations, first * GENERATION_BYTES, side[count:]),
    )


def _occupied(session: Session, steps: int, position: int) -> MismatchError:
    return MismatchError(
        f"The replay of run {session.run!r} at {session.link.address} is not empty ({steps} steps, {position} "
        "segments written): it stays as it is. Delete it with `copa replay reset` to fill it anew."
    )
