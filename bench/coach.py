"""Coach service: games answered per second, and latency, against a bare batched forward pass of the same games.

Streams are open at the same time, each over a connection of its own; each holds two groups of games, as an actor does,
and asks for a group again as soon as it is answered. All strategies travel (beta 0, means). Service and callers are
processes of this machine, over a unix socket. The service has one event loop, on which it computes too; the bare
forward pass has one thread, and makes the same pass (means alone).
What a stream costs in memory is read off the service's resident set while streams are open and nothing is asked.
"""

import asyncio
import itertools
import multiprocessing
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import grpc
import numpy as np
import torch
import uvloop

from bench.report import Row, main
from coach_service.server import serve
from coach_service.weights import FixedWeights
from copa import arithmetic
from copa.coaching.tensors import bools_message, view_message
from copa.coaching.transport import client_options
from copa.config.schema import Config
from copa.nets import Coach, build_coach
from copa.tasks import make_task, task_spec
from copa.tasks.base import View
from protos import coach_pb2

TASK = "resource_collection"
GAMES = 32
GROUPS = 2
ROUNDS = 3
"""Alternations of service and bare forward pass; medians are reported, for other work on the machine comes and goes."""
STREAMS = (1, 16, 256, 1_000)
QUICK_STREAMS = STREAMS[:2]
SHARED_STREAMS = STREAMS[1]
SLOWEST = 10_000.0
"""Games per second that any machine reaches; a load lasts until every stream was answered at that rate."""
METHOD = "/copa.v1.Coach/Coordinate"


@dataclass(frozen=True, slots=True)
class Served:
    """What one load measured."""

    rows: float
    """Games per second."""
    latencies: list[float]
    """Seconds from request to reply."""


def make_config(address: str) -> Config:
    """The paper's networks."""
    return Config.model_validate({"coach": {"address": address}})


def make_coach() -> Coach:
    """A coach with random weights, the same in every process."""
    torch.manual_seed(0)
    coach = build_coach(task_spec(TASK), make_config("unix:none"))
    coach.eval()
    return coach


def make_view(games: int) -> View:
    """Games at their start."""
    return make_task(TASK, games=games, seed=0).reset(np.arange(games), np.arange(games))


def bare(coach: Coach, games: int, seconds: float) -> float:
    """Games per second of forward passes of `games` games each."""
    view = make_view(games)
    parts = [torch.from_numpy(getattr(view, name)) for name in ("agents", "traits", "entities", "present")]
    with torch.inference_mode():
        coach.mean(coach.see(*parts))
        passes, began = 0, time.perf_counter()
        while (passed := time.perf_counter() - began) < seconds:
            coach.mean(coach.see(*parts))
            passes += 1
    return passes * games / passed


def _serve(address: str, ready: Event, stopping: Event) -> None:
    """The service, in a process of its own."""
    stop = threading.Event()

    def wait() -> None:
        stopping.wait()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    source = FixedWeights({f"coach.{name}": tensor for name, tensor in make_coach().state_dict().items()})
    uvloop.run(serve(task_spec(TASK), make_config(address), source, stopping=stop, ready=ready.set, beat=lambda: None))


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs."""

    address: str
    pid: int

    def resident(self) -> int:
        """Its memory, in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@contextmanager
def service() -> Iterator[Service]:
    """A running service."""
    context = multiprocessing.get_context("spawn")
    ready, stopping = context.Event(), context.Event()
    with tempfile.TemporaryDirectory(prefix="copa-") as folder:
        address = f"unix:{Path(folder) / 'coach'}"
        process = context.Process(target=_serve, args=(address, ready, stopping), daemon=True)
        process.start()
        try:
            if not ready.wait(60):
                raise SystemExit("the coach service did not start")
            assert process.pid is not None
            yield Service(address, process.pid)
        finally:
            stopping.set()
            process.join(10)
            process.kill()


def make_requests() -> list[bytes]:
    """One request per group, ready to be sent."""
    view = make_view(GAMES)
    return [
        coach_pb2.CoordinateRequest(
            task=TASK,
            group=group,
            view=view_message(view),
            fresh=bools_message(view.members()),
            mode=coach_pb2.MODE_MEAN,
        ).SerializeToString()
        for group in range(GROUPS)
    ]


async def _stream(channel: grpc.aio.Channel, requests: list[bytes], since: float, until: float) -> list[float]:
    """Latencies of the replies that one stream got after `since`; ends at `until`."""
    due: asyncio.Queue[int | None] = asyncio.Queue()
    sent = [0.0] * GROUPS

    async def outgoing() -> AsyncIterator[bytes]:
        while (group := await due.get()) is not None:
            sent[group] = time.perf_counter()
            yield requests[group]

    for group in range(GROUPS):
        due.put_nowait(group)
    latencies = []
    open_groups = GROUPS
    call: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(METHOD)
    async for reply in call(outgoing()):
        now = time.perf_counter()
        group = coach_pb2.CoordinateReply.FromString(reply).group
        if now >= since:
            latencies.append(now - sent[group])
        if now < until:
            due.put_nowait(group)
            continue
        open_groups -= 1
        if not open_groups:
            due.put_nowait(None)
    return latencies


@asynccontextmanager
async def _channels(addresses: Sequence[str], count: int) -> AsyncIterator[list[grpc.aio.Channel]]:
    """Connections, each a socket, to the services in turn."""
    options = client_options(make_config(addresses[0]).coach)
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(grpc.aio.insecure_channel(address, options=options))
            for address in itertools.islice(itertools.cycle(addresses), count)
        ]


async def _load(addresses: Sequence[str], streams: int, seconds: float) -> Served:
    requests = make_requests()
    turn = streams * GROUPS * GAMES / SLOWEST
    async with _channels(addresses, streams) as channels:
        since = time.perf_counter() + max(0.2 * seconds, turn)
        until = since + max(seconds, turn)
        parts = await asyncio.gather(*(_stream(channel, requests, since, until) for channel in channels))
    took = time.perf_counter() - since
    latencies = [latency for part in parts for latency in part]
    return Served(len(latencies) * GAMES / took, latencies)


async def _open(served: Service, streams: int) -> int:
    """The service's memory while `streams` are open, each of whose groups was answered once."""
    requests = make_requests()
    async with _channels([served.address], streams) as channels:
        calls = []
        for channel in channels:
            method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(METHOD)
            call = method()
            for request in requests:
                await call.write(request)
                await call.read()
            calls.append(call)
        memory = served.resident()
        for call in calls:
            await call.done_writing()
    return memory


def bytes_per_stream(streams: int) -> float:
    """What an open stream costs the service, after a first one warmed it up."""
    with service() as served:
        one = uvloop.run(_open(served, 1))
        return (uvloop.run(_open(served, 1 + streams)) - one) / streams


def two_services(streams: int, seconds: float) -> Row:
    """Games per second of two services that share the streams, beside one of them with all."""
    with service() as first, service() as second:
        one, two = [], []
        for _ in range(ROUNDS):
            one.append(uvloop.run(_load([first.address], streams, seconds)).rows)
            two.append(uvloop.run(_load([first.address, second.address], streams, seconds)).rows)
    name = f"coach, {streams} streams over 2 services: throughput"
    return Row(name, statistics.median(two), statistics.median(one), "games/s", "one service")


def run(quick: bool = False) -> list[Row]:
    """Coach service against a bare forward pass, two services against one, and the memory of a stream (on Linux)."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    arithmetic.prepare(1)
    seconds = 0.5 if quick else 1.2
    coach = make_coach()
    rows = []
    with service() as running:
        for streams in QUICK_STREAMS if quick else STREAMS:
            games = min(streams * GROUPS * GAMES, make_config("unix:none").coach.batch_rows)
            served, alone = [], []
            for _ in range(ROUNDS):
                alone.append(bare(coach, games, seconds / 2))
                served.append(uvloop.run(_load([running.address], streams, seconds)))
            forward = statistics.median(alone)
            latencies = [latency for part in served for latency in part.latencies]
            p50, p99 = (float(np.percentile(latencies, q)) * 1e3 for q in (50, 99))
            throughput = statistics.median(part.rows for part in served)
            name = f"coach, {streams} streams of {GROUPS} x {GAMES} games"
            baseline = f"bare forward of {games} games"
            rows += [
                Row(f"{name}: throughput", throughput, forward, "games/s", baseline),
                Row(f"{name}: latency p50", p50, games / forward * 1e3, "ms", baseline, "lower"),
                Row(f"{name}: latency p99", p99, games / forward * 1e3, "ms", baseline, "lower"),
            ]
    rows.append(two_services(SHARED_STREAMS, seconds))
    if not Path("/proc/self/status").exists():
        return rows
    streams = (QUICK_STREAMS if quick else STREAMS)[-1]
    spec, width = task_spec(TASK), make_config("unix:none").nets.width
    held = GROUPS * GAMES * spec.slots * width * 4
    rows.append(
        Row(
            f"coach, {streams} streams open: memory of one",
            bytes_per_stream(streams) / 1024,
            held / 1024,
            "KiB",
            "strategies that its players hold",
            "lower",
        )
    )
    return rows


if __name__ == "__main__":
    main(run)
