"""The machine: interpreter, PyTorch, cores, memory, disk, GPU."""

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import copa
from copa.assembly import record_layout
from copa.config.schema import Config
from copa.doctor.findings import Finding
from copa.replay.session import ring_bytes
from copa.run_folder import default_path

_MIB = 2**20
CHECKPOINT_BYTES = 8 * _MIB
"""Room for one checkpoint of the paper's width and its temporary copy, about."""


def check_machine(config: Config) -> list[Finding]:
    """Of this machine, what a run of `config` needs."""
    return [_software(), _cores(config), _memory(config), _disk(config), _device(config.learner.device)]


def _software() -> Finding:
    try:
        torch = version("torch")
    except PackageNotFoundError:
        return Finding("software", "problem", "PyTorch is not installed: run `make setup`, or pip install torch.")
    return Finding("software", "ok", f"COPA {copa.__version__}, Python {platform.python_version()}, PyTorch {torch}")


def _cores(config: Config) -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = config.actor.count + 1
    if cores < 2:
        return Finding("cores", "warning", "1 core: learner and actors take turns; expect a third of the speed of two.")
    if wanted > 2 * cores and config.redis.url is None:
        return Finding(
            "cores",
            "warning",
            f"{cores} cores for {config.actor.count} actors and a learner on this machine: lower actor.count to"
            f" {cores - 1}, or play on other machines too.",
        )
    return Finding("cores", "ok", f"{cores} cores")


def _memory(config: Config) -> Finding:
    needed = ring_bytes(record_layout(config), config.replay.capacity)
    page, pages = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
    here = page * pages
    text = f"a full replay takes {needed // _MIB} MiB of Redis; this machine has {here // _MIB} MiB"
    if config.redis.url is None and needed > here // 2:
        return Finding(
            "memory",
            "problem",
            f"{text}, half of which is what one process should take: lower replay.capacity to"
            f" {config.replay.capacity * (here // 2) // needed}, or set redis.url to a server elsewhere.",
        )
    return Finding("memory", "ok", text)


def _disk(config: Config) -> Finding:
    folder = config.run.folder or default_path(config)
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    needed = (config.learner.checkpoints_kept + 1) * CHECKPOINT_BYTES
    if config.redis.url is None:
        needed += 2 * ring_bytes(record_layout(config), config.replay.capacity)
    text = f"{free // _MIB} MiB free in {there}"
    if not os.access(there, os.W_OK):
        return Finding("disk", "problem", f"{there} is not writable: choose another run.folder, or correct its rights.")
    if free < needed:
        return Finding(
            "disk",
            "problem",
            f"{text}, and checkpoints and the server's file take up to {needed // _MIB} MiB: make room, or choose"
            " another run.folder.",
        )
    return Finding("disk", "ok", text)


def _device(wanted: str) -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding("device", "problem", f"PyTorch cannot be loaded ({error}): install it anew (docs/install.md).")
    count = torch.cuda.device_count()
    if wanted.startswith("cuda") and not count:
        return Finding(
            "device",
            "problem",
            f"learner.device = {wanted}, and PyTorch {torch.__version__} finds no GPU here: install its CUDA build"
            " (docs/install.md) and the driver, or set learner.device to cpu.",
        )
    if not count:
        nvidia = Path("/proc/driver/nvidia").exists()
        hint = ": there is one, but this is the CPU build of PyTorch (docs/install.md)" if nvidia else ""
        return Finding("device", "warning" if nvidia else "ok", f"no GPU that PyTorch can use{hint}")
    names = ", ".join(torch.cuda.get_device_name(index) for index in range(count))
    return Finding("device", "ok", f"{count} GPU: {names}; the learner uses {wanted}")
