"""A run whose segments are on two shards, one of which is killed while it trains."""

import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from copa.assembly import open_replay
from copa.replay import ShardedReplay
from copa.replay.server import running
from copa.run_folder import RunFolder
from tests.system.conftest import Start, copa, inspected, lines, steps
from tests.system.test_deaths import holes

AWAY_SECONDS = 1.0


def test_a_run_outlives_one_of_its_shards(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with ExitStack() as stack:
        home, *shards = (stack.enter_context(running(tmp_path / str(number))) for number in range(3))
        servers = ("--redis.url", home.url, "--redis.shards", ",".join(shard.url for shard in shards))
        sizes = (
            "--run.steps",
            "6000",
            "--replay.capacity",
            "40000",
            "--actor.count",
            "2",
            "--evaluator.final_episodes",
            "0",
        )
        quiet = ("--telemetry.tensorboard", "false", "--run-dir", str(folder))
        run = start("--preset", "smoke", *servers, *sizes, *quiet)
        run.until(lambda: steps(folder) > 1500, "some play")
        shards[1].kill()
        time.sleep(AWAY_SECONDS)
        shards[1].start()
        assert run.wait() == 0, run.said()
        assert not [line for line in lines(folder, "supervisor") if line.get("event") == "death"], run.said()

        replay = open_replay(RunFolder.open(folder).config())
        assert isinstance(replay, ShardedReplay)
        stats, parts = replay.stats(), [shard.stats() for shard in replay.shards]
        assert stats.steps >= 6_000
        assert [part.server_restarts for part in parts] == [0, 1]
        assert min(part.inserted for part in parts) > 0
        assert stats.inserted == sum(part.inserted + part.lost for part in parts), (
            "what was acknowledged is accounted for"
        )
        share = parts[0].capacity
        slots = [number * share + np.arange(part.segments) for number, part in enumerate(parts)]
        records = [record for record in replay.read(np.concatenate(slots)) if record is not None]
        assert len(records) == stats.segments == stats.inserted - stats.lost
        assert holes(replay.layout.decode(records)) <= stats.lost

        found = inspected(folder)
        assert [found[f"shard {number}"]["state"]["inserted"] for number in (0, 1)] == [part.inserted for part in parts]
        told = max(lines(folder, "learner"), key=lambda line: line["replay"]["segments"])
        assert told["replay"]["segments"] <= stats.segments
        assert told["replay"]["segments"] * replay.layout.T > 0.75 * told["steps"], "of both shards; one has half of it"
        export = copa("replay", "export", "--run-dir", str(folder), "--output", str(tmp_path / "replay"))
        assert f"{stats.segments} segments written" in export.stdout, export.stderr
        reset = copa("replay", "reset", "--run-dir", str(folder), "--yes")
        assert reset.returncode == 0, reset.stderr
        assert not [key for shard in replay.shards for key in shard.link.client.scan_iter("copa:*")]
