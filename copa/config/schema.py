"""Every setting, once: its type, default, unit and meaning.

Field defaults are the paper's (Table 3) wherever the paper states one; presets are differences from them.
A setting's environment variable and flag follow from its place: `replay.capacity` is
`COPA_REPLAY_CAPACITY` and `--replay.capacity`.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]


class Section(BaseModel):
    """Settings that belong together; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True)


class RunSettings(Section):
    """Which run this is."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] = "copa"
    """Name of the run; its keys in Redis begin with `copa:{name}:`."""
    folder: Path | None = None
    """The run's folder; when not set `runs/<name>-<time>` for `copa train`, `runs/<name>` for a learner alone."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Seed of games, networks and exploration."""
    steps: Positive = 5_000_000
    """Environment steps of the run, over all actors."""


class TaskSettings(Section):
    """What is played."""

    name: str = "resource_collection"
    """Name of a task; `copa tasks` lists them."""
    options: dict[str, str | int | float | bool] = {}
    """The task's own options, checked by the task."""


class MethodSettings(Section):
    """Who decides what."""

    name: str = "copa"
    """Name of a method; `copa methods` lists them."""
    T: Annotated[int, Field(ge=1, le=256)] = 4
    """Steps between two strategies of the coach."""
    imagined_weight: Fraction = 0.5
    """`refil`: weight of the imagined temporal-difference loss; the real one has the rest."""
    refil_split: Literal["entities", "both"] = "entities"
    """`refil`: groups of entities alone, by fair coins (published); or of agents too, by coins whose bias is drawn for
    each segment (REFIL)."""


class NetSettings(Section):
    """Shapes and forms of the networks."""

    width: Positive = 128
    """Hidden width of all networks, and length of a strategy."""
    matched: bool = False
    """A method without a coach takes the width at which its player has as many parameters as copa's player and coach
    together have at `nets.width`; the paper's authors took 165 for 128."""
    heads: Positive = 4
    """Attention heads; each has the full width, and heads are averaged."""
    attention: Literal["published", "masked"] = "published"
    """`published`: softmax over all rows, then masked; `masked`: a true masked softmax."""
    attention_norm: bool = False
    """LayerNorm on encoded rows and on the attention's output."""
    attention_skip: bool = False
    """A linear path from an agent's own encoded row to the attention's output."""
    memory: Literal["published", "gru"] = "published"
    """What the player carries to the next step: the MLP's output (published), or the GRU's (the paper)."""
    memory_span: Literal["episode", "segment"] = "episode"
    """How long the player remembers while acting: the episode, or as long as a segment is (method.T times
    learning.periods steps)."""
    strategy_input: Literal["concat", "hyper"] = "concat"
    """How a strategy enters the player: beside the GRU's output, or as weights of the last layer (the paper)."""
    mixer: Literal["published", "scaled", "sum"] = "published"
    """`published`: weights of a softmax; `scaled`: the first of them times the width; `sum`: a plain sum."""
    logvar_start: float | None = None
    """First value of the coach's log-variance bias; a random one when not set."""


class LearningSettings(Section):
    """The learning rule."""

    gamma: Fraction = 0.99
    """Discount per step."""
    td_lambda: Fraction = 0.0
    """Lambda-return inside a segment; 0 is the one-step target."""
    double_q: bool = False
    """Choose the bootstrap's action with the online player."""
    reward_scale: PositiveFloat | None = 1.0
    """Rewards are multiplied by this before they enter the loss; `none`: by 1 over the root mean square of the rewards
    seen that are not zero."""
    optimizer: Literal["rmsprop", "adam"] = "rmsprop"
    """Optimiser of both groups, {player, mixer} and {coach, posterior}."""
    lr: PositiveFloat = 3e-4
    """Learning rate at the start."""
    lr_end: Fraction = 1.0
    """Learning rate at the end as a share of the first; falls linearly with the run's steps."""
    rmsprop_alpha: Fraction = 0.99
    """Smoothing of RMSprop."""
    optimizer_eps: PositiveFloat = 1e-5
    """Term that keeps the optimiser's division finite."""
    periods: Annotated[int, Field(ge=1, le=64)] = 1
    """Coach steps in a segment, which has method.T times as many steps."""
    hold: Fraction = 0.0
    """Probability that a player keeps the strategy it holds at a coach step inside a segment, as it will where the
    coach is silent; it needs `learning.periods` above 1, and does nothing without a coach."""
    hold_from: Fraction = 0.0
    """Share of run.steps after which `hold` begins; before players are told everything, which teaches faster. Nothing
    where `hold` is 0. A run that is made longer may come to be before it again."""
    batch: Positive | None = None
    """Segments per update; when not set 256 without a coach, round(256 * 8 / T) with one, for segments of one coach
    step."""
    steps_per_update: Positive = 100
    """Environment steps played for each update."""
    clip: PositiveFloat = 10.0
    """Largest gradient norm, for each group."""
    target_every: Positive = 200
    """Updates between two copies into the target networks, when `target_rate` is not set."""
    target_rate: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    """Share by which target networks follow at every update, instead of copies."""
    averaging_rate: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share by which averages of the weights follow the learned ones at every update; 1 takes the learned ones
    themselves. Actors play with the learned weights; evaluations, exports and all else that plays a checkpoint with
    the averages, which are over about the last 1 / averaging_rate updates, and over all of them at first."""
    lambda1: NonNegative = 1e-3
    """Weight of the variational objective's likelihood."""
    lambda2: NonNegative = 1e-4
    """Weight of the coach's entropy."""
    average: Literal["published", "present"] = "published"
    """Means of the variational objective over all slots (published), or over those present; no matter of weights."""
    joiner: Literal["published", "fresh"] = "fresh"
    """Strategy of an agent that joins inside a segment: its empty slot's (published), or its own."""
    segment_start: Literal["zeros", "stored"] = "zeros"
    """The player's memory at a segment's first step: zeros, or the acting state, which is then stored."""
    flush_denormals: bool = False
    """Treat denormal numbers as zero (faster on some processors)."""


class ExplorationSettings(Section):
    """How actors explore."""

    start: Fraction = 1.0
    """Epsilon at step 0."""
    end: Fraction = 0.05
    """Epsilon at the end of the schedule."""
    fraction: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of the run's steps over which epsilon falls, exponentially."""
    form: Literal["steps", "stretches"] = "steps"
    """Random actions at single steps, or in stretches of steps that keep epsilon's share of the time."""
    stretch: PositiveFloat = 6.0
    """Mean length of a stretch, in steps."""
    repeat: Fraction = 0.5
    """Within a stretch, probability that the random action is repeated."""


class ReplaySettings(Section):
    """The replay ring and its limiter."""

    capacity: Positive = 100_000
    """Segments kept."""
    minimum: Positive = 1_000
    """Segments there must be before the first batch is drawn; a larger batch waits until it can be filled."""
    rewarded_share: Fraction = 0.0
    """Share of a batch drawn from segments that contain a positive reward; 0 is a uniform draw."""
    priority: Fraction = 0.0
    """Exponent of a segment's error in its chance to be drawn; 0 is a uniform draw."""
    importance: Fraction = 0.4
    """With `priority`, how far segments that are drawn oftener than uniformly count less; 1 evens it out."""
    tolerance: PositiveFloat | None = None
    """How far actors or learner may run ahead of the ratio of play and learning, in updates; when not set 4, or what
    one push of every actor comes to where that is more."""
    free_running: bool = False
    """Let actors and learner run as fast as they can, ignoring `learning.steps_per_update`."""
    prefetch: Annotated[int, Field(ge=1, le=16)] = 2
    """Batches drawn ahead of the update."""
    checkpoint: bool = False
    """Export the whole replay beside every checkpoint, so that an empty Redis can be refilled."""
    max_bytes: Positive = 4 * 2**30
    """Refuse a ring that would need more memory than this, in bytes."""

    def needed(self, batch: int) -> int:
        """Segments there must be before the first batch of `batch` segments is drawn."""
        return max(self.minimum, batch)


class TlsFiles(Section):
    """Files (PEM) of one side of a connection with TLS."""

    ca_file: Path | None = None
    """Authorities that the other side's certificate must come from; when not set a client believes the system's."""
    certificate_file: Path | None = None
    """Certificate that this process shows, and those between it and its authority."""
    key_file: Path | None = None
    """Private key of that certificate."""


class RedisSettings(TlsFiles):
    """Where Redis is, and as whom to go there."""

    url: str | None = None
    """`redis://`, `rediss://` (TLS) or `unix://`; `REDIS_URL` is read too; `copa train` starts one when not set."""
    shards: tuple[str, ...] = ()
    """URLs of further servers that share the segments, in the same order everywhere; `redis.url` keeps the counters and
    weights. When empty it keeps the segments too. User, password and TLS are the same for all."""
    username: str | None = None
    """User of Redis, of its access control list; the default user when not set."""
    password_file: Path | None = None
    """File with the password, so that it appears in no argument list."""
    timeout: PositiveFloat = 5.0
    """Seconds to wait for an answer."""
    patience: PositiveFloat = 60.0
    """Seconds for which a process tries to reach a Redis that went away before it gives up."""


class CoachSettings(TlsFiles):
    """The coach service, and how actors use it."""

    address: str = "127.0.0.1:50051"
    """Where the service listens and actors find it: `host:port` or `unix:PATH`."""
    transport: Literal["plain", "tls", "mutual"] = "plain"
    """`tls`: the service shows a certificate; `mutual`: actors show theirs too."""
    token_file: Path | None = None
    """File with the token that callers must bring; the service takes any of its lines, actors send the first."""
    beta: NonNegative = 0.0
    """A strategy travels only when it moved by more than this (L2), or, where `copa need` has made the coach foretell
    it, is needed by more than this; above 0 it must not be sampled."""
    deadline: PositiveFloat = 1.0
    """Seconds an actor waits for strategies before its players go on with those they hold."""
    batch_rows: Positive = 512
    """Most games in one forward pass."""
    batch_wait: NonNegative = 0.002
    """Seconds for which a request waits for others."""
    message_bytes: Positive = 64 * 2**20
    """Largest message."""
    stream_requests: PositiveFloat = 4_000.0
    """Requests per second that one stream may make; what comes faster waits, and holds up no other stream."""
    stream_rows: PositiveFloat = 100_000.0
    """Games per second for which one stream may ask; what comes faster waits."""
    insecure: bool = False
    """Allow the service to listen, and tokens to travel, beyond loopback without protection."""


class ActorSettings(Section):
    """Actor processes."""

    count: Positive = 1
    """Actors that `copa train` starts."""
    games: Positive = 8
    """Games per actor, played in lockstep groups."""
    groups: Annotated[int, Field(ge=1, le=64)] = 2
    """Groups the games are split into; one steps while another waits for the coach."""
    threads: Positive = 1
    """Threads of tensor arithmetic."""
    pull_seconds: PositiveFloat = 1.0
    """Least time between two looks for newer weights, in seconds."""
    unacknowledged: Positive = 20_000
    """Segments an actor keeps while Redis does not acknowledge them; it waits when there are more."""
    staleness_limit: PositiveFloat | None = None
    """Weights older than this many seconds are played with only after a look that shows no newer ones."""


class LearnerSettings(Section):
    """The learner process."""

    device: str = "auto"
    """`cpu`, `cuda`, `cuda:N`, or `auto`: a GPU where there is one."""
    threads: Positive | None = None
    """Threads of tensor arithmetic; when not set, what the machine's cores allow beside the other processes."""
    publish_seconds: NonNegative = 1.0
    """Least time between two publications of weights, in seconds."""
    publish_updates: Positive = 10
    """Least number of updates between two publications."""
    versions_kept: Annotated[int, Field(ge=2)] = 8
    """Published versions that stay in Redis."""
    checkpoint_seconds: PositiveFloat = 60.0
    """Time between two checkpoints, in seconds."""
    checkpoints_kept: Positive = 3
    """Checkpoints that stay in the run's folder."""
    log_seconds: PositiveFloat = 5.0
    """Time between two lines of `metrics.jsonl` and TensorBoard, in seconds."""


class EvaluatorSettings(Section):
    """The evaluator process, and the final table."""

    seconds: PositiveFloat = 60.0
    """Time between two evaluations, in seconds."""
    episodes: Positive = 64
    """Episodes per team of each evaluation."""
    teams: tuple[str, ...] = ()
    """Teams to play; the task's training distribution and its held-out teams when empty."""
    final_episodes: Annotated[int, Field(ge=0)] = 300
    """Episodes per team of the final table; 0 for none."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 1_000_003
    """Seed of the evaluation's games, apart from the training seed."""
    threads: Positive = 1
    """Threads of tensor arithmetic."""


class TelemetrySettings(Section):
    """What processes say about themselves."""

    host: str = "127.0.0.1"
    """Address on which each process serves `/metrics`, `/healthz` and `/readyz`."""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port of `/metrics`; 0 takes a free one."""
    insecure: bool = False
    """Allow `telemetry.host` beyond loopback: whoever reaches the port may read it, in clear; it tells no secret."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe message that is logged."""
    log_format: Literal["auto", "text", "json"] = "auto"
    """`auto`: text on a terminal, JSON elsewhere."""
    tensorboard: bool = True
    """Write TensorBoard events into the run's folder."""


class Config(Section):
    """All settings of a run."""

    run: RunSettings = RunSettings()
    task: TaskSettings = TaskSettings()
    method: MethodSettings = MethodSettings()
    nets: NetSettings = NetSettings()
    learning: LearningSettings = LearningSettings()
    exploration: ExplorationSettings = ExplorationSettings()
    replay: ReplaySettings = ReplaySettings()
    redis: RedisSettings = RedisSettings()
    coach: CoachSettings = CoachSettings()
    actor: ActorSettings = ActorSettings()
    learner: LearnerSettings = LearnerSettings()
    evaluator: EvaluatorSettings = EvaluatorSettings()
    telemetry: TelemetrySettings = TelemetrySettings()

    @property
    def segment_steps(self) -> int:
        """Steps in a segment."""
        return self.method.T * self.learning.periods
