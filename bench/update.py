"""Seconds per learner update, at Table 3's sizes and with the quick recipe, beside recorded figures.

Those of the published program and of an earlier prototype were taken on the same class of machine; ours are measured
here. `python -m bench.update --profile` says instead which operations an update's time goes to.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
import torch

from bench.report import Row, main
from copa import arithmetic
from copa.config.load import resolve
from copa.config.schema import Config
from copa.learning import UpdateRule, to_device
from copa.segments import NO_ACTION, Segments
from copa.tasks import task_spec
from copa.tasks.base import TaskSpec

SPEC = task_spec("resource_collection")
PUBLISHED = "published program (recorded)"
PROTOTYPE = "prototype (recorded)"


@dataclass(frozen=True, slots=True)
class Case:
    """An update whose time was recorded."""

    preset: str
    segments: int
    threads: int
    recorded: dict[str, float]
    """Seconds, by whose they are."""
    teams: tuple[int, ...] = (4,)
    """Team sizes, in equal shares."""


CASES = (
    Case("paper", 512, 2, {PUBLISHED: 1.6, PROTOTYPE: 0.53}),
    Case("paper", 512, 2, {PUBLISHED: 1.6}, teams=(2, 3, 4)),
    Case("paper", 512, 1, {PROTOTYPE: 1.00}),
    Case("paper", 256, 2, {PROTOTYPE: 0.26}),
    Case("paper", 128, 2, {PROTOTYPE: 0.146}),
    Case("quick", 512, 1, {PROTOTYPE: 0.31}),
    Case("quick", 128, 1, {PROTOTYPE: 0.076}),
)
QUICK_CASES = (CASES[0], CASES[-1])
BATCHES = 4
"""Batches that take turns, each with teams of its own."""
PROFILED = (Case("paper", 512, 1, {}), Case("quick", 64, 1, {}))
PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm", "aten::addmm_", "aten::baddbmm_")
LISTED = 12
"""Operations that a profile lists."""


def random_segments(count: int, T: int, teams: tuple[int, ...], seed: int = 0, spec: TaskSpec = SPEC) -> Segments:
    """Segments of random numbers, with teams of the given sizes at random."""
    rng = np.random.default_rng(seed)
    views, slots, rows = T + 1, spec.slots, spec.rows
    members = np.arange(slots) < rng.choice(teams, count)[:, None]
    there = np.concatenate([members, np.ones((count, spec.entity_rows), np.bool_)], 1)
    present = np.broadcast_to((members[:, :, None] & there[:, None, :])[:, None], (count, views, slots, rows)).copy()
    near = rng.random((count, views, slots, rows)) < 0.3
    near[..., np.arange(slots), np.arange(slots)] = True
    return Segments(
        agents=rng.standard_normal((count, views, slots, spec.agent_features), np.float32),
        traits=rng.random((count, views, slots, spec.trait_features), np.float32),
        entities=rng.standard_normal((count, views, spec.entity_rows, spec.entity_features), np.float32),
        visible=present & near,
        present=present,
        available=np.ones((count, views, slots, len(spec.actions)), np.bool_),
        actions=rng.integers(0, len(spec.actions), (count, T, slots)),
        rewards=rng.standard_normal((count, T)).astype(np.float32),
        lengths=np.full(count, T),
        terminated=np.zeros(count, np.bool_),
        episode_end=np.zeros(count, np.bool_),
        previous=np.full((count, slots), NO_ACTION),
        memory=np.zeros((count, slots, 0), np.float32),
        episodes=np.zeros(count, np.int64),
        first_steps=np.zeros(count, np.int64),
        player_versions=np.zeros(count, np.int64),
        coach_versions=np.zeros(count, np.int64),
    )


def seconds_per_update(
    config: Config, teams: tuple[int, ...], *, threads: int, repeats: int, spec: TaskSpec = SPEC
) -> float:
    """The fastest of `repeats` updates, the batches already being on the device."""
    arithmetic.prepare(threads)
    device = torch.device("cpu")
    rule = UpdateRule(spec, config, device)
    batches = [
        to_device(random_segments(rule.method.batch(config), config.segment_steps, teams, seed, spec), device)
        for seed in range(BATCHES)
    ]
    times = []
    for turn in range(repeats + BATCHES):
        start = time.perf_counter()
        rule.update(batches[turn % BATCHES], progress=0.0)
        times.append(time.perf_counter() - start)
    return min(times[BATCHES:])


def run(quick: bool = False) -> list[Row]:
    """Seconds per update beside what was recorded."""
    rows = []
    for case in QUICK_CASES if quick else CASES:
        config = resolve(preset=case.preset, flags={"learning.batch": str(case.segments)}).config
        ours = seconds_per_update(config, case.teams, threads=case.threads, repeats=3 if quick else 10)
        label = f"update, {case.segments} segments, width {config.nets.width}, {case.threads} thread(s)"
        team = ", ".join(str(size) for size in case.teams)
        rows += [
            Row(f"{label}, teams of {team}", ours, seconds, "s", name, better="lower")
            for name, seconds in case.recorded.items()
        ]
    return rows


def profile(case: Case, teams: tuple[int, ...] = (2, 3, 4), updates: int = 5) -> None:
    """Print the operations that take most of the processor's time, and the share of matrix products."""
    arithmetic.prepare(case.threads)
    device = torch.device("cpu")
    rule = UpdateRule(SPEC, resolve(preset=case.preset, flags={"learning.batch": str(case.segments)}).config, device)
    batch = to_device(random_segments(case.segments, rule.config.segment_steps, teams), device)
    for _ in range(2):
        rule.update(batch, progress=0.0)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
        for _ in range(updates):
            rule.update(batch, progress=0.0)
    operations = sorted(profiler.key_averages(), key=lambda one: -one.self_cpu_time_total)
    total = sum(one.self_cpu_time_total for one in operations)
    products = sum(one.self_cpu_time_total for one in operations if one.key in PRODUCTS)
    print(
        f"{case.preset}, {case.segments} segments, {case.threads} thread(s): {total / updates / 1e3:.1f} ms an update"
    )
    print(f"  {products / total:6.1%}  matrix products: {', '.join(PRODUCTS)}")
    for one in operations[:LISTED]:
        share, milliseconds = one.self_cpu_time_total / total, one.self_cpu_time_total / updates / 1e3
        print(f"  {share:6.1%}  {one.key}: {milliseconds:.2f} ms in {one.count // updates} calls")


if __name__ == "__main__":
    if "--profile" in sys.argv:
        for each in PROFILED:
            profile(each)
    else:
        main(run)
