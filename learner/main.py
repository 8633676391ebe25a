"""Wire-up of the learner process."""

import os

import torch

from copa import arithmetic
from copa.assembly import open_replay
from copa.config.load import parse_role_arguments
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.learning import Place, UpdateRule, meet, place
from copa.run_folder import RunFolder
from copa.runtime import process
from copa.tasks import task_spec
from copa.weights import WeightStore
from learner.gpu import show_gpu
from learner.loop import Learner
from learner.resume import resume
from learner.together import Follower, check_settings, shares

BESIDE_LEARNER = 1
"""Cores left to the other processes."""


def main(argv: list[str]) -> None:
    """Run a learner, or one of several processes of a learner, until the run is finished or it is told to stop."""
    config, index = parse_role_arguments(argv, role="learner")
    here = place()
    if here.rank > 0:
        config = beside_the_first(config, here)
    with process("learner", config, index + here.rank) as frame:
        device = choose_device(config, here)
        show_gpu(device)
        threads = config.learner.threads or default_threads(here)
        on_processor = device.type == "cpu"
        arithmetic.prepare(threads, flush_denormals=config.learning.flush_denormals, products=on_processor)
        spec = task_spec(config.task.name, config.task.options)
        peers = meet(here, device)
        check_settings(config, peers)
        shares(config, peers)
        rule = UpdateRule(spec, config, device, peers)
        if peers.rank > 0:
            rule.agree()
            Follower(config, rule, peers, device, frame).run()
            return
        folder = RunFolder.at(config)
        config = config.model_copy(update={"run": config.run.model_copy(update={"folder": folder.path})})
        replay = open_replay(config, frame.stopping)
        progress = resume(config, rule, replay, folder)
        rule.agree()
        store = WeightStore(config.redis, config.run.name, kept=config.learner.versions_kept, stopping=frame.stopping)
        try:
            Learner(config, folder, rule, replay, store, device, progress).run(frame)
        finally:
            replay.release()


def beside_the_first(config: Config, here: Place) -> Config:
    """The configuration of a process that others do not see as the learner: a port of its own."""
    if config.telemetry.port == 0:
        return config
    telemetry = config.telemetry.model_copy(update={"port": config.telemetry.port + here.local_rank})
    return config.model_copy(update={"telemetry": telemetry})


def choose_device(config: Config, here: Place) -> torch.device:
    """The device of `learner.device`; where that is `auto` or `cuda`, a GPU for each process on this machine.

    Raises:
        ConfigError: it names a device that is not here, or one for several processes.
    """
    wanted, several = config.learner.device, here.on_this_machine > 1
    if wanted == "auto" and not torch.cuda.is_available():
        return torch.device("cpu")
    try:
        device = torch.device("cuda", here.local_rank) if wanted in ("auto", "cuda") else torch.device(wanted)
    except RuntimeError:
        raise ConfigError(f"learner.device = {wanted!r}: allowed are auto, cpu, cuda, cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"learner.device = {wanted!r}: allowed are auto, cpu, cuda, cuda:N")
    if several and wanted not in ("auto", "cuda", "cpu"):
        raise ConfigError(
            f"learner.device = {wanted!r} is one GPU for {here.on_this_machine} processes of the learner here;"
            " set learner.device to auto, so that each takes its own"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        enough = f" for {here.on_this_machine} processes of the learner" if several else ""
        raise ConfigError(
            f"learner.device = {wanted!r}: there are {torch.cuda.device_count()} usable GPUs here{enough};"
            " set learner.device to cpu, auto, or one of them"
            + (", or start as many processes as there are GPUs" if several else "")
        )
    return device


def default_threads(here: Place) -> int:
    """Threads of tensor arithmetic for a learner's process that shares the machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, (cores - BESIDE_LEARNER) // here.on_this_machine)
