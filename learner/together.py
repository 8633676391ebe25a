"""Several processes that learn as one: the first leads, the others follow it update by update."""

import contextlib
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from copa.assembly import open_replay
from copa.config.schema import Config
from copa.errors import ConfigError, UnavailableError
from copa.learning import Peers, TorchBatch, UpdateRule, to_device
from copa.methods import method_named
from copa.replay import Permit
from copa.runtime import Process

_WAIT, _GO, _END = 0.0, 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Shares:
    """How many segments an update takes."""

    batch: int
    """All peers together."""
    share: int
    """Each of them."""


def shares(config: Config, peers: Peers) -> Shares:
    """Raises ConfigError where the batch cannot be shared out evenly."""
    batch = method_named(config.method.name).batch(config)
    if batch % peers.count:
        raise ConfigError(
            f"learning.batch = {batch} segments cannot be shared by {peers.count} processes evenly: set it to a "
            f"multiple of {peers.count}, for instance {-(-batch // peers.count) * peers.count}."
        )
    return Shares(batch, batch // peers.count)


class Leading:
    """What the first process tells the others; nothing where it is alone."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def wait(self) -> None:
        """There is no batch yet."""
        self._peers.tell(_message(_WAIT, None))

    def go(self, permit: Permit) -> None:
        """Make an update, with segments of the ring as `permit` saw it."""
        self._peers.tell(_message(_GO, permit))

    def end(self) -> None:
        """Learning is over; says nothing where the others have gone."""
        with contextlib.suppress(UnavailableError):
            self._peers.tell(_message(_END, None))
        self._peers.close()


class Follower:
    """Computes what the first process leads: draws its own share of each batch, one batch ahead."""

    def __init__(self, config: Config, rule: UpdateRule, peers: Peers, device: torch.device) -> None:
        self._config, self._rule, self._peers, self._device = config, rule, peers, device
        self._share = shares(config, peers).share
        self._replay = open_replay(config)
        self._rng = np.random.default_rng([config.run.seed, rule.updates, peers.rank])

    def run(self, frame: Process) -> None:
        """Follow until the first process ends; a signal to this one is left to that.

        Raises:
            UnavailableError: Redis or another process of the learner has gone.
        """
        self._replay.join()
        frame.ready()
        ahead: Future[TorchBatch] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as drawing:
            while True:
                frame.beat()
                command, *numbers = self._peers.tell(_message(_WAIT, None))
                if command == _END:
                    break
                if command == _WAIT:
                    continue
                permit = _permit(numbers)
                batch = (ahead or drawing.submit(self._draw, permit)).result()
                ahead = drawing.submit(self._draw, permit)
                self._rule.update(batch, progress=min(permit.steps / self._config.run.steps, 1.0))
        self._peers.close()

    def _draw(self, permit: Permit) -> TorchBatch:
        segments = self._replay.draw(permit, self._share, self._rng, self._config.replay.rewarded_share)
        return to_device(segments, self._device, pinned=self._device.type == "cuda")


def _message(command: float, permit: Permit | None) -> list[float]:
    if permit is None:
        return [command, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    life = zlib.crc32(permit.life.encode())
    counts = (permit.steps, permit.inserted, permit.segments, permit.position, permit.sampled, life)
    return [command, *map(float, counts)]


def _permit(numbers: list[float]) -> Permit:
    steps, inserted, segments, position, sampled, life = map(int, numbers)
    return Permit(
        granted=True,
        wait_seconds=0.0,
        reason="",
        finished=False,
        steps=steps,
        inserted=inserted,
        segments=segments,
        position=position,
        sampled=sampled,
        life=str(life),
    )
