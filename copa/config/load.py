"""Where settings come from: schema < preset < preset for the task < file < environment < flags.

Unknown names are refused in every layer, and a value that is not allowed is reported with its field,
the value, what is allowed, and the layer it came from.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import Any

import tomli_w

from copa.config.checks import check
from copa.config.presets import DEFAULT, PRESETS, preset_named
from copa.config.schema import Config
from copa.config.settings import OPTIONS, SETTINGS, TASK, Setting, scalar
from copa.config.urls import without_password
from copa.errors import ConfigError, UnavailableError
from copa.suggest import did_you_mean

RESERVED: dict[str, str] = {
    "COPA_PRESET": "Preset, unless one is named by --preset.",
    "COPA_CONFIG": "Configuration file, unless one is named by --config.",
    "COPA_PARENT": "Process id whose death ends this process; set by `copa train` for its children.",
}
"""Environment variables that begin with COPA_ and are no settings."""

INSECURE = ("coach.insecure", "telemetry.insecure")
"""Settings that the flag --insecure stands for."""

_URLS = {"redis.url": "REDIS_URL", "redis.shards": "COPA_REDIS_SHARDS"}
"""Settings that may hold a password, and the variable to give them by."""

_OPTIONS_VARIABLE = "COPA_TASK_OPTIONS_"
_VARIABLES = {setting.variable: setting for setting in SETTINGS.values()}


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration and where each of its settings came from."""

    config: Config
    preset: str
    origins: Mapping[str, str]
    """By path; a path that is missing has the schema's default."""


class _Layers:
    """Values by path, the latest layer winning."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.options: dict[str, Any] = {}
        self.origins: dict[str, str] = {}

    def put(self, setting: Setting, value: Any, origin: str, *, text: bool) -> None:
        """Check `value` (`text`: as written in a flag or a variable) and let it win."""
        try:
            checked = setting.from_text(value) if text else setting.from_value(value)
        except ValueError:
            raise ConfigError(
                f"{setting.path}: {value!r} is not allowed (from {origin}); allowed: {setting.allowed}"
            ) from None
        self.origins[setting.path] = origin
        if setting.path == OPTIONS:
            self.options |= checked
        else:
            self.values[setting.path] = checked

    def option(self, name: str, text: str, origin: str) -> None:
        """Let an option of the task win."""
        self.options[name] = scalar(text)
        self.origins[OPTIONS] = origin

    def lay_over(self, others: "_Layers") -> None:
        """Let everything in `others` win."""
        self.values |= others.values
        self.options |= others.options
        self.origins |= others.origins

    def config(self) -> Config:
        """The whole configuration."""
        sections: dict[str, dict[str, Any]] = {}
        for path, value in (self.values | {OPTIONS: self.options}).items():
            section, name = path.split(".", 1)
            sections.setdefault(section, {})[name] = value
        return check(Config.model_validate(sections))


def resolve(
    *,
    preset: str | None = None,
    file: Path | None = None,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Resolved:
    """Resolve all layers.

    `flags` maps `section.field` (or `task.options.NAME`) to text. Raises ConfigError for an unknown name or a value
    that is not allowed, UnavailableError for a file that cannot be read.
    """
    flags, environment = flags or {}, environment or {}
    file = file or (Path(environment["COPA_CONFIG"]) if environment.get("COPA_CONFIG") else None)
    content = read_file(file) if file else {}
    chosen: object = preset or environment.get("COPA_PRESET") or content.pop("preset", None) or DEFAULT
    content.pop("preset", None)
    name = str(chosen)
    given = _Layers()
    _put_file(given, content, f"file {file}")
    _put_environment(given, environment)
    _put_flags(given, flags)
    layers = _of_preset(name, given.values.get(TASK))
    layers.lay_over(given)
    return Resolved(layers.config(), name, layers.origins)


def load_config(
    *, preset: str | None, file: Path | None, flags: Mapping[str, str], environment: Mapping[str, str]
) -> Config:
    """The configuration of all layers; see `resolve`."""
    return resolve(preset=preset, file=file, flags=flags, environment=environment).config


def read_file(path: Path) -> dict[str, Any]:
    """Content of a TOML file; raises UnavailableError or ConfigError in words."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnavailableError(f"configuration file {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"configuration file {path} is not valid TOML: {error}") from None


def _of_preset(name: str, task: str | None) -> _Layers:
    """What the preset `name` says, and over it what it says for `task`, or for its own task when that is None."""
    preset, layers = preset_named(name), _Layers()
    for path, value in preset.settings.items():
        layers.put(SETTINGS[path], value, f"preset {name}", text=False)
    played = task or layers.values.get(TASK, SETTINGS[TASK].default)
    for path, value in preset.tasks.get(played, {}).items():
        layers.put(SETTINGS[path], value, f"preset {name} for task {played}", text=False)
    return layers


def _put_file(layers: _Layers, content: Mapping[str, Any], origin: str) -> None:
    for section, part in content.items():
        if section not in Config.model_fields:
            raise ConfigError(
                f"{origin}: unknown section {section!r}{did_you_mean(section, Config.model_fields)};"
                f" there are {', '.join(Config.model_fields)}, and the key preset"
            )
        if not isinstance(part, dict):
            raise ConfigError(f"{origin}: {section} must be a table ([{section}]), not {part!r}")
        for name, value in part.items():
            layers.put(_known(f"{section}.{name}", origin), value, origin, text=False)


def _put_environment(layers: _Layers, environment: Mapping[str, str]) -> None:
    if environment.get("REDIS_URL"):
        layers.put(SETTINGS["redis.url"], environment["REDIS_URL"], "environment variable REDIS_URL", text=True)
    for variable, text in environment.items():
        if not variable.startswith("COPA_") or variable in RESERVED:
            continue
        origin = f"environment variable {variable}"
        if variable in _VARIABLES:
            layers.put(_VARIABLES[variable], text, origin, text=True)
        elif variable.startswith(_OPTIONS_VARIABLE):
            layers.option(variable.removeprefix(_OPTIONS_VARIABLE).lower(), text, origin)
        else:
            raise ConfigError(
                f"{origin} is no setting{did_you_mean(variable, [*_VARIABLES, *RESERVED])};"
                " `copa config explain` lists all; unset it or correct its name"
            )


def _put_flags(layers: _Layers, flags: Mapping[str, str]) -> None:
    for path, text in flags.items():
        origin = f"flag --{path}"
        if path.startswith(OPTIONS + "."):
            layers.option(path.removeprefix(OPTIONS + "."), text, origin)
        else:
            layers.put(_known(path, origin), text, origin, text=True)


def _known(path: str, origin: str) -> Setting:
    if path in SETTINGS:
        return SETTINGS[path]
    section = path.split(".", 1)[0]
    names = [setting.field for setting in SETTINGS.values() if setting.section == section]
    there = f"settings of {section}: {', '.join(names)}" if names else f"sections: {', '.join(Config.model_fields)}"
    raise ConfigError(f"{origin}: there is no setting {path!r}{did_you_mean(path, SETTINGS)}; {there}")


def to_toml(config: Config, *, preset: str) -> str:
    """`config` as a file that `resolve` reads back without loss."""
    sections = {
        section: {name: "none" if value is None else value for name, value in part.items()}
        for section, part in config.model_dump(mode="json").items()
    }
    header = (
        f"# Every setting of a run, resolved; it began with preset {preset!r}.\n"
        "# A line that is taken out falls back to the paper's setting, which is what preset 'paper' means.\n"
    )
    return header + tomli_w.dumps({"preset": "paper"} | sections)


def split_flags(arguments: Sequence[str], *, known: Sequence[str] = ()) -> dict[str, str]:
    """Settings of `--section.field value`, `--section.field=value`, or a bare `--section.field` for true.

    `--insecure` stands for the settings in `INSECURE`. Raises ConfigError for anything else, and for a password in
    a URL; `known` are the command's own options, for the suggestion.
    """
    flags: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word == "--insecure":
            flags |= dict.fromkeys(INSECURE, "true")
            continue
        if not name.startswith("--") or "." not in name:
            names = [*known, *(setting.flag for setting in SETTINGS.values())]
            raise ConfigError(
                f"{word!r} is not understood{did_you_mean(name, names)};"
                " settings are given as --section.field value, and `copa config explain` lists them"
            )
        if not equals:
            value = "true" if not rest or rest[0].startswith("--") else rest.pop(0)
        path = name.removeprefix("--")
        if path in _URLS and any(without_password(url) != url for url in value.split(",")):
            raise ConfigError(
                f"flag --{path} has a password in it, which everybody on this machine can read in the process list:"
                f" put it into a file and name that by redis.password_file, or set {_URLS[path]}"
            )
        flags[path if path.startswith(OPTIONS + ".") else path.replace("-", "_")] = value
    return flags


def parse_role_arguments(argv: Sequence[str], *, role: str) -> tuple[Config, int]:
    """Configuration and index of `python -m ROLE [--config FILE] [--preset NAME] [--index N] [--insecure]
    [--section.field V ...]`.

    Raises ConfigError; `--help` prints what there is and exits with 0.
    """
    own = {"--config": "", "--preset": "", "--index": "0"}
    rest = list(argv)
    settings: list[str] = []
    while rest:
        name, equals, value = rest[0].partition("=")
        if name in ("-h", "--help"):
            print(role_help(role))
            sys.exit(0)
        if name not in own:
            settings.append(rest.pop(0))
            continue
        del rest[0]
        if not equals:
            if not rest:
                raise ConfigError(f"{name} needs a value")
            value = rest.pop(0)
        own[name] = value
    if not own["--index"].isdecimal():
        raise ConfigError(f"--index: {own['--index']!r} is not allowed; allowed: a whole number of at least 0")
    config = load_config(
        preset=own["--preset"] or None,
        file=Path(own["--config"]) if own["--config"] else None,
        flags=split_flags(settings, known=list(own)),
        environment=environ,
    )
    return config, int(own["--index"])


def role_help(role: str) -> str:
    """What `copa ROLE --help` prints."""
    trained = "       copa coach --checkpoint PATH [--coach.address ADDRESS]  # a trained coach, nothing else\n"
    return (
        f"usage: copa {role} [--config FILE] [--preset NAME] [--index N] [--section.field VALUE ...]\n"
        f"{trained if role == 'coach' else ''}"
        f"\nPresets: {', '.join(PRESETS)}. Runs one process of a COPA run; --index tells processes of one role apart."
        "\n--insecure lets it listen beyond this machine without protection."
        "\n`copa config explain` lists every setting with its flag and its environment variable."
    )
