"""A stand-in for the game's binary: it speaks the game's protocol, and the engine `micro` fights its battles.

Like the game it goes on when its client goes, takes debug commands and orders into account with the next loop, gives
control of the enemy to whom asks for it and takes it away when asked again, and does not show the dead. The environment
variables STANDIN_MAP_SIZE and STANDIN_KNOWN_TYPES make it a game with another map, or of another version; with
STANDIN_START_SECONDS it takes so long before it can be spoken to.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
MAP = Path("Maps", "SMAC_Maps", "empty_passive.SC2Map")


def install(folder: Path) -> dict[str, str]:
    """Put the stand-in where a client looks for the game; returns what the client's environment must hold."""
    binary = folder / "Versions" / "Base75689" / "SC2_x64"
    binary.parent.mkdir(parents=True)
    binary.write_text(
        f"#!/bin/sh\ncd '{ROOT}' && PYTHONPATH= OPENBLAS_NUM_THREADS=1 exec '{sys.executable}' -m {__name__} \"$@\"\n"
    )
    binary.chmod(0o755)
    (folder / MAP).parent.mkdir(parents=True)
    (folder / MAP).write_bytes(os.urandom(70_000))
    return {"SC2PATH": str(folder)}
