"""The configuration of a run that goes on."""

from collections.abc import Mapping

from copa.config.checks import check
from copa.config.schema import Config
from copa.config.settings import SETTINGS
from copa.errors import ConfigError
from copa.run_folder import RunFolder
from copa.suggest import did_you_mean

_CHANGEABLE = ("run.steps", "actor.count", "actor.threads", "redis.", "learner.", "evaluator.", "telemetry.")


def resumed_config(folder: RunFolder, flags: Mapping[str, str], environment: Mapping[str, str]) -> Config:
    """The run's own configuration with what `flags` change.

    A Redis that was given from outside may be named again by `COPA_REDIS_URL` or `REDIS_URL`, since a password is not
    kept in the folder. Raises ConfigError for a flag that would make another run of it, or a run that is complete.
    """
    before = folder.config()
    config = before
    for path, text in flags.items():
        if path not in SETTINGS:
            raise ConfigError(f"flag --{path}: there is no setting {path!r}{did_you_mean(path, SETTINGS)}")
        if not path.startswith(_CHANGEABLE):
            raise ConfigError(
                f"flag --{path}: a run that goes on keeps this setting; those that may change are"
                f" {', '.join(name + '*' * name.endswith('.') for name in _CHANGEABLE)}"
            )
        try:
            value = SETTINGS[path].from_text(text)
        except ValueError:
            raise ConfigError(f"{path}: {text!r} is not allowed; allowed: {SETTINGS[path].allowed}") from None
        config = _with(config, path, value)
    url = environment.get("COPA_REDIS_URL") or environment.get("REDIS_URL")
    if url and before.redis.url is not None and "redis.url" not in flags:
        config = _with(config, "redis.url", url)
    if folder.info()["state"] == "finished" and config.run.steps <= before.run.steps:
        raise ConfigError(
            f"run.steps: the run in {folder.path} is complete after {before.run.steps:,} steps;"
            " give --run.steps with a larger number to go on"
        )
    return check(config)


def _with(config: Config, path: str, value: object) -> Config:
    section, name = path.split(".")
    part = getattr(config, section).model_copy(update={name: value})
    return config.model_copy(update={section: part})
