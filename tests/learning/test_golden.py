"""Recordings of the published program, through the same function as `python -m tests.golden`."""

from pathlib import Path

import numpy as np
import pytest

from tests.golden import updates
from tests.golden.__main__ import check_file, main

FILES = sorted((Path(updates.__file__).parent / "updates").glob("*.npz"))


def test_all_nine_are_here() -> None:
    assert len(FILES) == 9


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden_update(file: Path) -> None:
    name, report = check_file(str(file))
    assert name == "learner update"
    assert report.passed, report.misses()
    with np.load(file) as arrays:
        recorded = {field for field in arrays.files if field.startswith("out/")}
        nets = {"/".join(field.split("/")[:2]) for field in arrays.files if field.startswith("after_one_update/")}
    assert set(report.deviations) == recorded | nets


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("options", [{"cut": False}, {"part_segments": 1}], ids=["uncut", "parts"])
def test_golden_update_laid_out_otherwise(file: Path, options: dict[str, int]) -> None:
    with np.load(file) as arrays:
        report = updates.check(dict(arrays), **options)
    assert report.passed, report.misses()


def test_a_miss_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load(FILES[0]) as arrays:
        changed = dict(arrays)
    changed["batch/r"] = changed["batch/r"] + 0.01
    file = tmp_path / "changed.npz"
    np.savez(file, **changed)
    assert main([str(file)]) == 1
    assert "out/td_target" in capsys.readouterr().out


def test_bad_files_are_named_and_the_others_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut, text, lacking = (tmp_path / name for name in ("cut.npz", "text.npz", "lacking.npz"))
    cut.write_bytes(FILES[0].read_bytes()[:1000])
    text.write_text("no archive")
    with np.load(FILES[0]) as arrays:
        np.savez(lacking, **{name: array for name, array in arrays.items() if name != "batch/r"})
    absent = tmp_path / "absent.npz"
    assert main([str(file) for file in (cut, text, lacking, absent, FILES[0])]) == 1
    said = capsys.readouterr()
    for file, words in ((cut, "cut short"), (text, "cut short"), (lacking, "batch/r"), (absent, "absent")):
        assert any(str(file) in line and words in line for line in said.err.splitlines())
    assert f"{FILES[0]}: learner update" in said.out


def test_unknown_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.npz"
    np.savez(file, something=np.zeros(3))
    assert main([str(file)]) == 1
    assert "not a known golden format" in capsys.readouterr().err
