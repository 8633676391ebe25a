"""The loop of an actor beside a real Redis, with a learner that only publishes and a coach that is away."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from actor.episodes import EpisodeNumbers
from actor.group import Group
from actor.loop import Actor
from actor.outbox import Outbox
from copa.acting import Exploration, Players
from copa.assembly import open_replay, record_layout
from copa.coaching import CoachClient
from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.learning import UpdateRule
from copa.replay import ActorLease
from copa.replay.server import RunningServer, running
from copa.runtime import Process
from copa.segments import Segments
from copa.tasks import make_task
from copa.tasks.base import Task
from copa.tasks.starcraft import ZealotsAndStalkers
from copa.telemetry import metrics
from copa.telemetry.journal import Journal
from copa.weights import WeightStore
from copa.weights_follower import WeightsFollower
from tests.coach.parts import wait_until
from tests.tasks.starcraft.recorded import Recorded

GAMES = 4


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with running() as server:
        yield server


def settings(
    server: RunningServer, folder: Path, method: str, task: str = "resource_collection", **actor: object
) -> Config:
    return Config.model_validate(
        {
            "run": {"folder": folder, "steps": 10**9},
            "telemetry": {"tensorboard": False},
            "method": {"name": method},
            "task": {"name": task},
            "nets": {"width": 8, "heads": 2},
            "actor": {"games": GAMES, "groups": 1, "pull_seconds": 0.1, **actor},
            "coach": {"address": f"unix:{folder / 'nobody'}", "deadline": 0.2},
            "redis": {"url": server.url, "patience": 20.0},
            "replay": {"capacity": 5000, "minimum": 10, "free_running": True},
        }
    )


def collecting(team: str = "train") -> Task:
    return make_task("resource_collection", games=GAMES, seed=0, team=team)


class Playing:
    """An actor at work on a thread, and what can be seen of it."""

    def __init__(self, frame: Process, lease: ActorLease, actor: Actor, group: Group) -> None:
        self.frame = frame
        self.group = group
        self.label = str(lease.actor)
        self._thread = threading.Thread(target=self._run, args=(actor,), daemon=True)
        self._thread.start()

    def _run(self, actor: Actor) -> None:
        try:
            actor.run(self.frame)
        except UnavailableError:
            assert self.frame.stopping.is_set()

    def plays(self) -> bool:
        before = self.group.coach_steps
        time.sleep(0.1)
        return self.group.coach_steps > before

    def stop(self) -> None:
        self.frame.stopping.set()
        self._thread.join(10.0)
        assert not self._thread.is_alive()


@contextmanager
def playing(config: Config, task: Task) -> Iterator[Playing]:
    replay = open_replay(config)
    replay.claim("test")
    lease = replay.lease_actor()
    spec = task.spec
    rule = UpdateRule(spec, config, torch.device("cpu"))
    WeightStore(config.redis, config.run.name).publish(rule.weights(), updates=1)
    group = Group(
        0,
        config,
        task,
        Players(spec, config, GAMES),
        Exploration(config.exploration, GAMES, spec.slots, np.random.default_rng(0)),
        EpisodeNumbers(replay, 10_000),
    )
    frame = Process("actor", 0)
    actor = Actor(
        config,
        label=str(lease.actor),
        groups=[group],
        coach=CoachClient(config.coach.address, config) if config.method.name == "copa" else None,
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
        journal=Journal(config, "actor", 0),
    )
    at_work = Playing(frame, lease, actor, group)
    try:
        yield at_work
    finally:
        at_work.stop()


def stored(config: Config) -> Segments:
    """Every segment of the replay."""
    replay = open_replay(config)
    return replay.layout.decode_intact(replay.read(np.arange(replay.stats().segments)))


def waited(reason: str) -> float:
    return float(metrics.LIMITER_WAIT.labels("actor", reason)._value.get())


def test_weights_over_the_limit_are_played_only_while_they_are_the_newest(
    server: RunningServer, tmp_path: Path
) -> None:
    config = settings(server, tmp_path, "aqmix", staleness_limit=0.5)
    with playing(config, collecting()) as actor:
        time.sleep(1.0)
        wait_until(actor.plays)
        server.kill()
        wait_until(lambda: not actor.plays())
        before = waited("stale weights")
        wait_until(lambda: waited("stale weights") > before + 0.5)
        assert actor.frame.health.stalled_seconds < 2.0
        server.start()
        wait_until(actor.plays)
        server.kill()
        wait_until(lambda: not actor.plays())
        actor.stop()


def test_a_stop_inside_a_segment_loses_nothing_that_was_played(server: RunningServer, tmp_path: Path) -> None:
    config = settings(server, tmp_path, "aqmix", pull_seconds=60.0)
    config = config.model_copy(update={"learning": config.learning.model_copy(update={"periods": 36})})
    with playing(config, collecting()) as actor:
        wait_until(lambda: actor.group.coach_steps >= 2)
        actor.stop()
        played = GAMES * config.method.T * (actor.group.coach_steps - 1)
    assert 0 < played < GAMES * 144
    assert open_replay(config).stats().steps == played
    segments = stored(config)
    assert segments.lengths.sum() == played
    assert segments.actions.shape[1] == 144


def test_what_is_dropped_is_in_the_journal(server: RunningServer, tmp_path: Path) -> None:
    config = settings(server, tmp_path, "aqmix")
    with playing(config, collecting()) as actor:
        wait_until(actor.plays)
        server.kill()
        wait_until(actor.plays)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["dropped"] > 0
    assert lines[-1]["reason"] == "redis unavailable"


def test_an_actor_whose_battles_are_lost_carries_on_and_drops_what_was_unfinished(
    server: RunningServer, tmp_path: Path
) -> None:
    """Every third episode breaks off in step 5: of those the replay has the first segment and no more."""
    config = settings(server, tmp_path, "aqmix", task="starcraft/3-8sz")
    engine = Recorded(GAMES, crashes=dict.fromkeys(range(0, 100_000, 3), 5))
    with playing(config, ZealotsAndStalkers(games=GAMES, seed=0, engine=engine)) as actor:
        dropped = metrics.SEGMENTS_DROPPED.labels(actor.label, "game lost")._value
        before = dropped.get()
        wait_until(lambda: dropped.get() >= before + 6)
        wait_until(actor.plays)
        assert metrics.EPISODES.labels(actor.label)._value.get() > 0
    kept = stored(config)
    broken = kept.episodes % 3 == 0
    assert broken.sum() >= 6
    assert (kept.first_steps[broken] == 0).all()
    assert (kept.lengths[broken] == 4).all()
    assert not (kept.terminated | kept.episode_end)[broken].any()
    assert kept.episode_end[~broken].any()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert sum(line.get("dropped", 0) for line in lines if line.get("reason") == "game lost") == dropped.get() - before


def test_without_a_coach_every_question_is_a_missed_deadline_and_play_goes_on(
    server: RunningServer, tmp_path: Path
) -> None:
    config = settings(server, tmp_path, "copa")
    with playing(config, collecting("varying")) as actor:
        missed = metrics.COACH_DEADLINE_MISSED.labels(actor.label)._value
        before = missed.get()
        wait_until(lambda: actor.group.coach_steps > 200)
        actor.stop()
        assert missed.get() > before + actor.group.coach_steps, "agents that join are asked for, too"
