"""What a running system did within some seconds, from two looks at its processes' metrics."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from copa.supervisor.ask import fetch
from copa.supervisor.counters import Counters, parse


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares are of the time of one process of the role, 0..1; 0 where nothing was seen."""

    actors: int = 0
    """Actors that answered."""
    learners: int = 0
    coaches: int = 0
    steps: float = 0.0
    """Environment steps per second, all actors together."""
    updates: float = 0.0
    """Updates per second."""
    actor_waits: Mapping[str, float] = field(default_factory=dict)
    """Share of their time that actors wait for the limiter, by its reason."""
    learner_waits: Mapping[str, float] = field(default_factory=dict)
    """The same of the learner."""
    coach_wait: float = 0.0
    """Share of an actor's time in which play stands still for strategies."""
    outbox_wait: float = 0.0
    """Share of an actor's time in which play stands still for Redis."""
    missed: float = 0.0
    """Strategies per second that came too late."""
    updating: float = 0.0
    """Share of the learner's time in updates."""
    sampling: float = 0.0
    """Share of the time of the learner's thread that draws batches, without the limiter."""
    gpu: float | None = None
    """Share of the time in which the learner's GPU computes."""
    redis_failures: float = 0.0
    """Commands per second that Redis did not carry out."""
    finished: bool = False
    """All environment steps are played."""
    ended: bool = False
    """All processes that answered at first had gone at the end."""


def watch(urls: Mapping[str, str], seconds: float, pause: Callable[[float], None] = time.sleep) -> Rates:
    """Look at the processes at `urls` (base URL by name, as `actor-0`) twice, `seconds` apart."""
    counters = Counters()
    answered: set[str] = set()
    for last in (False, True):
        before, answered = answered, set()
        for name, url in urls.items():
            text = fetch(url + "/metrics")
            if text is None:
                continue
            answered.add(name)
            counters.put(name, name, parse(text))
        counters.mark(time.monotonic())
        if not last:
            pause(seconds)
    if before and not answered:
        return Rates(ended=True)
    return _rates(counters, answered)


def _rates(counters: Counters, answered: set[str]) -> Rates:
    count = {role: sum(name.startswith(role) for name in answered) for role in ("actor", "learner", "coach")}
    actors = max(1, count["actor"])

    def waits(side: str, processes: int) -> dict[str, float]:
        reasons = counters.by_label("copa_limiter_wait_seconds_total", "reason")
        shares = {
            reason: counters.rate("copa_limiter_wait_seconds_total", side=side, reason=reason) / processes
            for reason in reasons
        }
        return {reason: min(1.0, share) for reason, share in shares.items() if share > 0}

    gpus = counters.gauges("copa_gpu_utilization_ratio").values()
    planned = max(counters.gauges("copa_run_planned_env_steps").values(), default=0.0)
    played = max(counters.gauges("copa_run_env_steps").values(), default=0.0)
    return Rates(
        actors=count["actor"],
        learners=count["learner"],
        coaches=count["coach"],
        steps=counters.rate("copa_env_steps_total"),
        updates=counters.rate("copa_updates_total"),
        actor_waits=waits("actor", actors),
        learner_waits=waits("learner", 1),
        coach_wait=min(1.0, counters.rate("copa_coach_wait_seconds_total") / actors),
        outbox_wait=min(1.0, counters.rate("copa_outbox_wait_seconds_total") / actors),
        missed=counters.rate("copa_coach_deadline_missed_total"),
        updating=min(1.0, counters.rate("copa_update_seconds_sum")),
        sampling=min(1.0, counters.rate("copa_sample_seconds_sum")),
        gpu=sum(gpus) / len(gpus) if gpus else None,
        redis_failures=counters.rate("copa_redis_failures_total"),
        finished=0 < planned <= played,
    )
