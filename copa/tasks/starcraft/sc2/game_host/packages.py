"""Whether this interpreter has what a client needs; each check raises MissingError that says what to do."""

import importlib
import importlib.util

from .failures import MissingError
from .installation import PAGE

SMAC_SOURCE = "https://github.com/oxwhirl/smac"
DIRECT = {"s2clientprotocol": "pys2clientprotocol", "websocket": "websocket-client"}
"""Modules that the direct client needs, and the packages that bring them."""


def check_smac() -> None:
    """The StarCraft Multi-Agent Challenge can be imported."""
    if importlib.util.find_spec("smac") is None:
        raise MissingError(f"smac is not installed for this interpreter: pip install git+{SMAC_SOURCE} ({PAGE}).")
    if importlib.util.find_spec("smac.env") is None:
        raise MissingError(
            "The package smac of this interpreter is not the StarCraft Multi-Agent Challenge: the one of that name"
            " on the package index is a hyper-parameter optimiser. pip uninstall smac, then pip install"
            f" git+{SMAC_SOURCE} ({PAGE})."
        )
    _check_import(
        "smac.env", "give smac an environment of its own, in which pip chooses the versions of everything for it"
    )


def check_direct() -> None:
    """The messages of the protocol and a websocket client can be imported."""
    missing = [package for module, package in DIRECT.items() if importlib.util.find_spec(module) is None]
    if missing:
        names = " ".join(missing)
        raise MissingError(f"Not installed for this interpreter: {names}. pip install {names} ({PAGE}).")
    _check_import(
        "s2clientprotocol.sc2api_pb2",
        "pip uninstall s2clientprotocol, then pip install --force-reinstall pys2clientprotocol: both bring the module"
        " s2clientprotocol, and the former's does not work with a new protobuf",
    )


def _check_import(module: str, remedy: str) -> None:
    try:
        importlib.import_module(module)
    except Exception as error:  # old messages with a new protobuf raise TypeError
        reason = (str(error).splitlines() or [""])[0]
        raise MissingError(
            f"{module} cannot be imported ({type(error).__name__}: {reason}): {remedy} ({PAGE})."
        ) from error
