"""A group: runs of one configuration that differ in their seed, each in a folder of its own.

group.json     what the group is      config.toml    the configuration its runs share
seed-0/, seed-1/, ...                 ordinary folders of runs
"""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from copa.config.load import resolve, to_toml
from copa.config.schema import Config
from copa.errors import ConfigError, UnavailableError
from copa.run_folder import RunFolder

_RANGE = re.compile(r"(\d+)(?:\.\.(\d+))?")

LARGEST_SEED = 2**32 - 1
MOST_SEEDS = 1000


def parse_seeds(text: str) -> tuple[int, ...]:
    """Seeds of `0..4`, `0,3,7` or a mixture, in the order given, each once.

    Raises:
        ConfigError: it is something else.
    """
    found: dict[int, None] = {}
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if not first <= last <= LARGEST_SEED or last - first >= MOST_SEEDS:
            raise ConfigError(
                f"--seeds {text!r}: {part.strip()!r} is no seed and no range; give for instance 0..4 or 0,3,7"
                f" (each from 0 to {LARGEST_SEED}, at most {MOST_SEEDS} in a range)"
            )
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


class RunGroup:
    """Paths and contents of a group's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.info_file = self.path / "group.json"
        self.config_file = self.path / "config.toml"

    @classmethod
    def is_at(cls, path: Path) -> bool:
        """Whether `path` is the folder of a group."""
        return cls(path).info_file.is_file()

    @classmethod
    def create(cls, path: Path, config: Config, *, preset: str, seeds: Sequence[int]) -> "RunGroup":
        """Make the folder of a group, or take up the one that is there with the same configuration; seeds add up.

        Raises:
            ConfigError: the folder holds something else, or a group of another configuration.
            UnavailableError: it cannot be written.
        """
        group = cls(path)
        shared = _shared(config)
        if group.info_file.exists():
            there = group.config()
            if there.model_dump() != shared.model_dump():
                raise ConfigError(
                    f"--run-dir {path} holds a group with other settings ({', '.join(_different(there, shared))});"
                    f" go on with it by `copa train --resume {path}`, or choose another folder"
                )
            seeds = tuple(dict.fromkeys([*group.seeds(), *seeds]))
        elif group.path.exists() and any(group.path.iterdir()):
            raise ConfigError(f"--run-dir {path} is not empty and no group of runs; choose another folder")
        try:
            group.path.mkdir(parents=True, exist_ok=True)
            group.config_file.write_text(to_toml(shared, preset=preset), encoding="utf-8")
            partial = group.info_file.with_suffix(".partial")
            partial.write_text(json.dumps({"seeds": list(seeds), "preset": preset}) + "\n", encoding="utf-8")
            partial.replace(group.info_file)
        except OSError as error:
            raise UnavailableError(f"--run-dir {path} cannot be used: {error.strerror}") from None
        return group

    def config(self) -> Config:
        """The configuration its runs share; their seed, name and folder are left as they come."""
        return resolve(file=self.config_file).config

    def seeds(self) -> tuple[int, ...]:
        """Seeds of the group's runs, in the order they are run. Raises UnavailableError when group.json is damaged."""
        return tuple(self._info()["seeds"])

    @property
    def preset(self) -> str:
        """Name of the preset that the configuration began with."""
        return str(self._info()["preset"])

    def member(self, seed: int) -> Path:
        """Folder of the run with `seed`."""
        return self.path / f"seed-{seed}"

    def member_config(self, seed: int) -> Config:
        """Configuration of the run with `seed`; its name tells it apart in a Redis that the runs share."""
        config = self.config()
        run = {"seed": seed, "name": f"{config.run.name}-seed-{seed}", "folder": self.member(seed)}
        return config.model_copy(update={"run": config.run.model_copy(update=run)})

    def _info(self) -> dict[str, Any]:
        try:
            info = json.loads(self.info_file.read_text(encoding="utf-8"))
            if not isinstance(info, dict) or not isinstance(info.get("seeds"), list):
                raise ValueError("it names no seeds")
        except (OSError, ValueError) as error:
            raise UnavailableError(f"{self.info_file} cannot be read: {error}") from None
        return info


def runs_of(paths: Iterable[Path]) -> list[RunFolder]:
    """The runs in `paths`: folders of runs, and of groups, whose begun runs are taken.

    Raises:
        UnavailableError: a path is neither, or a group without a run.
    """
    found: list[RunFolder] = []
    for path in paths:
        if not RunGroup.is_at(path):
            found.append(RunFolder.open(path))
            continue
        group = RunGroup(path)
        inner = [RunFolder.open(run) for run in map(group.member, group.seeds()) if (run / "run.json").exists()]
        if not inner:
            raise UnavailableError(f"{path} is a group without a run; start it by `copa train --resume {path}`")
        found += inner
    return found


def _shared(config: Config) -> Config:
    run = config.run.model_copy(update={"seed": 0, "folder": None})
    return config.model_copy(update={"run": run})


def _different(one: Config, other: Config) -> list[str]:
    first, second = one.model_dump(), other.model_dump()
    return [
        f"{section}.{field}"
        for section, fields in first.items()
        for field, value in fields.items()
        if second[section][field] != value
    ]
