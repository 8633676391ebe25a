"""Redis: whether it is reached, fit to hold a replay, and holds the run that is meant."""

import json
import statistics
import time
from collections.abc import Mapping
from typing import Any

import redis

from copa.assembly import record_layout
from copa.config.schema import Config
from copa.config.urls import without_password
from copa.doctor.findings import Finding, attempt
from copa.errors import UnavailableError
from copa.methods import method_named
from copa.replay import Limits, inspect_run
from copa.replay.connection import Link, check_server, open_client, server_url
from copa.replay.functions import has_functions
from copa.replay.layout import difference
from copa.replay.session import Session

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
        findings += attempt(name, _server, config, name, url, number == 0)
    return findings


def _server(config: Config, name: str, url: str, home: bool) -> list[Finding]:
    settings = config.redis.model_copy(update={"timeout": min(config.redis.timeout, 2.0)})
    link = Link(open_client(url, settings), patience=2.0)
    info: Mapping[str, Any] = link.command("INFO")
    check_server(info, link.address)
    product = "Valkey" if "valkey_version" in info else "Redis"
    number = info.get("valkey_version", info["redis_version"])
    where = without_password(url)
    findings = [Finding(name, "ok", f"{product} {number} at {where}, policy {info.get('maxmemory_policy', '?')}")]
    findings += [_speed(name, link), _clock(name, link), _durable(name, info)]
    session = Session(
        link.client,
        config.run.name,
        record_layout(config),
        Limits.of(config, method_named(config.method.name).batch(config)),
        patience=2.0,
        stopping=None,
    )
    findings += attempt(f"{name} memory", _memory, name, session, info)
    if home:
        findings += attempt("run", _run, session, link.client)
    return findings


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


def _clock(name: str, link: Link) -> Finding:
    before = time.time()
    seconds, microseconds = link.command("TIME")
    after = time.time()
    theirs = int(seconds) + int(microseconds) / 1e6
    skew = max(0.0, before - theirs, theirs - after)
    if skew > CLOCK_SECONDS:
        return Finding(
            f"{name} clock",
            "warning",
            f"this machine's clock and that of Redis differ by at least {skew:.1f} s: set both by NTP; times in logs"
            " and dashboards do not match, and certificates may seem to have ended.",
        )
    return Finding(f"{name} clock", "ok", f"clocks agree to {max(skew, after - before):.3f} s")


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


def _memory(name: str, session: Session, info: Mapping[str, Any]) -> list[Finding]:
    session.check_memory(info)
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if not limit:
        return [Finding(f"{name} memory", "warning", f"{used // _MIB} MiB used and no limit: set maxmemory.")]
    text = f"{used // _MIB} of {limit // _MIB} MiB used"
    if used > 0.9 * limit:
        return [Finding(f"{name} memory", "warning", f"{text}: raise maxmemory, or lower replay.capacity.")]
    return [Finding(f"{name} memory", "ok", text)]


def _run(session: Session, client: redis.Redis) -> list[Finding]:
    theirs = session.link.command("GET", session.keys.schema)
    if theirs is None:
        return [Finding("run", "skipped", f"this Redis holds no run {session.run!r} yet")]
    findings = []
    if theirs != session.schema_json():
        difference_ = difference(session.schema(), json.loads(theirs))
        findings.append(
            Finding(
                "schema",
                "problem",
                f"the replay of run {session.run!r} was made with other settings ({difference_}): use those, or choose"
                " another run.name.",
            )
        )
    else:
        findings.append(Finding("schema", "ok", f"the replay of run {session.run!r} fits these settings"))
    if not has_functions(session.link):
        findings.append(
            Finding(
                "functions",
                "problem",
                "Redis has the functions of another version of COPA: start the learner in this version.",
            )
        )
    found = inspect_run(client, session.run)
    state, owner = found["state"], found["owner"]
    alive = float(owner.get("expires", 0)) > time.time() * 1000
    findings.append(
        Finding(
            "run",
            "ok" if alive else "warning",
            f"{state.get('steps', 0):,} of {state.get('total_steps', 0):,} steps, {len(found['actors'])} actors,"
            f" weights {found['weights']}, {'its learner is alive' if alive else 'no learner has renewed its lease'}",
        )
    )
    return findings
