"""The actor's loop: one group plays while the others wait for the coach."""

import itertools
import logging
import math
import time
from collections import deque
from collections.abc import Sequence

from actor.group import Group, Played
from actor.outbox import LOOK_SECONDS, Outbox
from copa.acting import epsilon_at
from copa.coaching import CoachClient
from copa.config.schema import Config
from copa.runtime import Process
from copa.tasks.base import Bools, Floats, View
from copa.telemetry import metrics
from copa.telemetry.journal import Journal
from copa.weights_follower import WeightsFollower

log = logging.getLogger(__name__)

RECENT_EPISODES = 200
"""Episodes over which the recent return is a mean."""

GAME_LOST = "game lost"
"""Reason for which the unfinished segment of a game that broke off is dropped."""

FLUSH_SECONDS = 3.0
"""Time for the last segments to reach Redis when the actor stops."""


class Actor:
    """Plays its groups in turn until the run is finished."""

    def __init__(
        self,
        config: Config,
        *,
        label: str,
        groups: Sequence[Group],
        coach: CoachClient | None,
        outbox: Outbox,
        follower: WeightsFollower,
        journal: Journal,
    ) -> None:
        self._config = config
        self._label = label
        self._groups = groups
        self._coach = coach
        self._outbox = outbox
        self._follower = follower
        self._journal = journal
        self._version = 0
        self._returns: deque[float] = deque(maxlen=RECENT_EPISODES)
        self._episodes = 0
        self._told = time.monotonic()
        for reason in ("actors ahead", "redis out of memory", "restoring", "stale weights"):
            metrics.LIMITER_WAIT.labels("actor", reason)
        metrics.COACH_DEADLINE.labels(label).set(config.coach.deadline)
        limit = config.actor.staleness_limit
        metrics.STALENESS_LIMIT.set(math.inf if limit is None else limit)

    def run(self, frame: Process) -> None:
        """Play until the run is finished or `frame.stopping` is set; what was played is pushed before it returns."""
        try:
            if not self._take_first_weights(frame):
                return
            for group in self._groups:
                self._ask(group)
            frame.ready()
            for group in itertools.cycle(self._groups):
                if self._over(frame):
                    break
                frame.beat()
                self._play(group)
                self._pace(frame)
                self._take_weights(frame)
                self._ask(group)
            for group in self._groups:
                self._hand_over(group.close())
        finally:
            dropped = self._outbox.close(FLUSH_SECONDS)
            if dropped is not None:
                self._journal.write(
                    self._outbox.admission.total_steps, {"dropped": dropped.segments, "reason": dropped.reason}
                )
            self._follower.close()
            if self._coach is not None:
                self._coach.close()
            self._journal.close()

    def _over(self, frame: Process) -> bool:
        return frame.stopping.is_set() or self._outbox.admission.finished

    @property
    def _epsilon(self) -> float:
        progress = self._outbox.admission.total_steps / self._config.run.steps
        return epsilon_at(self._config.exploration, progress)

    def _ask(self, group: Group) -> None:
        group.begin(self._epsilon)
        if self._coach is not None:
            self._coach.ask(group.index, group.coach_steps, group.asked(), group.arrived)

    def _play(self, group: Group) -> None:
        strategies: Floats | None = None
        coach_version = 0
        deadline = self._config.coach.deadline
        missed = metrics.COACH_DEADLINE_MISSED.labels(self._label)
        if self._coach is not None:
            began = time.monotonic()
            if self._coach.collect(group.index, deadline) is None:
                missed.inc()
            metrics.COACH_WAIT.labels(self._label).inc(time.monotonic() - began)
            strategies = self._coach.held(group.index)
            coach_version = self._coach.version(group.index)

        def advise(view: View, newcomers: Bools) -> Floats:
            assert self._coach is not None
            if not self._coach.advise(group.index, view, newcomers, deadline):
                missed.inc()
            return self._coach.held(group.index)

        epsilon = self._epsilon
        self._hand_over(group.play(strategies, advise, epsilon, self._version, coach_version))

    def _hand_over(self, played: Played | None) -> None:
        if played is not None:
            self._outbox.put(played)
            self._tell(played)

    def _drop(self, games: int) -> None:
        """Say that so many games broke off, each with an unfinished segment."""
        metrics.SEGMENTS_DROPPED.labels(self._label, GAME_LOST).inc(games)
        self._journal.write(self._outbox.admission.total_steps, {"dropped": games, "reason": GAME_LOST})
        log.warning("%d games broke off; their unfinished segments are dropped, and other episodes begin", games)

    def _take_first_weights(self, frame: Process) -> bool:
        published = self._follower.wait_first(frame.stopping)
        if published is None:
            return False
        self._version = published.version
        for group in self._groups:
            group.players.load(published.tensors)
        return True

    def _take_weights(self, frame: Process) -> None:
        limit = self._config.actor.staleness_limit
        if limit is not None:
            self._wait_fresh(limit, frame)
        published = self._follower.take()
        if published is not None:
            self._version = published.version
            for group in self._groups:
                group.players.load(published.tensors)

    def _wait_fresh(self, limit: float, frame: Process) -> None:
        """Wait while the weights are older than `limit` seconds and no look has shown that there are no newer ones.

        Nothing is played meanwhile, so nothing stale is ever recorded, and nothing has to be dropped.
        """
        while not self._over(frame):
            began = time.monotonic()
            if self._follower.confirm_fresh(limit, LOOK_SECONDS):
                return
            self._waited("stale weights", began, frame)

    def _pace(self, frame: Process) -> None:
        """Wait as long as the limiter says that actors are ahead of the learner."""
        while (admission := self._outbox.admission).wait_seconds > 0.0 and not self._over(frame):
            began = time.monotonic()
            frame.stopping.wait(min(admission.wait_seconds, LOOK_SECONDS))
            self._waited(admission.reason, began, frame)

    def _waited(self, reason: str, began: float, frame: Process) -> None:
        metrics.LIMITER_WAIT.labels("actor", reason).inc(time.monotonic() - began)
        frame.beat()
        self._outbox.check()

    def _tell(self, played: Played) -> None:
        metrics.ENV_STEPS.labels(self._label).inc(played.steps)
        epsilon = self._epsilon
        metrics.EPSILON.labels(self._label).set(epsilon)
        for value in played.returns:
            metrics.EPISODE_RETURN.labels(self._label).observe(float(value))
        metrics.EPISODES.labels(self._label).inc(len(played.returns))
        if played.lost:
            self._drop(played.lost)
        self._returns.extend(float(value) for value in played.returns)
        self._episodes += len(played.returns)
        if len(played.returns):
            metrics.EPISODE_RETURN_RECENT.labels(self._label).set(sum(self._returns) / len(self._returns))
        now = time.monotonic()
        if self._returns and now - self._told >= self._config.learner.log_seconds:
            self._told = now
            self._journal.write(
                self._outbox.admission.total_steps,
                {
                    "episodes": self._episodes,
                    "return_mean": sum(self._returns) / len(self._returns),
                    "epsilon": epsilon,
                    "version": self._version,
                },
            )
