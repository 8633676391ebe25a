"""Where the service may listen."""

import socket as sockets
from pathlib import Path

import pytest

from copa.coaching.address import Address
from copa.errors import ConfigError, UnavailableError
from tests.coach.parts import FIRST, Loop, calling, make_config


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("127.0.0.1:50051", "127.0.0.1:50051"),
        ("localhost:0", "localhost:0"),
        ("[::1]:50051", "[::1]:50051"),
        ("unix:/tmp/coach", "unix:/tmp/coach"),
        ("unix:///tmp/coach", "unix:/tmp/coach"),
    ],
)
def test_local_addresses(text: str, target: str) -> None:
    address = Address.parse(text)
    assert address.target == target
    assert address.local


@pytest.mark.parametrize(
    "text", ["", "50051", ":50051", "host", "host:port", "host:-1", "host:65536", "unix:", "unix:/" + 120 * "x"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^coach\.address: "):
        Address.parse(text)


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"coach\.address: host 'nowhere\.invalid' is not known"):
        _ = Address.parse("nowhere.invalid:50051").local


@pytest.mark.parametrize("text", ["0.0.0.0:0", "[::]:0"])
def test_listening_beyond_this_machine_must_be_allowed(loop: Loop, text: str) -> None:
    with pytest.raises(ConfigError, match=r"coach\.insecure"), loop.serving(make_config(text), FIRST):
        pass
    if text.startswith("0"):
        with loop.serving(make_config(text, insecure=True), FIRST) as (_, address), calling(address):
            pass


def test_a_port_in_use_is_refused(loop: Loop) -> None:
    with sockets.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"{address} is in use"), loop.serving(make_config(address), FIRST):
            pass


def test_two_services_do_not_share_a_port(loop: Loop) -> None:
    with (
        loop.serving(make_config("127.0.0.1:0"), FIRST) as (_, address),
        pytest.raises(UnavailableError, match="is in use"),
        loop.serving(make_config(address), FIRST),
    ):
        pass


def test_a_unix_socket_in_use_is_refused_and_a_stale_one_taken_over(loop: Loop, socket: str) -> None:
    path = Path(socket.removeprefix("unix:"))
    with sockets.socket(sockets.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(UnavailableError, match="is in use"), loop.serving(make_config(socket), FIRST):
            pass
    assert path.exists()
    with loop.serving(make_config(socket), FIRST), calling(socket):
        pass


def test_a_file_is_not_overwritten_by_a_socket(loop: Loop, socket: str) -> None:
    path = Path(socket.removeprefix("unix:"))
    path.write_text("precious")
    with pytest.raises(UnavailableError, match="is no socket"), loop.serving(make_config(socket), FIRST):
        pass
    assert path.read_text() == "precious"
    with pytest.raises(UnavailableError, match="no folder"), loop.serving(make_config(f"{socket}-no/x"), FIRST):
        pass
