"""The binary form of a segment: fixed size, little-endian, masks as bits, closed by a CRC-32.

Fields stand in falling order of alignment and records have a multiple of eight bytes, so that many of them joined
can be read as one array.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.errors import DataError
from copa.replay.limits import Push
from copa.segments import NO_ACTION, Segments
from copa.tasks.base import TaskSpec

FORMAT = 2
"""Version of this layout; raised with every change of it."""

_RESIDUE = 0x2144DF1C
"""CRC-32 of anything that is followed by its own CRC-32, little-endian."""

REWARDED = 1
"""Side flag: some step of the segment has a positive reward."""
EPISODE_END = 2
"""Side flag: the last segment of its episode."""

_FLOATS = ("agents", "traits", "entities", "rewards", "memory")
_MASKS = ("visible", "present", "available")
_NUMBERS = ("episodes", "first_steps", "player_versions", "coach_versions", "lengths")
_ACTIONS = ("actions", "previous")
_FLAGS = ("terminated", "episode_end")
_DTYPES: dict[str, type[np.generic]] = (
    dict.fromkeys(_FLOATS, np.float32)
    | dict.fromkeys((*_MASKS, *_FLAGS), np.bool_)
    | dict.fromkeys((*_NUMBERS, *_ACTIONS), np.int64)
)


def side_flags(segments: Segments) -> NDArray[np.uint8]:
    """[N], the flags that stand beside the ring: `REWARDED`, `EPISODE_END`."""
    real = np.arange(segments.rewards.shape[1]) < segments.lengths[:, None]
    rewarded = ((segments.rewards > 0) & real).any(axis=1)
    return (rewarded * np.uint8(REWARDED) + segments.episode_end * np.uint8(EPISODE_END)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Field:
    """Where a field of `Segments` lies in a record."""

    name: str
    stored: str
    """NumPy dtype in the record; "bits" for packed masks."""
    shape: tuple[int, ...]
    """Shape of one segment's values."""
    offset: int

    @property
    def values(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def bytes(self) -> int:
        return (self.values + 7) // 8 if self.stored == "bits" else self.values * np.dtype(self.stored).itemsize


class RecordLayout:
    """Encodes and decodes segments of one task; all records have `record_bytes` bytes."""

    def __init__(self, spec: TaskSpec, T: int, memory_width: int = 0, periods: int = 1) -> None:
        """Segments of `periods` times `T` steps of `spec`'s task.

        Args:
            memory_width: 0 where the player's memory is not stored.
        """
        self.spec = spec
        self.T, self.periods, self.steps = T, periods, T * periods
        self.memory_width = memory_width
        A, E, U, views = spec.slots, spec.entity_rows, len(spec.actions), self.steps + 1
        action = "<i1" if np.iinfo(np.int8).max >= U else "<i2"
        plan: list[tuple[str, str, tuple[int, ...]]] = [
            ("episodes", "<i8", ()),
            ("player_versions", "<i8", ()),
            ("coach_versions", "<i8", ()),
            ("first_steps", "<i4", ()),
            ("rewards", "<f4", (self.steps,)),
            ("agents", "<f4", (views, A, spec.agent_features)),
            ("traits", "<f4", (views, A, spec.trait_features)),
            ("entities", "<f4", (views, E, spec.entity_features)),
            ("memory", "<f4", (A, memory_width)),
            ("lengths", "<u2", ()),
            ("actions", action, (self.steps, A)),
            ("previous", action, (A,)),
            ("terminated", "<u1", ()),
            ("episode_end", "<u1", ()),
            ("visible", "bits", (views, A, A + E)),
            ("present", "bits", (views, A, A + E)),
            ("available", "bits", (views, A, U)),
        ]
        fields: list[_Field] = []
        offset = 0
        for name, stored, shape in plan:
            fields.append(_Field(name, stored, shape, offset))
            offset += fields[-1].bytes
        self._fields = tuple(fields)
        self._body = -(-(offset + 4) // 8) * 8 - 4
        self.record_bytes = self._body + 4
        self._dtype = np.dtype(
            {
                "names": [field.name for field in fields] + ["checksum"],
                "formats": [_stored_format(field) for field in fields] + ["<u4"],
                "offsets": [field.offset for field in fields] + [self._body],
                "itemsize": self.record_bytes,
            }
        )

    def schema(self) -> dict[str, Any]:
        """What must agree for two processes to read each other's records; JSON-able."""
        spec = self.spec
        return {
            "format": FORMAT,
            "task": spec.name,
            "T": self.T,
            **({"periods": self.periods} if self.periods > 1 else {}),
            "slots": spec.slots,
            "entity_rows": spec.entity_rows,
            "agent_features": spec.agent_features,
            "trait_features": spec.trait_features,
            "entity_features": spec.entity_features,
            "actions": list(spec.actions),
            "memory_width": self.memory_width,
            "record_bytes": self.record_bytes,
            "checksum": "crc32",
            "fields": {field.name: [field.stored, field.offset, list(field.shape)] for field in self._fields},
        }

    def encode(self, segments: Segments) -> list[bytes]:
        """One record per segment. Raises DataError, naming the field, for wrong shapes, dtypes, ranges, NaN."""
        self._check(segments)
        count = len(segments)
        matrix = np.zeros(count, self._dtype)
        for field in self._fields:
            values = getattr(segments, field.name)
            if field.stored == "bits":
                matrix[field.name] = np.packbits(values.reshape(count, field.values), axis=1)
            else:
                matrix[field.name] = values
        size = self.record_bytes
        rows = matrix.view(np.uint8).reshape(count, size)
        matrix["checksum"] = list(map(zlib.crc32, rows[:, : self._body]))
        data = matrix.tobytes()
        return [data[start : start + size] for start in range(0, count * size, size)]

    def push(self, segments: Segments, *, sequence: int, steps_total: int, segments_total: int) -> Push:
        """`segments` as a push; raises DataError as `encode` does."""
        return Push(
            sequence=sequence,
            records=self.encode(segments),
            flags=side_flags(segments).tobytes(),
            steps_total=steps_total,
            segments_total=segments_total,
        )

    def intact(self, records: Sequence[bytes | None]) -> NDArray[np.bool_]:
        """[N], whether each record is there, has its size and agrees with its checksum."""
        size = self.record_bytes
        whole = [record if record is not None and len(record) == size else b"" for record in records]
        intact: NDArray[np.bool_] = np.fromiter(map(zlib.crc32, whole), np.uint32, len(whole)) == _RESIDUE
        return intact

    def decode(self, records: Sequence[bytes]) -> Segments:
        """The segments of `records`. Raises DataError for a record of another size or a wrong checksum."""
        intact = self.intact(records)
        if not intact.all():
            bad = np.flatnonzero(~intact)
            raise DataError(
                f"{len(bad)} of {len(records)} records are damaged (first: record {bad[0]}): size or checksum is wrong."
            )
        return self.decode_intact(records)

    def decode_intact(self, records: Sequence[bytes]) -> Segments:
        """The segments of records that `intact` has found whole."""
        count = len(records)
        matrix = np.frombuffer(b"".join(records), self._dtype, count)
        arrays: dict[str, NDArray[Any]] = {}
        for field in self._fields:
            values = matrix[field.name]
            if field.stored == "bits":
                bits = np.unpackbits(np.ascontiguousarray(values), axis=1, count=field.values)
                arrays[field.name] = bits.view(np.bool_).reshape(count, *field.shape)
            else:
                arrays[field.name] = values.astype(_DTYPES[field.name])
        return Segments(**arrays)

    def _check(self, segments: Segments) -> None:
        count = len(segments.lengths)
        for field in self._fields:
            values = getattr(segments, field.name)
            expected = (count, *field.shape)
            if values.shape != expected:
                raise DataError(f"Segments field {field.name} has shape {values.shape}; this task needs {expected}.")
            wanted = np.dtype(_DTYPES[field.name])
            if values.dtype != wanted:
                raise DataError(f"Segments field {field.name} has dtype {values.dtype}; it must be {wanted}.")
        for name in _FLOATS:
            values = getattr(segments, name)
            if not np.isfinite(values).all():
                row = int(np.argwhere(~np.isfinite(values))[0][0])
                raise DataError(f"Segments field {name} holds NaN or infinity (segment {row}); it must be finite.")
        last = np.iinfo(np.int64).max
        ranges = dict.fromkeys(_ACTIONS, (NO_ACTION, len(self.spec.actions) - 1)) | {
            "lengths": (1, self.steps),
            "first_steps": (0, int(np.iinfo(np.int32).max)),
            "episodes": (0, int(last)),
            "player_versions": (0, int(last)),
            "coach_versions": (0, int(last)),
        }
        for name, (least, most) in ranges.items():
            values = getattr(segments, name)
            if values.size and (values.min() < least or values.max() > most):
                raise DataError(
                    f"Segments field {name} holds values from {values.min()} to {values.max()}; "
                    f"allowed are {least} to {most}."
                )


def _stored_format(field: _Field) -> Any:
    return ("u1", (field.bytes,)) if field.stored == "bits" else (field.stored, field.shape)


def difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str | None:
    """The first field in which two schemas differ, in words; None where they agree."""
    for name in (*(key for key in theirs if key not in ours), *ours):
        mine, other = ours.get(name), theirs.get(name)
        if mine == other:
            continue
        if isinstance(mine, Mapping) and isinstance(other, Mapping):
            inner = difference(mine, other)
            return f"{name}.{inner}"
        return f"{name}: here {mine!r}, in Redis {other!r}"
    return None
