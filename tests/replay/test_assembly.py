"""The replay that every process opens: how long it waits for an absent Redis."""

import threading
from pathlib import Path

import pytest

from copa.assembly import open_home, open_replay
from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.replay import ShardedReplay


def test_opening_ends_when_the_process_is_asked_to_stop(tmp_path: Path) -> None:
    stopping = threading.Event()
    threading.Timer(0.1, stopping.set).start()
    config = Config.model_validate({"redis": {"url": f"unix://{tmp_path}/none.sock", "patience": 600.0}})
    with pytest.raises(UnavailableError, match="Stopped while waiting for Redis"):
        open_replay(config, stopping)


def test_an_opened_replay_has_the_patience_asked_for(server_url: str) -> None:
    config = Config.model_validate({"redis": {"url": server_url, "patience": 20.0}})
    for given, patience in ((None, 20.0), (1.0, 1.0)):
        replay = open_replay(config, patience=given)
        assert replay.link.patience == patience
        replay.link.client.close()


def test_who_needs_no_segments_needs_no_shard(server_url: str, run_name: str, tmp_path: Path) -> None:
    shards = [f"unix://{tmp_path}/{number}.sock" for number in range(2)]
    redis = {"url": server_url, "shards": shards, "patience": 0.2}
    config = Config.model_validate({"run": {"name": run_name}, "redis": redis})
    replay = open_replay(config)
    assert isinstance(replay, ShardedReplay)
    assert [shard.link.address for shard in replay.shards] == shards
    with pytest.raises(UnavailableError, match=r"0\.sock could not be reached .* redis\.shards"):
        replay.claim("tests", restore=True)
    home = open_home(config)
    home.join()
    assert not home.stats().owner_alive, "a claim that failed at a shard was given back"
    for client in (home.link.client, replay.link.client):
        client.close()
