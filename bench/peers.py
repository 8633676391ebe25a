"""Seconds per update of a learner of two processes over Gloo, a thread each, beside one process with the whole batch.

Each is started by `torchrun`, so that both have the same environment; they take turns, and the medians are compared.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import torch

from bench.report import Row, main
from bench.update import SPEC, random_segments
from copa import arithmetic
from copa.config.load import resolve
from copa.learning import UpdateRule, meet, place, to_device

PROCESSES = 2
TEAMS = (2, 3, 4)
WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Case:
    """Sizes of an update."""

    preset: str
    segments: int


CASES = (Case("paper", 512), Case("paper", 128), Case("quick", 512), Case("quick", 128))
QUICK_CASES = CASES[-1:]


def measure(preset: str, segments: int, updates: int) -> list[float]:
    """Seconds of each of this process's updates, made together with its peers where it has some."""
    arithmetic.prepare(1)
    device, here = torch.device("cpu"), place()
    peers = meet(here, device)
    config = resolve(preset=preset, flags={"learning.batch": str(segments)}).config
    rule = UpdateRule(SPEC, config, device, peers)
    share = random_segments(segments // here.count, config.segment_steps, TEAMS, seed=here.rank)
    batch = to_device(share, device)
    times = []
    for _ in range(WARM_UP + updates):
        start = time.perf_counter()
        rule.update(batch, progress=0.0)
        times.append(time.perf_counter() - start)
    peers.close()
    return times[WARM_UP:] if here.rank == 0 else []


def seconds(processes: int, case: Case, updates: int) -> list[float]:
    """`measure` in so many processes."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    what = ["-m", "bench.peers", "--measure", case.preset, str(case.segments), str(updates)]
    with tempfile.TemporaryDirectory() as notes:
        done = subprocess.run([*launch, "--log-dir", notes, *what], stdout=subprocess.PIPE, check=True)
    times: list[float] = json.loads(done.stdout)
    return times


def run(quick: bool = False) -> list[Row]:
    """Seconds per update of two processes beside one."""
    rows = []
    for case in QUICK_CASES if quick else CASES:
        shared: list[float] = []
        alone: list[float] = []
        for _ in range(1 if quick else 3):
            alone += seconds(1, case, 10)
            shared += seconds(PROCESSES, case, 10)
        name = f"update of {PROCESSES} processes, {case.segments} segments, sizes of {case.preset}"
        ours, baseline = statistics.median(shared), statistics.median(alone)
        rows.append(Row(name, ours, baseline, "s", "one process", better="lower"))
    return rows


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        found = measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        if found:
            print(json.dumps(found), flush=True)
        os._exit(0)  # as roles end
    main(run)
