"""Learning curves of many runs."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from copa.config.load import resolve
from copa.errors import ConfigError, UnavailableError
from copa.reporting.compare import TRAINING, Axis, compare
from copa.reporting.compare_files import markdown, table, write_comparison
from copa.run_folder import RunFolder
from copa.run_group import runs_of


def run(path: Path, points: Sequence[tuple[int, float]], final: float | None = None, **flags: str) -> RunFolder:
    """A run of which team `train` was evaluated at `points` of steps and mean return."""
    config = resolve(preset="smoke", flags={"run.folder": str(path), **flags}).config
    folder = RunFolder.create(config, preset="smoke")
    for steps, mean in points:
        teams = {"train": {"mean": mean, "stderr": 1.0}}
        folder.append_metrics({"source": "evaluation", "steps": steps, "updates": steps // 10, "teams": teams})
    if final is not None:
        policies = {
            "trained": {"train": {"mean": final, "stderr": 1.0}},
            "greedy": {"train": {"mean": 74.0, "stderr": 1.0}},
        }
        folder.write_final({"policies": policies, "episodes": 3, "steps": 100, "seed": 1})
    return folder


def test_groups_are_averaged_where_all_of_their_runs_have_been(tmp_path: Path) -> None:
    one = run(tmp_path / "1", [(0, 0.0), (100, 10.0)])
    two = run(tmp_path / "2", [(20, 20.0), (200, 200.0)])
    other = run(tmp_path / "3", [(0, 5.0), (50, 5.0)], **{"method.name": "aqmix"})
    found = {curve.group: curve for curve in compare([one, two, other]).curves}
    assert list(found) == ["copa", "aqmix"]
    copa = found["copa"]
    assert (copa.x[0], copa.x[-1], copa.runs) == (20, 100, 2)
    np.testing.assert_allclose(copa.mean, (copa.x / 10 + copa.x) / 2)
    # two runs: the interval over runs is their range
    np.testing.assert_allclose(copa.low, copa.x / 10)
    np.testing.assert_allclose(copa.high, copa.x)
    assert found["aqmix"].runs == 1
    np.testing.assert_array_equal(found["aqmix"].low, found["aqmix"].mean)


def test_by_another_setting_and_axis(tmp_path: Path) -> None:
    runs = [run(tmp_path / width, [(0, 1.0), (100, 2.0)], **{"nets.width": width}) for width in ("8", "16")]
    comparison = compare(runs, by="nets.width", axis="updates")
    assert [(curve.group, curve.x[-1]) for curve in comparison.curves] == [("8", 10), ("16", 10)]
    assert comparison.differing == {}
    assert compare(runs).differing == {"nets.width": ["16", "8"]}


def test_seconds_leave_out_the_time_between_starts(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", [])
    folder.update_info(starts=[{"began": 1000.0, "seconds": 50.0}, {"began": 9000.0, "seconds": 70.0}])
    for time, mean in ((1010.0, 1.0), (1049.0, 2.0), (9030.0, 3.0)):
        teams = {"train": {"mean": mean}}
        folder.append_metrics({"source": "evaluation", "time": time, "steps": 1, "teams": teams})
    (curve,) = compare([folder], axis="seconds").curves
    assert (curve.x[0], curve.x[-1]) == (10.0, 80.0)


@pytest.mark.parametrize(("axis", "end"), [("steps", 100), ("updates", 7), ("seconds", 5.0)])
def test_final_table_ends_the_curve(tmp_path: Path, axis: Axis, end: float) -> None:
    folder = run(tmp_path / "run", [], final=12.0)
    folder.write_final({**(folder.final() or {}), "updates": 7})
    folder.update_info(starts=[{"began": 1000.0, "seconds": 2.0}, {"began": 9000.0, "seconds": 3.0}])
    (curve,) = compare([folder], axis=axis).curves
    assert (curve.team, curve.x.tolist(), curve.mean.tolist()) == ("train", [end], [12.0])


def test_training_return_is_a_curve_of_its_own(tmp_path: Path) -> None:
    folder = run(tmp_path / "run", [(0, 1.0), (10, 2.0)])
    for steps in (0, 10):
        folder.append_metrics({"source": "actor", "steps": steps, "return_mean": float(steps)})
    folder.append_metrics({"source": "actor", "steps": 10, "dropped": 3, "reason": "shutdown"})
    assert [curve.team for curve in compare([folder]).curves] == ["train", TRAINING]


def test_files(tmp_path: Path) -> None:
    runs = [run(tmp_path / str(end), [(0, 0.0), (100, end)], final=end) for end in (10.0, 30.0)]
    comparison = compare(runs)
    written = write_comparison(tmp_path / "out", comparison)
    assert [path.name for path in written] == ["compare.md", "compare.csv", "compare.json", "compare.png"]
    assert written[3].read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader(io.StringIO(table(comparison))))
    assert [float(rows[-1][name]) for name in ("steps", "mean", "low", "high", "runs")] == [100, 20, 10, 30, 2]
    data = json.loads(written[2].read_text())
    assert data["final"] == {"copa": {"train": [10.0, 30.0]}}
    assert data["references"] == {"greedy": {"train": 74.0}}
    text = markdown(comparison)
    assert "| copa | 2 | 20.0 [10.0, 30.0] |" in text
    assert "| greedy |  | 74.0 |" in text


def test_refusals(tmp_path: Path) -> None:
    first = run(tmp_path / "1", [(0, 1.0)])
    with pytest.raises(ConfigError, match="no setting"):
        compare([first], by="width")
    with pytest.raises(UnavailableError, match="evaluated"):
        compare([run(tmp_path / "2", [])])
    with pytest.raises(UnavailableError, match="not the folder of a run"):
        runs_of([tmp_path])
