"""Real parts for these tests: a configuration, games, coaches with known weights, servers, processes."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import torch
import uvloop

from coach_service.server import CoachServer
from coach_service.weights import FixedWeights, WeightsSource
from copa.coaching.tensors import bools_message, view_message
from copa.config.schema import Config
from copa.nets import Coach, build_coach
from copa.tasks import make_task, task_spec
from copa.tasks.base import Bools, Floats, View
from protos import coach_pb2, coach_pb2_grpc

ROOT = Path(__file__).resolve().parents[2]
SPEC = task_spec("resource_collection")
WIDTH = 16
LOST = 0.08
"""Seconds in which an answer that was held back does not come."""


def make_config(address: str, **coach: Any) -> Config:
    """A small run that coaches on `address`."""
    return Config.model_validate(
        {"nets": {"width": WIDTH, "heads": 2}, "coach": {"address": address, "batch_wait": 0.001, **coach}}
    )


def make_coach(seed: int) -> Coach:
    """A coach with random weights that `seed` determines."""
    torch.manual_seed(seed)
    coach = build_coach(SPEC, make_config("unix:unused"))
    coach.eval()
    return coach


def weights_of(coach: Coach) -> dict[str, torch.Tensor]:
    """The tensors of `coach` as they are published."""
    return {f"coach.{name}": tensor for name, tensor in coach.state_dict().items()}


def means(coach: Coach, view: View) -> Floats:
    """Strategies [B, A, W] of `coach`, computed here."""
    with torch.inference_mode():
        plan = coach(*(torch.from_numpy(getattr(view, name)) for name in ("agents", "traits", "entities", "present")))
    return np.asarray(plan.mean.numpy())


class Games:
    """Games that move on at random, as an actor's do."""

    def __init__(self, games: int, seed: int = 0) -> None:
        self._task = make_task("resource_collection", games=games, seed=seed)
        self._random = np.random.default_rng(seed)
        self.view = self._task.reset(np.arange(games), np.arange(games))
        self.everyone: Bools = self.view.members()

    def move(self, steps: int = 4) -> View:
        """Play `steps` random steps."""
        for _ in range(steps):
            actions = self._random.integers(0, len(SPEC.actions), (len(self.view.agents), SPEC.slots))
            self.view = self._task.step(actions).view
        return self.view


def nobody(view: View) -> Bools:
    """[B, A], all false."""
    return np.zeros(view.present.shape[:2], np.bool_)


def make_request(view: View, **fields: Any) -> coach_pb2.CoordinateRequest:
    """A valid request for `view`, with `fields` as said."""
    request = coach_pb2.CoordinateRequest(
        task=SPEC.name, view=view_message(view), fresh=bools_message(nobody(view)), mode=coach_pb2.MODE_MEAN
    )
    for name, value in fields.items():
        setattr(request, name, value)
    return request


class Loop:
    """One event loop on a thread, on which all servers of the tests live."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Any, timeout: float = 20.0) -> Any:
        """Run `coroutine` there and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    @contextmanager
    def serving(self, config: Config, source: WeightsSource) -> Iterator[tuple[CoachServer, str]]:
        """A running server and its address."""

        async def build() -> tuple[CoachServer, str]:
            server = CoachServer(SPEC, config, source)
            return server, await server.start()

        server, address = self.run(build())
        try:
            yield server, address
        finally:
            self.run(server.stop(0.5))

    def close(self) -> None:
        """Stop the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)


@contextmanager
def calling(address: str, **options: int) -> Iterator[coach_pb2_grpc.CoachStub]:
    """A plain gRPC stub."""
    with grpc.insecure_channel(address, options=[(f"grpc.{key}", value) for key, value in options.items()]) as channel:
        grpc.channel_ready_future(channel).result(10)
        yield coach_pb2_grpc.CoachStub(channel)


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Return when `condition` holds; fail after `seconds`."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "what was waited for did not happen"
        time.sleep(0.02)


class ServerProcess:
    """A coach service in a process of its own, that can be stopped and killed."""

    def __init__(self, address: str, seed: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.coach.serve", address, str(seed)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == "ready"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self._process.pid, number)

    def kill(self) -> None:
        """End it without any notice."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


FIRST = FixedWeights(weights_of(make_coach(1)), version=1)
