"""Changing a few settings of a configuration that stands: of a run that goes on, of one that is served or shown."""

from collections.abc import Mapping, Sequence

from copa.config.checks import check
from copa.config.schema import Config
from copa.config.settings import SETTINGS
from copa.config.urls import without_password
from copa.errors import ConfigError
from copa.suggest import did_you_mean


def changed(config: Config, flags: Mapping[str, str], *, changeable: Sequence[str], keeper: str) -> Config:
    """`config` with what `flags` (`section.field` to text) change; `changeable` are paths, or sections as `section.`.

    Raises:
        ConfigError: a flag is unknown, not changeable (`keeper` is what keeps it, in the message), or not allowed.
    """
    for path, text in flags.items():
        if path not in SETTINGS:
            raise ConfigError(f"flag --{path}: there is no setting {path!r}{did_you_mean(path, SETTINGS)}")
        if not path.startswith(tuple(changeable)):
            raise ConfigError(
                f"flag --{path}: {keeper} keeps this setting; those that may change are"
                f" {', '.join(name + '*' * name.endswith('.') for name in changeable)}"
            )
        try:
            value = SETTINGS[path].from_text(text)
        except ValueError:
            raise ConfigError(f"{path}: {text!r} is not allowed; allowed: {SETTINGS[path].allowed}") from None
        config = with_setting(config, path, value)
    return check(config)


def with_setting(config: Config, path: str, value: object) -> Config:
    """`config` with one setting replaced."""
    section, name = path.split(".")
    part = getattr(config, section).model_copy(update={name: value})
    return config.model_copy(update={section: part})


def with_coach_steps(config: Config, T: int) -> Config:
    """`config` of a trained team whose coach speaks at every T-th step (1..256), to be played, not learned with; what
    players remember spans as many steps as before.

    Raises:
        ConfigError: that span (`nets.memory_span: segment`) is not a multiple of T.
    """
    if config.nets.memory_span == "segment":
        steps = config.segment_steps
        if steps % T:
            fitting = ", ".join(str(number) for number in range(1, steps + 1) if steps % number == 0)
            raise ConfigError(
                f"T = {T} does not fit players who remember for {steps} steps at a time (nets.memory_span: segment);"
                f" allowed: {fitting}"
            )
        config = with_setting(config, "learning.periods", steps // T)
    return with_setting(config, "method.T", T)


def without_secrets(config: Config) -> Config:
    """`config` as it may be shown and stored: the one secret that settings may hold is a password in a URL of Redis."""
    config = with_setting(config, "redis.shards", tuple(map(without_password, config.redis.shards)))
    if config.redis.url is None:
        return config
    return with_setting(config, "redis.url", without_password(config.redis.url))


def with_shards_again(config: Config, environment: Mapping[str, str]) -> Config:
    """`config` whose shards, if it has any, `COPA_REDIS_SHARDS` may name again: with a password, which no folder keeps.

    Raises:
        ConfigError: it names others in number.
    """
    shards = SETTINGS["redis.shards"].from_text(environment.get("COPA_REDIS_SHARDS", ""))
    if not shards or not config.redis.shards:
        return config
    if len(shards) != len(config.redis.shards):
        raise ConfigError(
            f"environment variable COPA_REDIS_SHARDS names {len(shards)} servers, and the run's segments are on"
            f" {len(config.redis.shards)}: name each of them, in the same order"
        )
    return with_setting(config, "redis.shards", shards)


def with_absolute_files(config: Config) -> Config:
    """`config` whose files of secrets are found from any working directory."""
    for path, setting in SETTINGS.items():
        name = getattr(getattr(config, setting.section), setting.field)
        if setting.field.endswith("_file") and name is not None:
            config = with_setting(config, path, name.absolute())
    return config
