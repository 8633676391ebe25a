"""Where the game is, checked before anything is started."""

import os
from dataclasses import dataclass
from pathlib import Path

from .failures import MissingError

MAP = "empty_passive"
MAP_FILE = Path("Maps", "SMAC_Maps", f"{MAP}.SC2Map")
PAGE = "docs/tasks/starcraft-sc2.md"


@dataclass(frozen=True)
class Installation:
    """A game that can be started."""

    folder: Path
    binary: Path
    map: Path


def find_installation() -> Installation:
    """The newest version in $SC2PATH (or ~/StarCraftII); raises MissingError naming what is not there."""
    folder = Path(os.environ.get("SC2PATH") or "~/StarCraftII").expanduser()
    if not folder.is_dir():
        raise MissingError(
            f"There is no StarCraft II in {folder}: set SC2PATH to the folder it is in, or install it ({PAGE})."
        )
    versions = {
        int(found.parent.name[len("Base") :]): found
        for found in folder.glob("Versions/Base*/SC2_x64")
        if found.parent.name[len("Base") :].isdecimal()
    }
    if not versions:
        raise MissingError(
            f"{folder} holds no Versions/Base*/SC2_x64: SC2PATH must name the folder that the game's Linux package was"
            f" unpacked to ({PAGE})."
        )
    binary = versions[max(versions)]
    if not os.access(binary, os.X_OK):
        raise MissingError(f"{binary} cannot be executed: make it executable by chmod +x.")
    if not (folder / MAP_FILE).is_file():
        raise MissingError(f"The map {folder / MAP_FILE} is missing: copy {MAP}.SC2Map there ({PAGE}).")
    return Installation(folder, binary, folder / MAP_FILE)
