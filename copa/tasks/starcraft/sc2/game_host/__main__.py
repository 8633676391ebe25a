"""`python -m game_host CLIENT SOCKET PARENT SEED`: one game, until the engine closes its end or the game is lost.

SOCKET is the number of an open file descriptor, PARENT the process that must not be outlived.
"""

import contextlib
import importlib
import socket
import sys

import numpy as np

from .failures import LostError, MissingError
from .installation import find_installation
from .lifetime import live_no_longer_than
from .packages import check_direct, check_smac
from .scratch import scratch_folder
from .wire import BEGIN_TYPE, ORDERS_TYPE, Kind, receive, send

CHECKS = {"smac": check_smac, "direct": check_direct}
"""Clients, each a module `<name>_client`, which can be imported where its check finds everything."""


def main(client: str, descriptor: int, parent: int, seed: int) -> None:
    """Serve the engine at the other end of the socket."""
    live_no_longer_than(parent)
    with scratch_folder(), socket.socket(fileno=descriptor) as end, contextlib.suppress(OSError):
        try:
            serve(end, client, seed)
        except EOFError:
            return
        except MissingError as error:
            send(end, Kind.UNAVAILABLE, str(error).encode())
        except LostError as error:
            send(end, Kind.LOST, str(error).encode())
        except Exception as error:  # each client library has errors of its own for a game that is gone
            send(end, Kind.LOST, f"{type(error).__name__}: {error}".encode())


def serve(end: socket.socket, client: str, seed: int) -> None:
    """Start the game, then answer each frame by the units, until the end raises EOFError."""
    installation = find_installation()
    CHECKS[client]()
    library = importlib.import_module(f".{client}_client", __package__)
    battle = importlib.import_module(".battle", __package__)
    with contextlib.closing(library.open_game(installation, seed)) as game:
        battles = battle.Battles(game.controller)
        while True:
            kind, payload = receive(end)
            if kind == Kind.BEGIN:
                (told,) = np.frombuffer(payload, BEGIN_TYPE)
                units = battles.begin(told["army"], told["points"])
            elif kind == Kind.STEP:
                (told,) = np.frombuffer(payload, ORDERS_TYPE)
                units = battles.step(told["kind"], told["target"], told["point"])
            else:
                raise LostError(f"the engine sent a frame of kind {kind}")
            send(end, Kind.UNITS, units.tobytes())


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
