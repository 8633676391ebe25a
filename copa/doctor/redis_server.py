"""Redis: whether it is reached, fit to hold a replay, and holds the run that is meant."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis

from copa.assembly import record_layout
from copa.config.schema import Config
from copa.config.urls import without_password
from copa.doctor.findings import Finding, attempt
from copa.errors import UnavailableError
from copa.methods import method_named
from copa.replay import Limits, Replay
from copa.replay.connection import Link, NotPermittedError, check_server, open_client, server_url
from copa.replay.functions import has_functions
from copa.replay.shards import home_place

_PINGS = 20
SLOW_SECONDS = 0.005
"""A round trip from which on Redis is called slow; on one machine it takes some 0.0001 s."""
CLOCK_SECONDS = 1.0
"""Leases and tokens bear with clocks that differ by less."""
_MIB = 2**20


def check_redis(config: Config) -> list[Finding]:
    """Of the server at `redis.url` and of those in `redis.shards`."""
    try:
        urls = [server_url(config.redis), *config.redis.shards]
    except UnavailableError:
        return [Finding("redis", "skipped", "redis.url is not set: `copa train` starts a server of its own")]
    findings: list[Finding] = []
    for number, url in enumerate(urls):
        name = "redis" if number == 0 else f"redis.shards[{number - 1}]"
        findings += attempt(name, _server, config, name, url, number - 1 if number else None)
    return findings


def _server(config: Config, name: str, url: str, shard: int | None) -> list[Finding]:
    settings = config.redis.model_copy(update={"timeout": min(config.redis.timeout, 2.0)})
    replay = _replay(config, open_client(url, settings), shard)
    link = replay.link
    info: Mapping[str, Any] = link.command("INFO")
    check_server(info, link.address)
    product = "Valkey" if "valkey_version" in info else "Redis"
    number = info.get("valkey_version", info["redis_version"])
    where = without_password(url)
    findings = [Finding(name, "ok", f"{product} {number} at {where}, policy {info.get('maxmemory_policy', '?')}")]
    findings += [_speed(name, link), *_where_allowed(f"{name} clock", _clock, name, link), _durable(name, info)]
    has_ring = shard is not None or not config.redis.shards
    findings += attempt(f"{name} memory", _memory, name, replay, info, has_ring)
    return findings + _run(replay, "run" if shard is None else f"{name} run")


def _replay(config: Config, client: redis.Redis, shard: int | None) -> Replay:
    """The run on one of its servers: the shard of that number, or where everything else is."""
    limits = Limits.of(config, method_named(config.method.name).batch(config))
    place = home_place(len(config.redis.shards))
    if shard is not None:
        limits, place = limits.share(len(config.redis.shards)), {**place, "shard": shard}
    return Replay(client, config.run.name, record_layout(config), limits, patience=2.0, place=place)


def _where_allowed(subject: str, look: Callable[..., list[Finding]], *arguments: Any) -> list[Finding]:
    """What `look(*arguments)` finds; skipped where the role's user of Redis has no right to look."""
    try:
        return look(*arguments)
    except NotPermittedError:
        advice = "ask as learner, evaluator, monitor or operator (docs/security.md)"
        return [Finding(subject, "skipped", f"this user of Redis may not look: {advice}")]


def _speed(name: str, link: Link) -> Finding:
    times = []
    for _ in range(_PINGS):
        began = time.perf_counter()
        link.command("PING")
        times.append(time.perf_counter() - began)
    middle = statistics.median(times)
    text = f"answers in {middle * 1000:.2f} ms (median of {_PINGS})"
    if middle > SLOW_SECONDS:
        advice = "a busy server or a far one: bring Redis nearer to the learner, or look at its processor and disk."
        return Finding(f"{name} speed", "warning", f"{text}: {advice}")
    return Finding(f"{name} speed", "ok", text)


def _clock(name: str, link: Link) -> list[Finding]:
    before = time.time()
    seconds, microseconds = link.command("TIME")
    after = time.time()
    theirs = int(seconds) + int(microseconds) / 1e6
    skew = max(0.0, before - theirs, theirs - after)
    if skew > CLOCK_SECONDS:
        found = Finding(
            f"{name} clock",
            "warning",
            f"this machine's clock and that of Redis differ by at least {skew:.1f} s: set both by NTP; times in logs"
            " and dashboards do not match, and certificates may seem to have ended.",
        )
        return [found]
    return [Finding(f"{name} clock", "ok", f"clocks agree to {max(skew, after - before):.3f} s")]


def _durable(name: str, info: Mapping[str, Any]) -> Finding:
    if not int(info.get("aof_enabled", 0)):
        return Finding(
            f"{name} durability",
            "warning",
            "it keeps no append-only file: if it dies, the replay and the run's counters are gone (appendonly yes).",
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        return Finding(
            f"{name} durability", "problem", "it cannot write its append-only file: its disk is full or not writable."
        )
    return Finding(f"{name} durability", "ok", "append-only file: a death costs the last second at most")


def _memory(name: str, replay: Replay, info: Mapping[str, Any], has_ring: bool) -> list[Finding]:
    if has_ring:
        replay.check_memory(info)
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if not limit:
        return [Finding(f"{name} memory", "warning", f"{used // _MIB} MiB used and no limit: set maxmemory.")]
    text = f"{used // _MIB} of {limit // _MIB} MiB used"
    if used > 0.9 * limit:
        return [Finding(f"{name} memory", "warning", f"{text}: raise maxmemory, or lower replay.capacity.")]
    return [Finding(f"{name} memory", "ok", text)]


def _run(replay: Replay, subject: str) -> list[Finding]:
    link, run = replay.link, replay.run
    theirs = link.command("GET", replay.keys.schema)
    if theirs is None:
        return [Finding(subject, "skipped", f"this Redis holds no run {run!r} yet")]
    if theirs != replay.schema_json():
        return [Finding("schema", "problem", str(replay.foreign_schema(theirs)))]
    findings = [Finding("schema", "ok", f"the replay of run {run!r} at {link.address} fits these settings")]
    if not has_functions(link):
        advice = "Redis has not the functions of this version of COPA: start the learner in this version."
        return [*findings, Finding("functions", "problem", advice)]
    return findings + attempt(subject, _where_allowed, subject, _state, replay, subject)


def _state(replay: Replay, subject: str) -> list[Finding]:
    stats = replay.stats()
    if "shard" in replay.place:
        return [Finding(subject, "ok", f"{stats.segments:,} of {stats.capacity:,} segments")]
    text = f"{stats.steps:,} of {stats.total_steps:,} steps, {stats.segments:,} segments, {stats.actors} actors alive"
    if stats.owner_alive:
        return [Finding(subject, "ok", f"{text}; its learner is alive")]
    return [Finding(subject, "warning", f"{text}; no learner has renewed its lease: it has ended, or it hangs.")]
