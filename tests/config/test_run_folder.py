"""The folder of a run."""

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from copa.cli.running import holding
from copa.config.load import resolve
from copa.config.schema import Config
from copa.config.urls import without_password
from copa.errors import ConfigError, MismatchError, UnavailableError
from copa.reporting import write_report
from copa.run_folder import RunFolder, default_path
from copa.runtime import process
from copa.telemetry.journal import Journal


def config_at(path: Path, **flags: str) -> Config:
    return resolve(preset="smoke", flags={"run.folder": str(path), **flags}).config


def test_create_and_open(tmp_path: Path) -> None:
    config = config_at(tmp_path / "run")
    folder = RunFolder.create(config, preset="smoke")
    again = RunFolder.open(tmp_path / "run")
    assert again.config() == config
    assert len(again.owner) == 32
    assert again.owner == folder.owner
    assert again.info()["preset"] == "smoke"
    assert {"python", "copa", "torch", "numpy"} <= set(again.info()["versions"])
    assert folder.checkpoints.is_dir()


def test_at_opens_or_creates(tmp_path: Path) -> None:
    config = config_at(tmp_path / "run")
    assert RunFolder.at(config).owner == RunFolder.at(config).owner


def test_moved_folder_knows_its_place(tmp_path: Path) -> None:
    RunFolder.create(config_at(tmp_path / "run"), preset="smoke")
    (tmp_path / "run").rename(tmp_path / "moved")
    assert RunFolder.open(tmp_path / "moved").config().run.folder == tmp_path / "moved"


def test_refuses_what_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty"):
        RunFolder.create(config_at(tmp_path), preset="smoke")
    assert (tmp_path / "notes.txt").read_text() == "mine"
    with pytest.raises(UnavailableError, match="not the folder of a run"):
        RunFolder.open(tmp_path)


def test_refuses_a_run_that_is_there(tmp_path: Path) -> None:
    config = config_at(tmp_path / "run")
    folder = RunFolder.create(config, preset="smoke")
    with folder.held(), pytest.raises(ConfigError, match="--resume"):
        RunFolder.create(config, preset="smoke")
    folder.append_metrics({"source": "actor", "steps": 1})
    with pytest.raises(ConfigError, match="--resume"):
        RunFolder.create(config, preset="smoke")


def test_a_run_that_never_began_is_begun_anew(tmp_path: Path) -> None:
    folder = RunFolder.create(config_at(tmp_path / "run"), preset="smoke")
    folder.note_start(["copa", "train"])
    folder.append_metrics({"source": "supervisor", "event": "death"})
    folder.note_end("failed")
    again = RunFolder.create(config_at(tmp_path / "run", **{"run.seed": "9"}), preset="smoke")
    assert again.owner == folder.owner
    assert again.info()["state"] == "created"
    assert again.config().run.seed == 9


def test_processes_may_come_before_the_run(tmp_path: Path) -> None:
    config = config_at(tmp_path / "run")
    with process("actor", config):
        Journal(config, "actor").write(1, {})
        folder = RunFolder.create(config, preset="smoke")
        assert [note["role"] for note in folder.notes()] == ["actor"]
    assert folder.metrics()[0]["source"] == "actor"


def test_a_process_alone_finds_its_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = resolve(preset="smoke").config
    folder = RunFolder.at(config)
    assert folder.path == tmp_path / "runs" / config.run.name
    assert RunFolder.at(config).owner == folder.owner


def test_a_full_disk_does_not_end_a_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = config_at(tmp_path / "run")
    folder = RunFolder.create(config, preset="smoke")
    folder.note_start(["copa", "train"])
    folder.metrics_file.symlink_to("/dev/full")
    folder.info_file.with_name("run.json.partial").symlink_to("/dev/full")
    journal = Journal(config, "learner")
    for steps in range(3):
        journal.write(steps, {"updates": 1})
        folder.append_metrics({"source": "supervisor"})
    journal.close()
    folder.note_end("interrupted")
    assert folder.info()["state"] == "running"
    assert not folder.info_file.with_name("run.json.partial").is_symlink()
    said = [record.getMessage() for record in caplog.records if "No space left" in record.getMessage()]
    assert [str(folder.metrics_file) in said[0], str(folder.info_file) in said[1]] == [True, True]
    assert len(said) == 2


def test_the_end_of_a_run_whose_folder_is_gone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = RunFolder.create(config_at(tmp_path / "run"), preset="smoke")
    folder.info_file.unlink()
    folder.note_end("failed")
    assert "run.json" in caplog.text


def test_a_run_whose_making_was_cut_short(tmp_path: Path) -> None:
    config = config_at(tmp_path / "run")
    folder = RunFolder.create(config, preset="smoke")
    folder.config_file.unlink()
    assert RunFolder.at(config).config() == config


def test_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be used"):
        RunFolder.create(config_at(tmp_path / "file" / "run"), preset="smoke")


def _hold(path: Path, held: "multiprocessing.synchronize.Event", done: "multiprocessing.synchronize.Event") -> None:
    with RunFolder.open(path).held():
        held.set()
        done.wait(20)


def test_a_run_whose_folder_was_copied_in_part_can_be_held(tmp_path: Path) -> None:
    folder = RunFolder.create(config_at(tmp_path / "run"), preset="quick")
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (folder.config_file, folder.info_file):
        (copy / file.name).write_bytes(file.read_bytes())
    copied = RunFolder.open(copy)
    with holding(copied.config(), copied):
        assert (copied.logs / "supervisor.log").is_file()
        assert copied.processes.is_dir()
        assert copied.checkpoints.is_dir()


def test_held_by_another_process(tmp_path: Path) -> None:
    folder = RunFolder.create(config_at(tmp_path / "run"), preset="smoke")
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(folder.path, held, done))
    other.start()
    try:
        assert held.wait(20)
        assert folder.running_pid() == other.pid
        with pytest.raises(MismatchError, match=str(other.pid)), folder.held():
            pass
    finally:
        done.set()
        other.join()
    assert folder.running_pid() is None
    with folder.held():
        assert folder.running_pid() == os.getpid()


def test_a_folder_that_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "gone")
    with pytest.raises(UnavailableError, match="cannot be used: No such file"), folder.held():
        pass
    assert not folder.path.exists()


def test_metrics_survive_a_torn_line(tmp_path: Path) -> None:
    folder = RunFolder.create(config_at(tmp_path / "run"), preset="smoke")
    assert folder.metrics() == []
    folder.append_metrics({"source": "a", "steps": 1})
    with folder.metrics_file.open("a") as file:
        file.write('{"source": "a", "ste')
    assert folder.metrics() == [{"source": "a", "steps": 1}]
    folder.mend_metrics()
    folder.append_metrics({"source": "a", "steps": 2})
    assert [line["steps"] for line in folder.metrics()] == [1, 2]


def test_starts_are_noted(tmp_path: Path) -> None:
    folder = RunFolder.create(config_at(tmp_path / "run"), preset="smoke")
    folder.note_start(["copa", "train"])
    folder.note_end("interrupted")
    info = json.loads(folder.info_file.read_text())
    assert info["state"] == "interrupted"
    assert info["starts"][0]["seconds"] >= 0.0


def test_password_stays_out_of_the_file(tmp_path: Path) -> None:
    config = config_at(tmp_path / "run", **{"redis.url": "redis://user:secret@host:1/2"})
    folder = RunFolder.create(config, preset="smoke")
    assert "secret" not in folder.config_file.read_text()
    assert folder.config().redis.url == "redis://user@host:1/2"


def test_files_of_secrets_are_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_at(tmp_path / "run", **{"redis.password_file": "secrets/password"})
    folder = RunFolder.create(config, preset="smoke")
    assert folder.config().redis.password_file == tmp_path / "secrets" / "password"


@pytest.mark.parametrize(
    "flags",
    [
        ["--redis.url", "redis://user:secret@host:1/2"],
        ["--redis.url=redis://:secret@host:1/2"],
        ["--redis.url", "unix://:secret@/tmp/redis.sock?db=1"],
        ["--redis.url=rediss://host:1/2?password=secret&db=1"],
    ],
)
def test_password_stays_out_of_the_notes(flags: list[str], tmp_path: Path) -> None:
    folder = RunFolder.create(config_at(tmp_path / "run"), preset="smoke")
    folder.note_start(["copa", "train", *flags])
    write_report(folder)
    written = "".join(path.read_text() for path in (folder.info_file, folder.report_file))
    assert "secret" not in written
    assert "redis.url" in written


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://host:1", "redis://host:1"),
        ("redis://:pw@host:1/0", "redis://host:1/0"),
        ("unix:///tmp/a.sock", "unix:///tmp/a.sock"),
        ("redis://host:1/0?password=pw&db=2", "redis://host:1/0?db=2"),
        ("redis://host:1/0?db=2&password=pw", "redis://host:1/0?db=2"),
        ("redis://host?password=pw&password=pw", "redis://host"),
        ("redis://host:1/0?client_name=me@here", "redis://host:1/0?client_name=me@here"),
        ("redis://user@host:1", "redis://user@host:1"),
        ("redis://user:p/w@x@host:1", "redis://user@host:1"),
        ("redis://:pw@[::1]:1/0", "redis://[::1]:1/0"),
        ("redis://:pw@[::1", "redis://[::1"),
        ("unix://:pw@/tmp/a.sock", "unix:///tmp/a.sock"),
        ("--redis.url=redis://:pw@host:1/0", "--redis.url=redis://host:1/0"),
        ("--run.name", "--run.name"),
    ],
)
def test_without_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_default_path_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = resolve(preset="smoke").config
    first = default_path(config)
    first.mkdir(parents=True)
    assert not default_path(config).exists()
    assert first.parent == Path("runs")
