"""Several processes that learn as one: the first leads, the others follow it update by update."""

import contextlib
import json
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

import copa
from copa.assembly import open_replay
from copa.config.schema import Config
from copa.errors import ConfigError, MismatchError, UnavailableError
from copa.learning import Peers, TorchBatch, UpdateRule
from copa.methods import method_named
from copa.replay import Origin, Permit, Sampler
from copa.replay.limits import Ring
from copa.runtime import Process
from learner.feedback import Feedback, on_device

_LEARNED = ("run", "task", "method", "nets", "learning", "replay")
"""Sections of settings that decide what an update is."""

_WAIT, _GO, _END = 0.0, 1.0, 2.0
_COUNTS = 4


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


def check_settings(config: Config, peers: Peers) -> None:
    """Raises MismatchError, on every peer, where they were started to learn different things.

    Peers with another discount or reward scale would add up gradients of different losses and never notice, since
    their parameters stay equal.
    """
    parts: dict[str, object] = {"version of COPA": copa.__version__, "number of redis.shards": rings_of(config)}
    for section in _LEARNED:
        parts[f"settings of {section}"] = getattr(config, section).model_dump(mode="json", exclude={"folder"})
    for name, part in parts.items():
        if not peers.same(torch.tensor([zlib.crc32(json.dumps(part, sort_keys=True).encode())])):
            raise MismatchError(
                f"the {peers.count} processes of the learner were not started with the same {name}: start all of them "
                "with the same configuration file and flags."
            )


def rings_of(config: Config) -> int:
    """How many servers hold segments."""
    return max(1, len(config.redis.shards))


class Leading:
    """What the first process tells the others; nothing where it is alone."""

    def __init__(self, config: Config, peers: Peers) -> None:
        self._peers, self._servers = peers, rings_of(config)

    def wait(self) -> None:
        """There is no batch yet."""
        self._peers.tell(_message(_WAIT, None, self._servers))

    def go(self, permit: Permit) -> None:
        """Make an update, with segments of the ring as `permit` saw it."""
        self._peers.tell(_message(_GO, permit, self._servers))

    def end(self) -> None:
        """Learning is over; says nothing where the others have gone."""
        with contextlib.suppress(UnavailableError):
            self._peers.tell(_message(_END, None, self._servers))
        self._peers.close()


class Follower:
    """Computes what the first process leads: draws its own share of each batch, one batch ahead."""

    def __init__(self, config: Config, rule: UpdateRule, peers: Peers, device: torch.device, frame: Process) -> None:
        self._config, self._rule, self._peers, self._device, self._frame = config, rule, peers, device, frame
        self._share = shares(config, peers).share
        self._replay = open_replay(config, frame.stopping)
        rng = np.random.default_rng([config.run.seed, rule.updates, peers.rank])
        self._sampler = Sampler.of(self._replay, rng, config.replay)
        self._feedback = Feedback(rule, self._sampler)

    def run(self) -> None:
        """Follow until the first process ends; a signal to this one ends no more than its waiting for Redis.

        Raises:
            UnavailableError: Redis or another process of the learner has gone.
        """
        self._replay.join()
        self._frame.ready()
        ahead: Future[tuple[Origin | None, TorchBatch]] | None = None
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as drawing:
            while True:
                self._frame.beat()
                command, *numbers = self._peers.tell(_message(_WAIT, None, rings_of(self._config)))
                if command == _END:
                    break
                if command == _WAIT:
                    continue
                permit = _permit(numbers)
                origin, batch = (ahead or drawing.submit(self._draw, permit)).result()
                ahead = drawing.submit(self._draw, permit)
                self._feedback.update(batch, origin, progress=min(permit.steps / self._config.run.steps, 1.0))
        self._peers.close()

    def _draw(self, permit: Permit) -> tuple[Origin | None, TorchBatch]:
        draw = self._sampler.draw(permit, self._share)
        return draw.origin, on_device(draw, self._device)


def _message(command: float, permit: Permit | None, servers: int) -> list[float]:
    """What travels: the command, the run's counts, then three numbers of each of `servers` rings."""
    if permit is None:
        return [command] + [0.0] * (_COUNTS + 3 * servers)
    rings = permit.rings or (Ring(permit.segments, permit.position, permit.life),)
    counts = [permit.steps, permit.inserted, permit.segments, permit.sampled]
    for ring in rings:
        counts += [ring.segments, ring.position, zlib.crc32(ring.life.encode())]
    return [command, *map(float, counts)]


def _permit(numbers: list[float]) -> Permit:
    steps, inserted, segments, sampled = map(int, numbers[:_COUNTS])
    rings = tuple(
        Ring(int(filled), int(position), str(int(life)))
        for filled, position, life in zip(*(iter(numbers[_COUNTS:]),) * 3, strict=True)
    )
    return Permit(
        granted=True,
        wait_seconds=0.0,
        reason="",
        finished=False,
        steps=steps,
        inserted=inserted,
        segments=segments,
        position=rings[0].position,
        sampled=sampled,
        life=rings[0].life,
        rings=rings,
    )
