"""What the client `direct` says to the game, and which game it finds; the other end of the line is a script."""

from pathlib import Path

import pytest
from s2clientprotocol import common_pb2, sc2api_pb2

from copa.tasks.starcraft.sc2.game_host.direct_client import Game
from copa.tasks.starcraft.sc2.game_host.failures import LostError, MissingError
from copa.tasks.starcraft.sc2.game_host.installation import find_installation
from tests.tasks.starcraft.standin import install


class Line:
    """Gives the answers, in order, and keeps what was asked."""

    def __init__(self, *answers: sc2api_pb2.Response) -> None:
        self.answers, self.asked = list(answers), list[sc2api_pb2.Request]()

    def send_binary(self, message: bytes) -> None:
        self.asked.append(sc2api_pb2.Request.FromString(message))

    def recv(self) -> bytes:
        message: bytes = self.answers.pop(0).SerializeToString()
        return message


def joined_to(line: Line) -> Game:
    """The client at the end of a line, without a process."""
    game = Game.__new__(Game)
    game._line, game._asked = line, 0
    return game


def test_a_match_is_made_as_the_protocol_has_it(game: Path) -> None:
    line = Line(
        sc2api_pb2.Response(id=1, create_game=sc2api_pb2.ResponseCreateGame()),
        sc2api_pb2.Response(id=2, join_game=sc2api_pb2.ResponseJoinGame()),
    )
    installation = find_installation()
    joined_to(line).begin(installation, 77)
    create, join = line.asked[0].create_game, line.asked[1].join_game
    assert create.local_map.map_path == "empty_passive.SC2Map"
    assert create.local_map.map_data == installation.map.read_bytes()
    assert (create.realtime, create.random_seed) == (False, 77)
    participant, computer = create.player_setup
    assert (participant.type, computer.type) == (sc2api_pb2.Participant, sc2api_pb2.Computer)
    assert computer.difficulty == sc2api_pb2.VeryHard
    assert (join.options.raw, join.options.score) == (True, False)
    assert join.race == computer.race == common_pb2.Protoss


def test_a_game_that_refuses_or_answers_another_question_is_lost(game: Path) -> None:
    refused = sc2api_pb2.ResponseCreateGame(error=sc2api_pb2.ResponseCreateGame.InvalidMapData, error_details="torn")
    with pytest.raises(LostError, match="refused create_game: error 3 torn"):
        joined_to(Line(sc2api_pb2.Response(id=1, create_game=refused))).begin(find_installation(), 0)
    with pytest.raises(LostError, match="answered observation by one; two"):
        joined_to(Line(sc2api_pb2.Response(id=1, error=["one", "two"]))).observe()
    with pytest.raises(LostError, match="answered step by message 7"):
        joined_to(Line(sc2api_pb2.Response(id=7))).step(1)


def test_the_newest_version_is_started(game: Path) -> None:
    for version in ("Base9999", "Base80000", "Base90000-old"):
        (game / "Versions" / version).mkdir()
        (game / "Versions" / version / "SC2_x64").touch(0o755)
    assert find_installation().binary.parent.name == "Base80000"


def test_without_sc2path_the_game_is_looked_for_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SC2PATH", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(MissingError, match=f"no StarCraft II in {tmp_path}/StarCraftII"):
        find_installation()
    install(tmp_path / "StarCraftII")
    assert find_installation().folder == tmp_path / "StarCraftII"
