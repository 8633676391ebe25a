"""The game without `smac`: started here, and spoken to by the messages of its protocol over a websocket."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any

import websocket
from s2clientprotocol import common_pb2, sc2api_pb2

from .failures import LostError
from .installation import Installation
from .lifetime import start_game

START_SECONDS = 180.0
ANSWER_SECONDS = 90.0
ADDRESS = "127.0.0.1"


class Game:
    """A running game, and the connection to it: `copa.tasks.starcraft.sc2.game_host.battle.Controller`."""

    def __init__(self, installation: Installation, port: int) -> None:
        self._folder = tempfile.mkdtemp(prefix="sc-")
        self._process = start_game(
            [
                *(str(installation.binary), "-listen", ADDRESS, "-port", str(port)),
                *("-dataDir", f"{installation.folder}/", "-tempDir", f"{self._folder}/"),
            ],
            environment=os.environ | {"LD_LIBRARY_PATH": _libraries(installation)},
        )
        try:
            self._line: Any = _connect(self._process, port)
        except BaseException:
            self._end()
            raise
        self._asked = 0

    @property
    def controller(self) -> "Game":
        """This."""
        return self

    def begin(self, installation: Installation, seed: int) -> None:
        """Start a match on the map against the computer; raises LostError where the game refuses."""
        create = sc2api_pb2.RequestCreateGame(
            local_map=sc2api_pb2.LocalMap(map_path=installation.map.name, map_data=installation.map.read_bytes()),
            realtime=False,
            random_seed=seed,
        )
        create.player_setup.add(type=sc2api_pb2.Participant)
        create.player_setup.add(type=sc2api_pb2.Computer, race=common_pb2.Protoss, difficulty=sc2api_pb2.VeryHard)
        join = sc2api_pb2.RequestJoinGame(
            race=common_pb2.Protoss, options=sc2api_pb2.InterfaceOptions(raw=True, score=False)
        )
        for name, request in (("create_game", create), ("join_game", join)):
            answer = self._ask(name, request)
            if answer.HasField("error"):
                raise LostError(f"the game refused {name}: error {answer.error} {answer.error_details}")

    def observe(self) -> Any:
        """What the game shows now."""
        return self._ask("observation", sc2api_pb2.RequestObservation())

    def step(self, count: int) -> Any:
        """Let `count` loops pass."""
        return self._ask("step", sc2api_pb2.RequestStep(count=count))

    def actions(self, request: Any) -> Any:
        """Give orders."""
        return self._ask("action", request)

    def debug(self, commands: Any) -> Any:
        """Change the game."""
        return self._ask("debug", sc2api_pb2.RequestDebug(debug=commands))

    def game_info(self) -> Any:
        """The map."""
        return self._ask("game_info", sc2api_pb2.RequestGameInfo())

    def data_raw(self) -> Any:
        """All unit types."""
        return self._ask("data", sc2api_pb2.RequestData(unit_type_id=True))

    def close(self) -> None:
        """End the game."""
        self._line.shutdown()
        self._end()

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, name: str, request: Any) -> Any:
        """The answer to one request, both in the field `name`; raises LostError where the game has another."""
        self._asked += 1
        self._line.send_binary(sc2api_pb2.Request(id=self._asked, **{name: request}).SerializeToString())
        answer = sc2api_pb2.Response.FromString(self._line.recv())
        if answer.error or answer.id != self._asked:
            raise LostError(f"the game answered {name} by {'; '.join(answer.error) or f'message {answer.id}'}")
        return getattr(answer, name)


def open_game(installation: Installation, seed: int) -> Game:
    """Start the game and a match in it; raises LostError where it does not start."""
    game = Game(installation, _free_port())
    try:
        game.begin(installation, seed)
    except BaseException:
        game.close()
        raise
    return game


def _connect(process: "subprocess.Popen[bytes]", port: int) -> Any:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        try:
            return websocket.create_connection(f"ws://{ADDRESS}:{port}/sc2api", timeout=ANSWER_SECONDS)
        except (OSError, websocket.WebSocketException) as error:
            if time.monotonic() > deadline:
                raise LostError(f"the game did not answer on port {port} within {START_SECONDS:g} s") from error
            time.sleep(0.1)
    raise LostError(f"the game ended with code {process.returncode} before it answered")


def _libraries(installation: Installation) -> str:
    """Where the game finds libraries of its own."""
    return os.pathsep.join(filter(None, (str(installation.folder / "Libs"), os.environ.get("LD_LIBRARY_PATH"))))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])
