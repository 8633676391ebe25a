"""A coach from a checkpoint, served with nothing else running."""

from collections.abc import Mapping
from pathlib import Path

from coach_service.weights import FixedWeights
from copa import checkpoint
from copa.config.change import changed
from copa.config.load import split_flags
from copa.config.schema import Config
from copa.config.settings import SETTINGS
from copa.errors import ConfigError
from copa.methods import METHODS, method_named

OPTION = "--checkpoint"

_CHANGEABLE = ("coach.", "telemetry.")


def take_checkpoint(argv: list[str]) -> tuple[Path | None, list[str]]:
    """The value of `--checkpoint`, if it is given, and the other arguments; raises ConfigError without a value."""
    for index, word in enumerate(argv):
        name, equals, value = word.partition("=")
        if name != OPTION:
            continue
        rest = argv[:index] + argv[index + 1 :]
        if not equals:
            value = rest.pop(index) if index < len(rest) else ""
        if not value or value.startswith("--"):
            raise ConfigError(f"{OPTION} needs a value: a .safetensors file, or the folder of a run")
        return Path(value), rest
    return None, argv


def trained_coach(path: Path, settings: list[str], environment: Mapping[str, str]) -> tuple[Config, FixedWeights]:
    """Configuration and weights of the checkpoint at `path`: a file, or the folder of a run.

    Task, method and networks are the checkpoint's; `settings` (`--coach.*`, `--telemetry.*`) and the variables of the
    same settings change how it is served.

    Raises:
        ConfigError: the method has no coach, or a setting is not one of these.
        UnavailableError: there is no checkpoint.
    """
    flags = split_flags(settings, known=[OPTION])
    saved = checkpoint.load(path)
    method = saved.config.method.name
    if not method_named(method).coach:
        coached = ", ".join(name for name, other in METHODS.items() if other.coach)
        raise ConfigError(f"{OPTION} {path}: its method, {method}, has no coach to serve; those with one: {coached}")
    set_outside = {
        name: environment[setting.variable]
        for name, setting in SETTINGS.items()
        if name.startswith(_CHANGEABLE) and setting.variable in environment
    }
    run = saved.config.run.model_copy(update={"folder": None})
    alone = saved.config.model_copy(update={"run": run})
    config = changed(alone, set_outside | flags, changeable=_CHANGEABLE, keeper="the coach of a checkpoint")
    coach = {name: tensor for name, tensor in saved.playing.items() if name.startswith(("coach.", "need."))}
    return config, FixedWeights(coach, version=max(1, saved.version))
