"""The replay beside other libraries' storages: TorchRL's `StoreStorage` in the same Redis, and a Reverb table.

Each library runs in a process and a virtual environment of its own (`make bench-others`); without the environment its
rows are left out. All sides get items, then take turns; the medians of their times are compared. Ours is the whole
way: encoding, push in calls of 128, the limiter's permit, a uniform draw, checksums and decoding to NumPy arrays.

**Transitions**, the shape that TorchRL published figures of: 69 floats (observation 64, action 4, reward 1; 276 B),
buffer of 10,000, filled with 5,000 in chunks of 500, batches of 256. A record of ours always holds the views before and
after each step, so two stand beside it. *As many floats*: an observation of 32 and traits of 2 in either view, and the
reward. *With what follows*: an observation of 64 and traits of 4 in either view, which TorchRL's transition has once.
Both also hold what every record does (action, masks, versions, episode, CRC-32).

**Segments** of Resource Collection, 4 steps, the ring of `bench.replay`: inserts of 128, batches of 512. TorchRL has
the same fields as a tensordict, Reverb as the columns of one item; both keep integers and masks as they are, where a
record packs them. Reverb also has the encoded record as a single column, and is then spared encoding and decoding.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from statistics import median
from typing import Any, Literal, Protocol

import numpy as np
import redis

from bench.replay import BATCH, CAPACITY, PUSH, Pusher, T, random_segments
from bench.report import Row, main
from copa.config.schema import RedisSettings
from copa.replay import Limits, RecordLayout, Replay, Sampler, connect
from copa.replay.server import running
from copa.segments import Segments
from copa.tasks import task_spec
from copa.tasks.base import TaskSpec

ROOT = Path(__file__).parent.parent
TORCHRL, REVERB, PACKED = "TorchRL StoreStorage", "Reverb table", "Reverb table, one column of bytes"
PROGRAMS = {TORCHRL: "torchrl_store", REVERB: "reverb_table", PACKED: "reverb_table"}

Work = Literal["insert", "sample"]
Times = Mapping[Work, float]

TRANSITIONS, CHUNK, BUFFER, DRAWN = 5_000, 500, 10_000, 256
OBSERVATION, ACTION = 64, 4
FILLS = CAPACITY // PUSH // 4
"""Inserts before segments are drawn: a quarter of the ring, so that no side overwrites old segments meanwhile."""
UNIT = "items/s"
PUBLISHED: Times = {"insert": 38.9e-3, "sample": 1.729e-3}
"""Seconds that TorchRL gives for its own storage at this shape, on a machine it does not name (pytorch/rl#3516)."""


class Side(Protocol):
    """One of those that take turns."""

    def seconds(self, work: Work) -> float:
        """How long one round of `work` took."""


class Ours:
    """This project's replay. The limiter counts every segment, and makes nobody wait."""

    def __init__(self, replay: Replay, segments: Sequence[Segments]) -> None:
        """`segments`: what one insert pushes, a push each."""
        self.replay = replay
        self.replay.claim("bench")
        self._pusher = Pusher(replay)
        self._segments = segments
        self._batch = replay.limits.batch
        self._sampler = Sampler(replay, np.random.default_rng(0))

    def seconds(self, work: Work) -> float:
        """As `Side`."""
        start = time.perf_counter()
        if work == "insert":
            for part in self._segments:
                self._pusher.push(part)
        else:
            self._sampler.draw(self.replay.permit(self._batch), self._batch)
        return time.perf_counter() - start


def limits(capacity: int, batch: int) -> Limits:
    """Limits under which neither side waits."""
    return Limits(capacity, batch, batch, steps_per_update=100, tolerance=4.0, total_steps=10**9, free_running=True)


class Other:
    """Another library's program in its own environment; to be closed."""

    def __init__(self, name: str, *arguments: Any) -> None:
        """`arguments` of the program `name` in `bench.others`."""
        self.name = name
        self._process = subprocess.Popen(
            [python(name), "-m", f"bench.others.{PROGRAMS[name]}", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def seconds(self, work: Work) -> float:
        """As `Side`; raises SystemExit where the program has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(work, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            answer = ""
        else:
            answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit(f"error: {self.name} ended before its round of {work}; what it said is above")
        return float(json.loads(answer)["seconds"])

    def __enter__(self) -> "Other":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def python(name: str) -> Path:
    """The interpreter of another library's environment, whether or not it is there."""
    return Path(sys.prefix) / "others" / PROGRAMS[name] / "bin" / "python"


def measure(sides: Mapping[str, Side], fills: int, rounds: int) -> dict[str, Times]:
    """Median seconds of insert and sample of each side, taken in turns after `fills` inserts."""
    for side in sides.values():
        for _ in range(fills):
            side.seconds("insert")
        side.seconds("sample")
    works: tuple[Work, ...] = ("insert", "sample")
    taken: dict[str, dict[Work, list[float]]] = {name: {work: [] for work in works} for name in sides}
    for _ in range(rounds):
        for work in works:
            for name, side in sides.items():
                taken[name][work].append(side.seconds(work))
    return {name: {work: median(times[work]) for work in works} for name, times in taken.items()}


def transition_layout(times: int) -> RecordLayout:
    """Records of one step whose two views together hold observation and action `times` times over."""
    spec = TaskSpec(
        name="transition",
        slots=1,
        entity_rows=0,
        agent_features=OBSERVATION * times // 2,
        trait_features=ACTION * times // 2,
        entity_features=0,
        actions=("first", "second"),
        horizon=1,
        recorded_steps=1,
        trait_centre=(0.0,) * (ACTION * times // 2),
        first_action="zeros",
        teams=("train",),
        held_out=(),
    )
    return RecordLayout(spec, 1)


def transitions() -> dict[str, Any]:
    """Arrays by name: what TorchRL's own benchmark stores."""
    rng = np.random.default_rng(0)
    shapes = {"obs": OBSERVATION, "action": ACTION, "reward": 1}
    return {name: rng.standard_normal((TRANSITIONS, width), np.float32) for name, width in shapes.items()}


def columns(segments: Segments) -> dict[str, Any]:
    """Arrays by name: the fields of `segments` that hold anything."""
    arrays = {field.name: getattr(segments, field.name) for field in fields(segments)}
    return {name: values for name, values in arrays.items() if values.size}


def compare_transitions(client: redis.Redis, socket: Path, folder: Path, rounds: int) -> list[Row]:
    """Rows at TorchRL's published shape."""
    np.savez(folder / "transitions.npz", **transitions())
    sides: dict[str, Side] = {}
    names = {}
    for times, what in ((1, "as many floats"), (2, "with what follows")):
        layout = transition_layout(times)
        chunks = [random_segments(layout, CHUNK)] * (TRANSITIONS // CHUNK)
        side = f"transitions-{times}"
        sides[side] = Ours(Replay(client, side, layout, limits(BUFFER, DRAWN)), chunks)
        names[side] = f"{what}, {layout.record_bytes} B"
    with ExitStack() as stack:
        if python(TORCHRL).exists():
            arguments = (socket, folder / "transitions.npz", BUFFER, CHUNK, DRAWN)
            sides[TORCHRL] = stack.enter_context(Other(TORCHRL, *arguments))
        found = measure(sides, 2, rounds)
    baselines = {TORCHRL: found[TORCHRL]} if TORCHRL in found else {}
    baselines[f"{TORCHRL}, its own figure (recorded)"] = PUBLISHED
    counts: dict[Work, int] = {"insert": TRANSITIONS, "sample": DRAWN}
    return [
        Row(f"{work} of {count:,} transitions, {name}", count / found[side][work], count / times[work], UNIT, baseline)
        for baseline, times in baselines.items()
        for side, name in names.items()
        for work, count in counts.items()
    ]


def compare_segments(client: redis.Redis, socket: Path, folder: Path, rounds: int) -> list[Row]:
    """Rows at this project's own shape."""
    layout = RecordLayout(task_spec("resource_collection"), T)
    segments = random_segments(layout, PUSH)
    file = folder / "segments.npz"
    packed = folder / "records.npz"
    np.savez(file, **columns(segments))
    np.savez(packed, record=np.frombuffer(b"".join(layout.encode(segments)), np.uint8).reshape(PUSH, -1))
    arguments = {
        TORCHRL: (socket, file, CAPACITY, PUSH, BATCH),
        REVERB: (file, CAPACITY, BATCH),
        PACKED: (packed, CAPACITY, BATCH),
    }
    counts: dict[Work, int] = {"insert": PUSH, "sample": BATCH}
    with ExitStack() as stack:
        there = [name for name in PROGRAMS if python(name).exists()]
        others = {name: stack.enter_context(Other(name, *arguments[name])) for name in there}
        if not others:
            return []
        ours = Ours(Replay(client, "segments", layout, limits(CAPACITY, BATCH)), [segments])
        found = measure({"ours": ours, **others}, FILLS, rounds)
    return [
        Row(f"{work} of {count} segments", count / found["ours"][work], count / found[name][work], UNIT, name)
        for name in others
        for work, count in counts.items()
    ]


def run(quick: bool = False) -> list[Row]:
    """Items per second of insert and sample, beside other libraries' storages."""
    for name in (TORCHRL, REVERB):
        if not python(name).exists():
            print(f"{name} is not installed, so it is left out: make bench-others", file=sys.stderr, flush=True)
    with (
        running() as server,
        connect(RedisSettings(url=server.url)) as client,
        tempfile.TemporaryDirectory(prefix="copa-bench-") as folder,
    ):
        where = (client, server.server.socket, Path(folder))
        rows = compare_transitions(*where, 5 if quick else 30)
        return rows + compare_segments(*where, 10 if quick else 40)


if __name__ == "__main__":
    main(run)
