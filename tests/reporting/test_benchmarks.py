"""What `python -m bench` writes, and what `copa bench compare` makes of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from copa.cli.main import run


def figures(path: Path, **ratios: float) -> Path:
    rows = [
        {"name": name, "baseline_name": "raw", "ratio": ratio, "better": "lower" if "seconds" in name else "higher"}
        for name, ratio in ratios.items()
    ]
    path.write_text(json.dumps({"benchmarks": {"replay": rows}}))
    return path


@pytest.mark.parametrize(
    ("insert", "seconds", "code"), [(0.8, 2.0, 0), (0.65, 2.4, 0), (0.63, 2.0, 1), (0.8, 2.6, 1), (9.0, 0.1, 0)]
)
def test_a_ratio_that_fell_by_a_fifth_is_flagged(
    insert: float, seconds: float, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = figures(tmp_path / "recorded.json", insert=0.8, seconds=2.0, gone=1.0)
    now = figures(tmp_path / "now.json", insert=insert, seconds=seconds, added=3.0)
    assert run(["bench", "compare", str(now), "--recorded", str(recorded)]) == code
    lines = capsys.readouterr().out.splitlines()
    assert sum("FELL" in line for line in lines) == code
    assert lines[-1] == ("1 fell by more than 20%" if code else "none fell by more than 20%")
    assert "not measured" in next(line for line in lines if "gone" in line)
    assert "new" in next(line for line in lines if "added" in line)
    assert run(["bench", "compare", str(now), "--recorded", str(recorded), "--json"]) == code
    assert sum(row["fell"] for row in json.loads(capsys.readouterr().out)["ratios"]) == code


def test_ratios_to_recorded_figures_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slower machine makes them fall, too."""
    rows = [
        {"name": "insert", "baseline_name": baseline, "ratio": 1.0, "better": "higher"}
        for baseline in ("raw", "another program (recorded)")
    ]
    recorded, now = tmp_path / "recorded.json", tmp_path / "now.json"
    recorded.write_text(json.dumps({"benchmarks": {"replay": rows}}))
    now.write_text(json.dumps({"benchmarks": {"replay": [row | {"ratio": 0.5} for row in rows]}}))
    assert run(["bench", "compare", str(now), "--recorded", str(recorded)]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("2 fell by more than 20%, 1 of them beside recorded figures")


@pytest.mark.parametrize(("text", "message"), [(None, "No such file"), ("{}", "benchmarks"), ("[1", "no file of")])
def test_what_is_no_such_file_is_refused(
    text: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "now.json"
    if text is not None:
        file.write_text(text)
    assert run(["bench", "compare", str(file), "--recorded", str(file)]) == 5
    assert message in capsys.readouterr().err


def test_a_benchmark_writes_what_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--output", str(file), "replay"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert "ratio" in done.stdout
    assert run(["bench", "compare", str(file), "--recorded", str(file)]) == 0
    assert "insert" in capsys.readouterr().out
