"""A whole run with real processes: actors that push, a learner that is killed and replaced."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from copa.replay import Replay
from tests.replay.conftest import MakeReplay

ROOT = Path(__file__).parents[2]
COMMON = """
import sys, time
import numpy as np
from copa.config.schema import RedisSettings
from copa.replay import RecordLayout, Replay, Sampler, connect
from tests.replay.examples import small_limits, small_spec, some_segments

url, run, total = sys.argv[1], sys.argv[2], int(sys.argv[3])
layout = RecordLayout(small_spec(), 4)
replay = Replay(connect(RedisSettings(url=url)), run, layout, small_limits(total_steps=total))
"""
ACTOR = (
    COMMON
    + """
replay.join()
lease = replay.lease_actor()
sequence = segments = waits = 0
while True:
    segments += 4
    episode = replay.lease_episodes(4)
    push = layout.push(some_segments(layout.spec, 4, 4, first_episode=episode), sequence=sequence,
                       steps_total=4 * segments, segments_total=segments)
    admission = replay.push(lease, push)
    while admission.wait_seconds:
        waits += 1
        time.sleep(admission.wait_seconds)
        admission = replay.admission(lease)
    if admission.finished:
        break
    sequence += 1
replay.release_actor(lease)
print(segments, waits)
"""
)
LEARNER = (
    COMMON
    + """
replay.claim("learner")
rng, updates = np.random.default_rng(0), 0
while True:
    permit = replay.permit(8)
    if permit.finished:
        break
    if not permit.granted:
        time.sleep(permit.wait_seconds)
        continue
    assert len(Sampler(replay, rng, rewarded_share=0.5).draw(permit, 8).segments) == 8
    updates += 1
    print("update", flush=True)
replay.release()
print(updates)
"""
)


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    )


def test_a_run_of_real_processes_ends_with_its_updates_though_its_learner_is_killed(
    server_url: str, make_replay: MakeReplay
) -> None:
    total = 4000
    replay: Replay = make_replay(claim=False, total_steps=total)
    arguments = (server_url, replay.run, str(total))
    processes = [start(LEARNER, *arguments), start(ACTOR, *arguments), start(ACTOR, *arguments)]
    try:
        first = processes[0]
        assert first.stdout is not None
        for _ in range(30):
            assert first.stdout.readline() == "update\n"
        first.send_signal(signal.SIGKILL)
        first.wait()
        processes.append(start(LEARNER, *arguments))
        outputs = [process.communicate(timeout=60)[0] for process in processes[1:]]
        assert [process.returncode for process in processes[1:]] == [0, 0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    stats = replay.stats()
    segments = sum(int(output.split()[0]) for output in outputs[:2])
    assert stats.inserted == segments
    assert stats.steps == 4 * segments >= total
    assert stats.lost == stats.actors == 0
    assert stats.sampled == total // 16 * 8
    assert not stats.owner_alive
    assert int(outputs[2].split()[-1]) <= total // 16 - 30
