"""The replay in Redis: a ring of fixed-size records, exactly-once inserts, one limiter for the run."""

from copa.replay.connection import connect
from copa.replay.layout import RecordLayout, side_flags
from copa.replay.limits import ActorLease, Admission, Claim, Limits, Permit, Push, ReplayStats
from copa.replay.replay import Replay
from copa.replay.runs import inspect_run, list_runs, reset_run
from copa.replay.sampler import Draw, Origin, Sampler
from copa.replay.session import LeaseLostError, ReplayGoneError, ring_bytes
from copa.replay.shards import ShardedReplay

__all__ = [
    "ActorLease",
    "Admission",
    "Claim",
    "Draw",
    "LeaseLostError",
    "Limits",
    "Origin",
    "Permit",
    "Push",
    "RecordLayout",
    "Replay",
    "ReplayGoneError",
    "ReplayStats",
    "Sampler",
    "ShardedReplay",
    "connect",
    "inspect_run",
    "list_runs",
    "reset_run",
    "ring_bytes",
    "side_flags",
]
