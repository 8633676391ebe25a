"""A learner in this process against a real server: what it keeps, publishes, owes and refuses."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from copa import checkpoint
from copa.assembly import open_replay, record_layout
from copa.config.schema import Config
from copa.errors import ConfigError, DataError, MismatchError, UnavailableError
from copa.learning import Outcome, Peers, Place, TorchBatch, UpdateRule
from copa.replay.server import RunningServer, running
from copa.run_folder import RunFolder
from copa.runtime import Process
from copa.tasks import task_spec
from copa.weights import WeightStore
from learner.loop import Learner
from learner.main import choose_device
from learner.publisher import Publisher
from learner.resume import resume
from tests.actor.test_outbox import SEGMENTS, T, played

BATCH = 16
SUMS = 5
"""That an update of `copa` makes over all processes: steps, agents, gradients of both groups, scalars."""
CPU = torch.device("cpu")
NEEDS_GPU = (pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))


def settings(server: RunningServer, folder: Path, **changes: dict[str, object]) -> Config:
    sections: dict[str, dict[str, object]] = {
        "run": {"folder": folder, "steps": 100_000},
        "redis": {"url": server.url, "patience": 20.0},
        "nets": {"width": 8, "heads": 2, "attention": "masked"},
        "learning": {"batch": BATCH, "steps_per_update": 8},
        "replay": {"capacity": 2000, "minimum": 64},
        "learner": {"log_seconds": 0.05, "publish_seconds": 0.0, "publish_updates": 1, "checkpoint_seconds": 60.0},
        "telemetry": {"tensorboard": False},
    }
    for name, change in changes.items():
        sections[name] |= change
    return Config.model_validate(sections)


def fill(config: Config, pushes: int) -> None:
    replay = open_replay(config)
    lease = replay.lease_actor()
    layout = record_layout(config)
    for number in range(pushes):
        part = played(number)
        count = (number + 1) * SEGMENTS
        replay.push(lease, layout.push(part.segments, sequence=number, steps_total=count * T, segments_total=count))


class Run:
    """One life of a learner, in a thread."""

    def __init__(self, config: Config, device: torch.device = CPU) -> None:
        self.folder = RunFolder.at(config)
        self.rule = UpdateRule(task_spec("resource_collection"), config, device)
        self.replay = open_replay(config)
        self.progress = resume(config, self.rule, self.replay, self.folder)
        self.frame = Process("learner", 0)
        store = WeightStore(config.redis, config.run.name)
        self.learner = Learner(config, self.folder, self.rule, self.replay, store, device, self.progress)
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._work)

    def _work(self) -> None:
        try:
            self.learner.run(self.frame)
        except Exception as error:
            self.failure = error

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.frame.stopping.set()
        self.wait()

    def wait(self) -> None:
        self._thread.join(30.0)
        assert not self._thread.is_alive()


@contextmanager
def prepared(tmp_path: Path, **changes: dict[str, object]) -> Iterator[tuple[RunningServer, Config]]:
    with running() as server:
        config = settings(server, tmp_path / "run", **changes)
        yield server, config


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_stop_keeps_exactly_the_updates_made_and_owes_the_batches_drawn_ahead(tmp_path: Path) -> None:
    with prepared(tmp_path) as (_, config):
        first = Run(config)
        fill(config, 40)
        first.start()
        until(lambda: first.rule.updates >= 5)
        first.stop()
        saved = checkpoint.load(first.folder.path)
        assert saved.updates == first.rule.updates
        assert saved.counters["sampled"] == saved.updates * BATCH
        assert saved.steps == 40 * SEGMENTS * T

        second = Run(config)
        assert second.rule.updates == saved.updates
        assert second.replay.stats().sampled == saved.updates * BATCH
        assert second.replay.stats().steps == saved.steps
        second.start()
        until(lambda: second.rule.updates > saved.updates)
        second.stop()
        assert checkpoint.load(second.folder.path).counters["sampled"] == second.rule.updates * BATCH


def test_averages_are_published_beside_the_weights_and_kept(tmp_path: Path) -> None:
    with prepared(tmp_path, learning={"averaging_rate": 0.1}) as (_, config):
        run = Run(config)
        fill(config, 40)
        run.start()
        until(lambda: run.rule.updates >= 5)
        run.stop()
        learned = WeightStore(config.redis, config.run.name).pull()
        averages = WeightStore(config.redis, config.run.name, averages=True).pull()
        saved = checkpoint.load(run.folder.path)
        assert learned is not None
        assert averages is not None
        assert learned.updates == averages.updates == saved.updates
        for name, tensor in averages.tensors.items():
            assert torch.equal(tensor, saved.tensors[f"averaged_{name}"])
            assert torch.equal(tensor, saved.playing[name])
            assert torch.equal(learned.tensors[name], saved.tensors[name])
        assert any(not torch.equal(learned.tensors[name], tensor) for name, tensor in averages.tensors.items())


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_updates_tell_the_sampler_what_they_found(tmp_path: Path, device: str) -> None:
    """Weights of batches are those of unlike chances once updates have been made."""
    with prepared(tmp_path, replay={"priority": 1.0, "importance": 1.0}) as (_, config):
        run = Run(config, torch.device(device))
        weights: list[torch.Tensor] = []
        update = run.rule.update

        def watched(batch: TorchBatch, *, progress: float) -> Outcome:
            weights.extend(part.weights.cpu() for part in batch.parts if part.weights is not None)
            return update(batch, progress=progress)

        run.rule.update = watched  # type: ignore[method-assign, assignment]
        fill(config, 40)
        run.start()
        until(lambda: run.rule.updates >= 20)
        run.stop()
        assert run.failure is None
        torch.testing.assert_close(weights[0], torch.ones(BATCH))
        assert weights[-1].std() > 0.1


def test_a_learner_that_died_before_its_first_checkpoint_owes_everything(tmp_path: Path) -> None:
    with prepared(tmp_path) as (_, config):
        first = Run(config)
        fill(config, 40)
        for _ in range(4):
            assert first.replay.permit(BATCH).granted
        assert Run(config).replay.stats().sampled == 0


def test_counters_survive_a_server_that_comes_back_empty(tmp_path: Path) -> None:
    with prepared(tmp_path) as (server, config):
        first = Run(config)
        fill(config, 40)
        first.start()
        until(lambda: first.rule.updates >= 5)
        first.stop()
        saved = checkpoint.load(first.folder.path)
        version = saved.version
        open_replay(config).link.command("FLUSHALL")
        second = Run(config)
        stats = second.replay.stats()
        assert (stats.steps, stats.sampled) == (saved.steps, saved.counters["sampled"])
        second.start()
        store = WeightStore(config.redis, config.run.name)
        until(lambda: store.latest() > version)
        second.stop()
        assert server.process.poll() is None


def test_a_checkpoint_is_written_although_redis_is_gone(tmp_path: Path) -> None:
    with prepared(tmp_path) as (server, config):
        run = Run(config)
        fill(config, 40)
        run.start()
        until(lambda: run.rule.updates >= 3)
        server.kill()
        began = time.monotonic()
        run.stop()
        assert checkpoint.load(run.folder.path).updates == run.rule.updates
        assert time.monotonic() - began < 8.0


def test_learning_that_diverges_stops_and_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    with prepared(tmp_path, learning={"reward_scale": 1e30}) as (_, config):
        run = Run(config)
        fill(config, 40)
        run.start()
        run.wait()
        assert isinstance(run.failure, DataError)
        assert "learning diverged" in str(run.failure)
        assert checkpoint.find_newest(run.folder.path) is None


def test_processes_that_have_come_to_differ_leave_the_last_good_checkpoint(tmp_path: Path) -> None:
    class Differing(Peers):
        def same(self, tensor: torch.Tensor) -> bool:
            return False

    with prepared(tmp_path) as (_, config):
        run = Run(config)
        fill(config, 40)
        run.rule.peers = Differing(Place())
        run.start()
        run.wait()
        assert isinstance(run.failure, MismatchError)
        assert checkpoint.find_newest(run.folder.path) is None


def test_a_process_that_goes_during_an_update_leaves_that_update_undone(tmp_path: Path) -> None:
    class Leaving(Peers):
        """The others go at the last sum of the sixth update."""

        sums = 0

        def add(self, tensor: torch.Tensor) -> torch.Tensor:
            self.sums += 1
            if self.sums == 6 * SUMS:
                raise UnavailableError("the others are gone")
            return tensor

    with prepared(tmp_path) as (_, config):
        run = Run(config)
        fill(config, 40)
        run.rule.peers = Leaving(Place())
        run.start()
        run.wait()
        assert isinstance(run.failure, UnavailableError)
        saved = checkpoint.load(run.folder.path)
        assert saved.updates == 5
        assert saved.counters["sampled"] == 5 * BATCH


def test_another_task_is_refused(tmp_path: Path) -> None:
    with prepared(tmp_path) as (_, config):
        run = Run(config)
        fill(config, 10)
        run.start()
        until(lambda: run.rule.updates >= 1)
        run.stop()
        other = config.model_copy(update={"method": config.method.model_copy(update={"name": "aqmix"})})
        with pytest.raises(MismatchError, match=r"method\.name = copa"):
            Run(other)


def test_the_publisher_goes_on_after_redis_had_no_memory(tmp_path: Path) -> None:
    with prepared(tmp_path) as (_, config):
        link = open_replay(config).link
        store = WeightStore(config.redis, config.run.name)
        publisher = Publisher(store, 0.0, 1, newer_than=464)
        link.command("CONFIG", "SET", "maxmemory", "1")
        publisher.offer({"player.x": torch.zeros(1000)}, 1)
        time.sleep(0.5)
        assert publisher.version == 464
        publisher.offer({"player.x": torch.ones(1000)}, 2)
        link.command("CONFIG", "SET", "maxmemory", "0")
        until(lambda: publisher.version > 464)
        publisher.close(5.0)
        published = store.pull(464)
        assert published is not None
        assert published.updates == 2


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "nonsense"])
def test_a_device_that_is_not_here_is_named(device: str) -> None:
    config = Config.model_validate({"learner": {"device": device}})
    with pytest.raises(ConfigError, match=r"learner\.device"):
        choose_device(config, Place())


def test_one_gpu_is_not_for_several_processes() -> None:
    config = Config.model_validate({"learner": {"device": "cuda:0"}})
    with pytest.raises(ConfigError, match="one GPU for 2 processes"):
        choose_device(config, Place(rank=1, count=2, local_rank=1, on_this_machine=2))


def test_each_process_needs_a_gpu() -> None:
    config = Config.model_validate({"learner": {"device": "cuda"}})
    there = torch.cuda.device_count()
    last = Place(rank=there, count=there + 1, local_rank=there, on_this_machine=there + 1)
    with pytest.raises(ConfigError, match=f"there are {there} usable GPUs"):
        choose_device(config, last)
