"""Wire-up of an actor process."""

import contextlib
import logging

import numpy as np

from actor.episodes import EpisodeNumbers
from actor.group import Group
from actor.loop import Actor
from actor.outbox import Outbox
from copa import arithmetic
from copa.acting import Exploration, Players
from copa.assembly import open_replay, record_layout
from copa.coaching import CoachClient
from copa.config.load import parse_role_arguments
from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.methods import method_named
from copa.replay import ActorLease, LeaseLostError, Replay
from copa.runtime import Process, process
from copa.tasks import make_task, task_spec
from copa.telemetry.journal import Journal
from copa.weights import WeightStore
from copa.weights_follower import WeightsFollower

log = logging.getLogger(__name__)

EPISODES_LEASED = 16
"""Episodes per game in one lease of episode numbers."""


def main(argv: list[str]) -> None:
    """Run an actor until the run is finished or it is told to stop."""
    config, index = parse_role_arguments(argv, role="actor")
    with process("actor", config, index) as frame:
        arithmetic.prepare(config.actor.threads, flush_denormals=config.learning.flush_denormals)
        replay = open_replay(config, frame.stopping)
        replay.join()
        while not frame.stopping.is_set():
            try:
                _act(config, replay, frame)
                return
            except LeaseLostError as error:
                log.warning("starting anew with another actor id: %s", error)


def _act(config: Config, replay: Replay, frame: Process) -> None:
    lease = replay.lease_actor()
    log.info("actor %d, incarnation %d", lease.actor, lease.incarnation)
    has_coach = method_named(config.method.name).coach
    actor = Actor(
        config,
        label=str(lease.actor),
        groups=build_groups(config, replay, lease),
        coach=CoachClient(config.coach.address, config) if has_coach else None,
        outbox=Outbox(
            open_replay(config, frame.stopping),
            lease,
            record_layout(config),
            config.actor.unacknowledged,
            frame.stopping,
        ),
        follower=WeightsFollower(
            WeightStore(config.redis, config.run.name, stopping=frame.stopping), config.actor.pull_seconds
        ),
        journal=Journal(config, "actor", frame.index),
    )
    actor.run(frame)
    with contextlib.suppress(UnavailableError):  # the lease runs out by itself
        replay.release_actor(lease)


def build_groups(config: Config, replay: Replay, lease: ActorLease) -> list[Group]:
    """The actor's games, split into `actor.groups` groups of about the same size."""
    spec = task_spec(config.task.name, config.task.options)
    sizes = [len(part) for part in np.array_split(np.arange(config.actor.games), config.actor.groups)]
    numbers = EpisodeNumbers(replay, EPISODES_LEASED * config.actor.games)
    seeds = np.random.SeedSequence([config.run.seed, lease.actor, lease.incarnation]).spawn(len(sizes))
    return [
        Group(
            index,
            config,
            make_task(spec.name, games=games, seed=config.run.seed, options=config.task.options),
            Players(spec, config, games),
            Exploration(config.exploration, games, spec.slots, np.random.default_rng(seed)),
            numbers,
        )
        for index, (games, seed) in enumerate(zip(sizes, seeds, strict=True))
    ]
