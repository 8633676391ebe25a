"""Checks of settings against each other; each names every field it is about."""

import re

from copa.config.schema import Config, RedisSettings, TlsFiles
from copa.config.urls import without_password
from copa.errors import ConfigError
from copa.methods import method_named

_ADDRESS = re.compile(r"^(unix:.+|(\[[0-9a-fA-F:.]+\]|[^:/\s]+):\d{1,5})$")
_DEVICE = re.compile(r"^(auto|cpu|cuda(:\d+)?)$")
_REDIS = ("redis://", "rediss://", "unix://")


def check(config: Config) -> Config:
    """Return `config`; raises ConfigError where two settings contradict each other or a text has a wrong form."""
    replay, actor, exploration = config.replay, config.actor, config.exploration
    batch = method_named(config.method.name).batch(config)
    if replay.minimum > replay.capacity:
        raise ConfigError(
            f"replay.minimum is {replay.minimum} and replay.capacity {replay.capacity}: the replay would never be"
            " full enough to learn from; replay.minimum must not exceed replay.capacity"
        )
    if replay.needed(batch) > replay.capacity:
        source = "learning.batch" if config.learning.batch is not None else "the batch, from method.name and method.T,"
        raise ConfigError(
            f"{source} is {batch} and replay.capacity {replay.capacity}: the first batch could not be filled;"
            f" set replay.capacity to at least {batch}, or learning.batch to at most {replay.capacity}"
        )
    if config.learning.hold > 0.0 and config.learning.periods == 1:
        raise ConfigError(
            f"learning.hold is {config.learning.hold:g} and learning.periods 1: a segment has no coach step inside it"
            " at which a strategy could be kept; set learning.periods to 2 or more, or learning.hold to 0"
        )
    if actor.games < actor.groups:
        raise ConfigError(
            f"actor.games is {actor.games} and actor.groups {actor.groups}: each group needs a game;"
            " actor.games must be at least actor.groups"
        )
    if exploration.end > exploration.start:
        raise ConfigError(
            f"exploration.end is {exploration.end} and exploration.start {exploration.start}: epsilon falls;"
            " exploration.end must not exceed exploration.start"
        )
    for setting, url in _urls(config.redis):
        if not url.startswith(_REDIS):
            raise ConfigError(f"{setting} is {without_password(url)!r}; it must begin with {', '.join(_REDIS)}")
    if config.redis.shards:
        _check_shards(config, replay.needed(batch))
    _check_secrets(config)
    if not _DEVICE.match(config.learner.device):
        raise ConfigError(f"learner.device is {config.learner.device!r}; allowed: auto, cpu, cuda or cuda:N")
    if not _ADDRESS.match(config.coach.address):
        raise ConfigError(f"coach.address is {config.coach.address!r}; allowed: host:port or unix:PATH")
    return config


def _urls(redis: RedisSettings) -> list[tuple[str, str]]:
    """Every URL of Redis, with the setting that it is from."""
    home = [] if redis.url is None else [("redis.url", redis.url)]
    return [*home, *(("redis.shards", url) for url in redis.shards)]


def _check_shards(config: Config, minimum: int) -> None:
    """Whatever would keep the servers of a run from sharing its segments is refused."""
    urls = [url for _, url in _urls(config.redis)]
    for url in config.redis.shards:
        if urls.count(url) > 1:
            raise ConfigError(
                f"redis.shards names {without_password(url)!r} twice, or as redis.url too: each shard needs a server of"
                " its own"
            )
        if "," in url:
            raise ConfigError(f"redis.shards names {without_password(url)!r}: write a comma in a URL as %2C")
    count, capacity = len(config.redis.shards), config.replay.capacity
    share, rest = divmod(capacity, count)
    if rest:
        raise ConfigError(
            f"replay.capacity is {capacity} and redis.shards names {count} servers, which must hold equally many"
            f" segments: set replay.capacity to {share * count} or {(share + 1) * count}"
        )
    if minimum > share:
        raise ConfigError(
            f"replay.capacity is {capacity}, {share} segments on each of the {count} servers of redis.shards, and"
            f" {minimum} are needed before the first batch (replay.minimum, learning.batch): few actors might never"
            f" fill it; set replay.capacity to at least {minimum * count}, or name fewer servers"
        )


def _check_secrets(config: Config) -> None:
    """Whatever would leave a connection less protected than its settings look is refused."""
    redis, coach = config.redis, config.coach
    for section, files in (("redis", redis), ("coach", coach)):
        if (files.certificate_file is None) != (files.key_file is None):
            raise ConfigError(
                f"{section}.certificate_file is {_shown(files.certificate_file)} and {section}.key_file"
                f" {_shown(files.key_file)}: a certificate is of use with its key alone; set both, or neither"
            )
    for setting, url in _urls(redis):
        if url.startswith("redis://") and (unused := _files(redis)):
            raise ConfigError(
                f"redis.{unused} is set, but {setting}, {without_password(url)!r}, is without TLS: write"
                " rediss:// for TLS, or leave the file out"
            )
        if redis.password_file is not None and without_password(url) != url:
            raise ConfigError(f"{setting} has a password in it, and redis.password_file is set: give one of them")
    if coach.transport == "plain" and (unused := _files(coach)):
        raise ConfigError(
            f"coach.{unused} is set, but coach.transport is plain: set it to tls or mutual, or leave the file out"
        )


def _files(files: TlsFiles) -> str | None:
    """Name of the first file that is set."""
    return next((name for name in TlsFiles.model_fields if getattr(files, name) is not None), None)


def _shown(path: object) -> str:
    return "not set" if path is None else repr(str(path))
