"""The configuration of a run that goes on."""

from collections.abc import Mapping

from copa.config.change import changed, with_setting, with_shards_again
from copa.config.checks import check
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.run_folder import RunFolder

_CHANGEABLE = (
    *("run.steps", "learning.averaging_rate", "actor.count", "actor.threads", "redis.", "learner.", "evaluator."),
    "telemetry.",
    *("coach.transport", "coach.ca_file", "coach.certificate_file", "coach.key_file", "coach.token_file"),
    *("coach.insecure", "coach.stream_requests", "coach.stream_rows"),
)


def resumed_config(folder: RunFolder, flags: Mapping[str, str], environment: Mapping[str, str]) -> Config:
    """The run's own configuration with what `flags` change.

    A Redis that was given from outside may be named again by `COPA_REDIS_URL` or `REDIS_URL`, and its shards by
    `COPA_REDIS_SHARDS`, since a password is not kept in the folder. Raises ConfigError for a flag that would make
    another run of it, or a run that is complete.
    """
    before = folder.config()
    config = changed(before, flags, changeable=_CHANGEABLE, keeper="a run that goes on")
    url = environment.get("COPA_REDIS_URL") or environment.get("REDIS_URL")
    if url and before.redis.url is not None and "redis.url" not in flags:
        config = with_setting(config, "redis.url", url)
    if "redis.shards" not in flags:
        config = with_shards_again(config, environment)
    if folder.info()["state"] == "finished" and config.run.steps <= before.run.steps:
        raise ConfigError(
            f"run.steps: the run in {folder.path} is complete after {before.run.steps:,} steps;"
            " give --run.steps with a larger number to go on"
        )
    return check(config)
