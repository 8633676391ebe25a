"""`python -m tests.tasks.starcraft.standin -listen 127.0.0.1 -port P -dataDir D -tempDir T`, as the game is started."""

import argparse
import os
import socket
import time
from pathlib import Path

from s2clientprotocol import sc2api_pb2

from tests.tasks.starcraft.standin.game import Game
from tests.tasks.starcraft.standin.websocket import Connection


def main() -> None:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-listen", required=True)
    parser.add_argument("-port", type=int, required=True)
    parser.add_argument("-dataDir", type=Path, required=True)
    parser.add_argument("-tempDir", type=Path, required=True)
    options, _ = parser.parse_known_args()  # clients add some that are about graphics
    assert options.dataDir.is_dir()
    assert options.tempDir.is_dir()
    time.sleep(float(os.environ.get("STANDIN_START_SECONDS", "0")))
    game = Game()
    with socket.create_server((options.listen, options.port)) as server:
        while True:
            end, _ = server.accept()
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with end:
                if serve(Connection(end), game):
                    return


def serve(connection: Connection, game: Game) -> bool:
    """Answer one client; returns whether it told the game to end."""
    if not connection.shake_hands():
        return False
    for message in connection.messages():
        request = sc2api_pb2.Request.FromString(message)
        if request.HasField("quit"):
            return True
        connection.send(game.answer(request).SerializeToString())
    return False


if __name__ == "__main__":
    main()
