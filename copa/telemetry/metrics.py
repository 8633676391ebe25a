"""Every Prometheus metric, once: name, meaning, unit, labels.

One process serves one port; there are no multi-process files and no labels without a bound.
"""

from prometheus_client import Counter, Gauge, Histogram, Info

_SECONDS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0, 2.0, 4.0, 8.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
_RETURNS = (-50, -20, -10, 0, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 260, 300)

BUILD = Info("copa_build", "Version of COPA and of what it runs on.")

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
COACH_DEADLINE_MISSED = Counter(
    "copa_coach_deadline_missed_total", "Requests whose strategies came too late or not at all.", ["actor"]
)

REPLAY_SEGMENTS = Gauge("copa_replay_segments", "Segments in the replay.")
REPLAY_BYTES = Gauge("copa_replay_bytes", "Bytes of memory that Redis uses.")
REPLAY_LOST_SEGMENTS = Gauge("copa_replay_lost_segments", "Segments pushed that a restart of Redis lost, so far.")
REPLAY_CORRUPT_RECORDS = Counter("copa_replay_corrupt_records_total", "Damaged records that draws have skipped.")
LIMITER_WAIT = Counter("copa_limiter_wait_seconds_total", "Time spent waiting for the limiter.", ["side", "reason"])

STRATEGIES_ELIGIBLE = Counter(
    "copa_strategies_eligible_total", "Strategies computed for agents present at a coach step."
)
STRATEGIES_SENT = Counter("copa_strategies_sent_total", "Strategies that travelled.")
STRATEGY_BYTES = Counter("copa_strategy_bytes_total", "Bytes of strategies that travelled.")
COACH_REQUESTS = Counter("copa_coach_requests_total", "Requests by gRPC status code.", ["code"])
COACH_REQUEST_SECONDS = Histogram(
    "copa_coach_request_seconds", "Time from a request's arrival to its reply.", buckets=_SECONDS
)
COACH_BATCH_ROWS = Histogram("copa_coach_batch_rows", "Games in one forward pass.", buckets=_ROWS)
COACH_PACED_SECONDS = Counter(
    "copa_coach_paced_seconds_total", "Time for which streams that asked too fast were held back."
)
COACH_STREAMS = Gauge("copa_coach_streams", "Open streams of actors.")

UPDATES = Counter("copa_updates_total", "Learner updates.")
UPDATE_SECONDS = Histogram("copa_update_seconds", "Time of an update, without waiting for its batch.", buckets=_SECONDS)
SAMPLE_SECONDS = Histogram(
    "copa_sample_seconds", "Time to draw and decode a batch, without the limiter.", buckets=_SECONDS
)
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

EVAL_RETURN = Gauge("copa_eval_return", "Mean return of held-out episodes, without exploration.", ["team"])
