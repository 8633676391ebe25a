"""Every Prometheus metric, once: name, meaning, unit, labels, and which processes have it.

One process serves one port; there are no multi-process files and no labels without a bound. Labels whose values are
known beforehand exist from the start, with 0, so that the first event shows as an increase.
"""

import math

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0, 8.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
_RETURNS = (-50, -20, -10, 0, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 260, 300)

BUILD = Info("copa_build", "Version of COPA and of what it runs on.")
LOOP_IDLE = Gauge("copa_loop_idle_seconds", "Time since the main loop last went round.")
REDIS_UP = Gauge("copa_redis_up", "Whether Redis carried out this process's latest command: 1, 0, or NaN before any.")
REDIS_FAILURES = Counter("copa_redis_failures_total", "Commands that Redis did not carry out, by reason.", ["reason"])
for _reason in ("unreachable", "disk", "refused", "out of memory"):
    REDIS_FAILURES.labels(_reason)

ENV_STEPS = Counter("copa_env_steps_total", "Environment steps played by this actor.", ["actor"])
EPISODES = Counter("copa_episodes_total", "Episodes finished by this actor.", ["actor"])
EPISODE_RETURN = Histogram(
    "copa_episode_return", "Team reward of an episode, exploration on.", ["actor"], buckets=_RETURNS
)
EPISODE_RETURN_RECENT = Gauge(
    "copa_episode_return_recent", "Mean team reward of this actor's last 200 episodes, exploration on.", ["actor"]
)
SEGMENTS_ACKNOWLEDGED = Counter("copa_segments_acknowledged_total", "Segments that Redis has.", ["actor"])
SEGMENTS_UNACKNOWLEDGED = Gauge("copa_segments_unacknowledged", "Segments kept until Redis has them.", ["actor"])
SEGMENTS_DROPPED = Counter("copa_segments_dropped_total", "Segments given up, by reason.", ["actor", "reason"])
EPSILON = Gauge("copa_epsilon", "Share of random actions.", ["actor"])
COACH_WAIT = Counter("copa_coach_wait_seconds_total", "Time in which play stood still for strategies.", ["actor"])
COACH_DEADLINE = Gauge("copa_coach_deadline_seconds", "Longest that play stands still for strategies.", ["actor"])
OUTBOX_WAIT = Counter(
    "copa_outbox_wait_seconds_total", "Time in which play stood still for Redis to acknowledge segments.", ["actor"]
)
STALENESS_LIMIT = Gauge(
    "copa_weights_staleness_limit_seconds", "Age of weights from which newer ones are waited for; +Inf for none."
)
COACH_DEADLINE_MISSED = Counter(
    "copa_coach_deadline_missed_total", "Requests whose strategies came too late or not at all.", ["actor"]
)

REPLAY_SEGMENTS = Gauge("copa_replay_segments", "Segments in the replay.")
REPLAY_CAPACITY = Gauge("copa_replay_capacity_segments", "Segments that the replay can hold.")
REPLAY_BYTES = Gauge("copa_replay_bytes", "Bytes of memory that Redis uses.")
REPLAY_LIMIT = Gauge(
    "copa_replay_limit_bytes", "Bytes of memory that Redis may use: its maxmemory, or what the machine has."
)
REPLAY_ACTORS = Gauge("copa_replay_actors", "Actors whose lease in Redis is alive.")
REDIS_RESTARTS = Gauge("copa_redis_restarts", "Times that Redis came back as another process, in this run.")
RUN_STEPS = Gauge("copa_run_env_steps", "Environment steps of the whole run, as Redis counts them.")
RUN_STEPS_PLANNED = Gauge("copa_run_planned_env_steps", "Environment steps at which the run is finished.")
REPLAY_LOST_SEGMENTS = Gauge("copa_replay_lost_segments", "Segments pushed that a restart of Redis lost, so far.")
REPLAY_CORRUPT_RECORDS = Counter("copa_replay_corrupt_records_total", "Damaged records that draws have skipped.")
LIMITER_WAIT = Counter("copa_limiter_wait_seconds_total", "Time spent waiting for the limiter.", ["side", "reason"])
LIMITER_OWED = Gauge("copa_limiter_owed_updates", "Updates by which learning is behind play; below 0 it is ahead.")
LIMITER_TOLERANCE = Gauge("copa_limiter_tolerance_updates", "Updates by which play or learning may be ahead.")

STRATEGIES_ELIGIBLE = Counter(
    "copa_strategies_eligible_total", "Strategies computed for agents present at a coach step."
)
STRATEGIES_SENT = Counter("copa_strategies_sent_total", "Strategies that travelled.")
STRATEGY_BYTES = Counter("copa_strategy_bytes_total", "Bytes of strategies that travelled.")
COACH_REQUESTS = Counter("copa_coach_requests_total", "Requests by gRPC status code.", ["code"])
for _code in (
    "OK",
    "CANCELLED",
    "INVALID_ARGUMENT",
    "UNAUTHENTICATED",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "INTERNAL",
):
    COACH_REQUESTS.labels(_code)
COACH_REQUEST_SECONDS = Histogram(
    "copa_coach_request_seconds", "Time from a request's arrival to its reply.", buckets=_SECONDS
)
COACH_BATCH_ROWS = Histogram("copa_coach_batch_rows", "Games in one forward pass.", buckets=_ROWS)
COACH_INTERVAL = Gauge("copa_coach_interval_steps", "Environment steps from one coach step to the next (T).")
COACH_PACED_SECONDS = Counter(
    "copa_coach_paced_seconds_total", "Time for which streams that asked too fast were held back."
)
COACH_STREAMS = Gauge("copa_coach_streams", "Open streams of actors.")

UPDATES = Counter("copa_updates_total", "Learner updates.")
UPDATE_SECONDS = Histogram("copa_update_seconds", "Time of an update, without waiting for its batch.", buckets=_SECONDS)
SAMPLE_SECONDS = Histogram(
    "copa_sample_seconds", "Time to draw and decode a batch, without the limiter.", buckets=_SECONDS
)
SEGMENTS_SAMPLED = Counter("copa_segments_sampled_total", "Segments drawn from the replay.")
BATCH_WAIT = Counter("copa_batch_wait_seconds_total", "Time the update waited for its batch.")
LOSS = Gauge("copa_loss", "Latest loss by part.", ["part"])
GRAD_NORM = Gauge("copa_grad_norm", "Latest gradient norm before clipping, by group.", ["group"])

WEIGHTS_VERSION = Gauge("copa_weights_version", "Version of the weights in use (learner: published last).")
WEIGHTS_LOOKED = Gauge(
    "copa_weights_looked_timestamp_seconds", "Unix time at which the source of weights answered last."
)
STALENESS_VERSIONS = Histogram(
    "copa_weights_staleness_versions", "Versions between the newest weights and a batch's, on average.", buckets=_ROWS
)
STALENESS_SECONDS = Gauge("copa_weights_staleness_seconds", "Age of the weights in use.")

EVAL_OUTCOME = Gauge(
    "copa_eval_outcome",
    "Mean over held-out episodes of what the task says of them: battle_won (a share), caught_per_episode (a number).",
    ["team", "outcome"],
)
GPU_MEMORY = Gauge("copa_gpu_memory_bytes", "Memory of the GPU that the learner's PyTorch holds.", ["device"])
GPU_MEMORY_TOTAL = Gauge("copa_gpu_memory_total_bytes", "Memory of the learner's GPU.", ["device"])
GPU_UTILIZATION = Gauge("copa_gpu_utilization_ratio", "Share of the time in which the GPU computes.", ["device"])

EVAL_RETURN = Gauge("copa_eval_return", "Mean return of held-out episodes, without exploration.", ["team"])

_TOLD_BY_REDIS = (
    *(RUN_STEPS, RUN_STEPS_PLANNED, REDIS_RESTARTS, LIMITER_OWED, LIMITER_TOLERANCE),
    *(REPLAY_SEGMENTS, REPLAY_CAPACITY, REPLAY_BYTES, REPLAY_LIMIT, REPLAY_ACTORS, REPLAY_LOST_SEGMENTS),
)
for _gauge in (REDIS_UP, *_TOLD_BY_REDIS):
    _gauge.set(math.nan)

_EVERY = (BUILD, LOOP_IDLE, REDIS_UP, REDIS_FAILURES, WEIGHTS_VERSION)
_FOLLOWER = (WEIGHTS_LOOKED, STALENESS_SECONDS)
_RUN = (RUN_STEPS, RUN_STEPS_PLANNED)

OF_ROLE = {
    "actor": (
        *_EVERY,
        *_FOLLOWER,
        *(ENV_STEPS, EPISODES, EPISODE_RETURN, EPISODE_RETURN_RECENT, EPSILON, STALENESS_LIMIT),
        *(SEGMENTS_ACKNOWLEDGED, SEGMENTS_UNACKNOWLEDGED, SEGMENTS_DROPPED),
        *(LIMITER_WAIT, OUTBOX_WAIT, COACH_WAIT, COACH_DEADLINE, COACH_DEADLINE_MISSED),
    ),
    "coach": (
        *_EVERY,
        *_FOLLOWER,
        *(STRATEGIES_ELIGIBLE, STRATEGIES_SENT, STRATEGY_BYTES, COACH_INTERVAL),
        *(COACH_REQUESTS, COACH_REQUEST_SECONDS, COACH_BATCH_ROWS, COACH_STREAMS, COACH_PACED_SECONDS),
    ),
    "learner": (
        *_EVERY,
        *_RUN,
        *(UPDATES, UPDATE_SECONDS, SAMPLE_SECONDS, SEGMENTS_SAMPLED, BATCH_WAIT, LOSS, GRAD_NORM, STALENESS_VERSIONS),
        *(REPLAY_SEGMENTS, REPLAY_CAPACITY, REPLAY_BYTES, REPLAY_LIMIT, REPLAY_ACTORS, REPLAY_LOST_SEGMENTS),
        *(REPLAY_CORRUPT_RECORDS, REDIS_RESTARTS, LIMITER_WAIT, LIMITER_OWED, LIMITER_TOLERANCE),
        *(GPU_MEMORY, GPU_MEMORY_TOTAL, GPU_UTILIZATION),
    ),
    "evaluator": (*_EVERY, *_FOLLOWER, *_RUN, EVAL_RETURN, EVAL_OUTCOME),
}
"""What each role serves: a metric that a process cannot know is not there, one that it does not know yet is NaN."""


def registry_of(role: str) -> CollectorRegistry:
    """The metrics of a process of `role`, and what the client library says of any process."""
    registry = CollectorRegistry(auto_describe=True)
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    for metric in OF_ROLE[role]:
        registry.register(metric)
    return registry
