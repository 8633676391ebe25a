"""Engines by name, imported when they are asked for: the game's needs what most machines do not have."""

import pkgutil
from typing import Literal, cast

from copa.errors import UnavailableError
from copa.tasks.starcraft.units import Engine

EngineName = Literal["micro", "sc2"]
ENGINES: dict[EngineName, str] = {
    "micro": "copa.tasks.starcraft.micro:MicroEngine",
    "sc2": "copa.tasks.starcraft.sc2:GameEngine",
}
"""Classes, made with (battles, seed)."""


def make_engine(name: EngineName, battles: int, seed: int) -> Engine:
    """An engine for so many battles; raises UnavailableError where it cannot be had on this machine."""
    try:
        kind = pkgutil.resolve_name(ENGINES[name])
    except ImportError as error:
        raise UnavailableError(
            f"task option engine is {name!r}, which cannot be loaded here ({error}); allowed are {', '.join(ENGINES)},"
            " of which micro needs nothing beside this package."
        ) from error
    return cast(Engine, kind(battles, seed))
