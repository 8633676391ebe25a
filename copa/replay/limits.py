"""What the replay allows, and what it answers: sizes, the limiter's settings, admissions and permits."""

from dataclasses import dataclass, field, replace

from copa.config.schema import Config
from copa.errors import ConfigError

TOLERANCE = 4.0
"""Updates of tolerance where none is set, unless one push of every actor needs more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Size of the ring and the ratio of learning to play.

    One update of `batch` segments is due for every `steps_per_update` environment steps. Learning may be
    ahead of that by `tolerance` updates, play as well.
    """

    capacity: int
    """Segments kept."""
    minimum: int
    """Segments there must be before the first batch is drawn."""
    batch: int
    """Segments per update."""
    steps_per_update: int
    """Environment steps for each update."""
    tolerance: float
    """How far actors or learner may be ahead, in updates."""
    total_steps: int
    """Environment steps of the run."""
    free_running: bool = False
    """Neither side waits for the other."""
    push_steps: int = 0
    """Environment steps in one push of every actor of the run, 0 where it is not known."""
    max_bytes: int = 4 * 2**30
    """Most memory that the ring may need, in bytes."""

    @staticmethod
    def of(config: Config, batch: int) -> "Limits":
        """The limits of a run whose method draws `batch` segments per update."""
        replay, steps_per_update = config.replay, config.learning.steps_per_update
        push_steps = config.actor.count * config.actor.games * config.segment_steps
        return Limits(
            capacity=replay.capacity,
            minimum=replay.needed(batch),
            batch=batch,
            steps_per_update=steps_per_update,
            tolerance=replay.tolerance or max(TOLERANCE, push_steps / steps_per_update),
            total_steps=config.run.steps,
            free_running=replay.free_running,
            push_steps=push_steps,
            max_bytes=replay.max_bytes,
        )

    def share(self, shards: int) -> "Limits":
        """The limits of one of `shards` rings. Raises ConfigError where they cannot share the segments."""
        capacity, rest = divmod(self.capacity, shards)
        if rest:
            raise ConfigError(
                f"replay.capacity = {self.capacity} cannot be shared equally by {shards} servers (redis.shards): set "
                f"it to {capacity * shards} or {(capacity + 1) * shards}."
            )
        if self.minimum > capacity:
            raise ConfigError(
                f"replay.minimum = {self.minimum} is more than the {capacity} segments of each of {shards} servers "
                "(redis.shards), so few actors might never fill it: lower the minimum, or raise replay.capacity to "
                f"{self.minimum * shards}."
            )
        return replace(self, capacity=capacity)

    def check(self) -> None:
        """Raise ConfigError where the limiter could never let anybody go on."""
        for name in ("capacity", "minimum", "batch", "steps_per_update", "total_steps"):
            if getattr(self, name) < 1:
                raise ConfigError(f"replay limit {name} = {getattr(self, name)}: it must be at least 1.")
        if self.minimum > self.capacity:
            raise ConfigError(
                f"replay.minimum = {self.minimum} is more than replay.capacity = {self.capacity}, so learning could "
                "never begin: lower the minimum or raise the capacity."
            )
        if self.free_running:
            return
        if self.tolerance < 1:
            raise ConfigError(
                f"replay.tolerance = {self.tolerance:g} is less than one update, so a single batch could never be "
                "drawn in time: set it to at least 1."
            )
        needed = self.push_steps / self.steps_per_update
        if self.tolerance < needed:
            raise ConfigError(
                f"replay.tolerance = {self.tolerance:g} updates is less than one push of every actor "
                f"({self.push_steps} environment steps = {needed:.3g} updates), so actors would always wait: set it "
                f"to at least {needed:.3g}, or play fewer games (actor.count, actor.games)."
            )


@dataclass(frozen=True, slots=True)
class ActorLease:
    """A small actor id, this process's for as long as it renews it."""

    actor: int
    """Leased id, 0 upwards; used again once its holder is gone."""
    incarnation: int
    """How many processes have held this id, this one included; issued in order."""
    token: str
    """Tells this holder from any other, also after Redis forgot what it issued last."""


@dataclass(frozen=True, slots=True)
class Push:
    """What an actor adds at once."""

    sequence: int
    """Number of the push in this incarnation, rising; the same number again is the same push."""
    records: list[bytes]
    """Encoded segments; may be empty, then only steps are counted."""
    flags: bytes
    """One byte per record, see `copa.replay.layout.side_flags`."""
    steps_total: int
    """Environment steps of this incarnation so far."""
    segments_total: int
    """Segments of this incarnation so far, those of this push included."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the replay tells an actor."""

    total_steps: int
    """Environment steps of the whole run so far."""
    wait_seconds: float
    """Seconds to wait before asking again; 0 to go on. Already jittered."""
    reason: str
    """Why to wait or stop: "actors ahead", "redis out of memory", "restoring", "finished"; "" to go on."""
    finished: bool
    """The run has all its environment steps."""
    segments: int
    """Segments in the ring."""
    acknowledged: bool = True
    """The push is in Redis (now or since an earlier attempt); false: keep it and push it again."""
    repeated: bool = False
    """The push was there already and changed nothing."""


@dataclass(frozen=True, slots=True)
class Ring:
    """How far one server's ring was written when it was looked at."""

    segments: int
    """Slots 0 to segments - 1 are filled."""
    position: int
    """Records ever written to this ring; the next goes to slot position % capacity."""
    life: str
    """Identity of the server's process: another value means that Redis restarted."""


@dataclass(frozen=True, slots=True)
class Permit:
    """The limiter's answer to a learner that wants to draw a batch."""

    granted: bool
    wait_seconds: float
    """Seconds to wait before asking again; 0 when granted or finished."""
    reason: str
    """Why it was not granted: "warming up", "learner ahead", "finished"; "" when granted."""
    finished: bool
    """All environment steps are played and all their updates are done: no permit will follow."""
    steps: int
    """Environment steps of the run so far."""
    inserted: int
    """Segments ever inserted."""
    segments: int
    """Segments in the ring: slots 0 to segments - 1 are filled."""
    position: int
    """Records ever written to this ring; the next goes to slot position % capacity."""
    sampled: int
    """Segments ever permitted, this batch included."""
    life: str
    """Identity of the server's process: another value means that Redis restarted."""
    rings: tuple[Ring, ...] = ()
    """The ring of each shard, where the run has shards; `segments` is then their sum."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run taken into possession by a learner."""

    term: int
    """How many times the run was claimed; a holder of an older term is refused."""
    created: bool
    """The replay, or a shard of it, was not there (or never refilled) and is empty: restore its counters where there
    are any."""


@dataclass(frozen=True, slots=True)
class ReplayStats:
    """State of a run's replay."""

    segments: int
    """Segments in the ring."""
    capacity: int
    bytes: int
    """Memory that Redis uses, in bytes; where the run has shards, theirs together."""
    bytes_limit: int
    """Memory that Redis may use, in bytes: its maxmemory, or the machine's memory where it has none; where the run
    has shards, theirs together."""
    steps: int
    """Environment steps."""
    total_steps: int
    """Environment steps of the whole run."""
    inserted: int
    """Segments ever inserted."""
    sampled: int
    """Segments ever permitted to the learner."""
    lost: int
    """Segments that actors had counted but that never came, or that a restart of Redis lost."""
    duplicates: int
    """Pushes that came again and changed nothing."""
    warmup_steps: int
    """Environment steps played while there were too few segments to learn from."""
    episodes: int
    """Episode numbers leased so far."""
    server_restarts: int
    """Times that Redis came back as another process."""
    actors: int
    """Actors whose lease is alive."""
    owed_updates: float
    """Updates by which learning is behind play; below 0 it is ahead."""
    tolerance: float
    """Updates by which play or learning may be ahead."""
    actors_wait: str
    """Why actors wait now; "" when they do not."""
    learner_wait: str
    """Why the learner would wait now; "" when it would not."""
    owner: str
    """Who claimed the run last."""
    owner_alive: bool
    corrupt: int = field(default=0)
    """Records that failed their checksum in this process's draws."""
