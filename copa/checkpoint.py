"""Checkpoints: one safetensors file with all tensors, and JSON about them in its header."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from copa.config.change import without_secrets
from copa.config.schema import Config
from copa.errors import ConfigError, UnavailableError

FORMAT = "copa-checkpoint-1"

AVERAGED = "averaged_"
"""What the names of averaged weights begin with, before `player.…`, `mixer.…` and `coach.…`."""

ACTING = ("player.", "coach.", "need.")
"""What the names of those weights begin with that a team plays with; all others are for learning alone."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run needs to go on, and what evaluation needs to play."""

    tensors: dict[str, Tensor]
    """State of the learning rule: networks, targets, averages, optimisers, random numbers."""
    config: Config
    updates: int
    steps: int
    version: int
    """Newest published weights version."""
    counters: dict[str, Any]
    """Counters of the replay and its limiter."""

    @property
    def playing(self) -> dict[str, Tensor]:
        """`tensors` with the averages of `learning.averaging_rate`, where there are any, in place of the learned."""
        averaged = {
            name.removeprefix(AVERAGED): tensor for name, tensor in self.tensors.items() if name.startswith(AVERAGED)
        }
        return {name: tensor for name, tensor in self.tensors.items() if not name.startswith(AVERAGED)} | averaged


def save(folder: Path, checkpoint: Checkpoint, kept: int) -> Path:
    """Write `checkpoint` whole or not at all; older ones beyond `kept` go. Passwords stay out of it.

    Raises:
        UnavailableError: it cannot be written; those before it are untouched.
    """
    path = folder / f"checkpoint-{checkpoint.updates:09d}.safetensors"
    partial = path.with_suffix(".partial")
    about = {
        "config": without_secrets(checkpoint.config).model_dump(mode="json"),
        "updates": checkpoint.updates,
        "steps": checkpoint.steps,
        "version": checkpoint.version,
        "counters": checkpoint.counters,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(checkpoint.tensors, partial, metadata={"format": FORMAT, "about": json.dumps(about)})
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        raise UnavailableError(f"the checkpoint {path} cannot be written: {error}; is the disk full?") from None
    others = [old for old in _files(folder) if old != path]
    for old in others[kept - 1 :]:
        old.unlink(missing_ok=True)
    return path


def require_new(folder: Path) -> None:
    """Make `folder`, where there is none, before the work whose outcome it is to hold.

    Raises:
        ConfigError: it is a run or has a checkpoint, so that no state of learning is written over.
        UnavailableError: nothing can be written into it.
    """
    inner = folder / "checkpoints"
    found = inner if inner.is_dir() else next(iter(_files(folder)), None)
    if found is not None:
        raise ConfigError(f"--output {folder} holds {found.name} already; give a folder without checkpoints")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"--output {folder} cannot be made: {error}; give another folder") from None
    if not os.access(folder, os.W_OK):
        raise UnavailableError(f"--output {folder} cannot be written into; give another folder")


def acting_part(checkpoint: Checkpoint) -> Checkpoint:
    """What plays and nothing else: player and coach, without the machine's own paths. Learning cannot go on from it."""
    kept = {
        section: {field: value for field, value in fields.items() if not _is_of_a_machine(f"{section}.{field}")}
        for section, fields in checkpoint.config.model_dump(exclude_unset=True).items()
        if isinstance(fields, dict)
    }
    return replace(
        checkpoint,
        tensors={name: tensor for name, tensor in checkpoint.playing.items() if name.startswith(ACTING)},
        config=Config.model_validate(kept),
        counters={},
    )


def _is_of_a_machine(path: str) -> bool:
    return path == "run.folder" or path.startswith("redis.") or path.endswith("_file") or path == "coach.address"


def load(path: Path) -> Checkpoint:
    """Read the checkpoint at `path`: a file, a run's folder or its `checkpoints` folder (then the newest whole one).

    Raises:
        UnavailableError: there is none, or it is not a checkpoint of COPA.
    """
    if path.is_dir():
        newest = find_newest(path)
        if newest is None:
            raise UnavailableError(f"no checkpoint in {path}; give a .safetensors file or the folder of a run")
        path = newest
    if not path.exists():
        raise UnavailableError(f"no checkpoint at {path}; give a .safetensors file or the folder of a run")
    try:
        with safe_open(path, framework="pt") as file:
            about = _about(file.metadata())
            if about is None:
                raise UnavailableError(f"{path} is a safetensors file, but not a checkpoint of this version of COPA")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        raise UnavailableError(f"{path} is damaged or not a checkpoint: {error}") from None
    return Checkpoint(
        tensors=tensors,
        config=_config(path, about["config"]),
        updates=about["updates"],
        steps=about["steps"],
        version=about["version"],
        counters=about["counters"],
    )


def _config(path: Path, settings: Mapping[str, Any]) -> Config:
    """The settings a checkpoint was made with; raises UnavailableError where this version has no such settings."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        raise UnavailableError(
            f"{path} was made by another version of COPA, whose setting {'.'.join(map(str, first['loc']))} ="
            f" {first['input']!r} this one does not take ({first['msg']}); use the version that made it"
        ) from None


def find_newest(folder: Path) -> Path | None:
    """The newest whole checkpoint in a run's folder or a `checkpoints` folder."""
    inner = folder / "checkpoints"
    for path in _files(inner if inner.is_dir() else folder):
        try:
            with safe_open(path, framework="pt") as file:
                if _about(file.metadata()) is not None:
                    return path
        except (SafetensorError, OSError):
            continue
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*.safetensors"), reverse=True)


def _about(metadata: Mapping[str, str] | None) -> dict[str, Any] | None:
    if metadata is None or metadata.get("format") != FORMAT:
        return None
    about: dict[str, Any] = json.loads(metadata["about"])
    return about
