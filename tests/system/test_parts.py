"""Parts of the supervisor: restarts with a limit, counters over restarts, what is shown, what is reported."""

import itertools
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from copa.config.load import resolve
from copa.reporting import write_report
from copa.reporting.history import read_history
from copa.reporting.table import cell, final_table
from copa.run_folder import RunFolder
from copa.supervisor import processes
from copa.supervisor.counters import WINDOW_SECONDS, Counters, parse
from copa.supervisor.processes import Child, Death, Program, Restarts
from copa.supervisor.scrape import Evaluated, JournalTail, Snapshot
from copa.supervisor.view import Pace, Picture, ProcessState, clock, evaluation, plain_line, screen


def child(tmp_path: Path, code: str) -> Child:
    return Child(Program("role", 0, [sys.executable, "-c", code], dict(os.environ), tmp_path / "role-0.log"))


def watch(one: Child, *, may_finish: bool = False, seconds: float = 20.0) -> list[Death]:
    """Deaths until the child is neither running nor waiting."""
    deaths = []
    deadline = time.monotonic() + seconds
    while one.state in ("running", "waiting") and time.monotonic() < deadline:
        death = one.check(may_finish=may_finish)
        if death is not None:
            deaths.append(death)
        time.sleep(0.005)
    return deaths


def test_a_crashing_child_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "FIRST_DELAY_SECONDS", 0.01)
    one = child(tmp_path, "import sys; print('first'); print('the reason'); sys.exit(1)")
    one.start()
    deaths = watch(one)
    assert len(deaths) == processes.RESTARTS + 1
    assert one.state == "failed"
    assert one.restarts == processes.RESTARTS
    assert deaths[-1].delay is None
    assert deaths[-1].lines == ("first", "the reason")
    assert deaths[0].reason == "exit code 1"
    delays = [death.delay for death in deaths[:-1]]
    assert all(later > 1.1 * earlier for earlier, later in itertools.pairwise(delays) if earlier and later)


@pytest.mark.parametrize("seconds", [1.0, 30.0, 90.0])
def test_a_child_that_always_fails_is_given_up_however_late_it_fails(seconds: float) -> None:
    restarts = Restarts()
    now = 0.0
    for _ in range(processes.RESTARTS):
        delay = restarts.delay(now)
        assert delay is not None
        now += delay + seconds
    assert restarts.delay(now) is None


def test_rare_deaths_are_forgiven() -> None:
    restarts = Restarts()
    apart = processes.WINDOW_SECONDS / processes.RESTARTS + 1.0
    assert None not in [restarts.delay(apart * death) for death in range(100)]


@pytest.mark.parametrize("code", [2, 4])
def test_errors_of_the_user_are_not_retried(code: int, tmp_path: Path) -> None:
    one = child(tmp_path, f"import sys; sys.exit({code})")
    one.start()
    assert [death.delay for death in watch(one)] == [None]


def test_an_end_in_order_is_no_death(tmp_path: Path) -> None:
    one = child(tmp_path, "pass")
    one.start()
    assert watch(one, may_finish=True) == []
    assert one.state == "finished"


def test_a_kill_is_named(tmp_path: Path) -> None:
    one = child(tmp_path, "import time; time.sleep(60)")
    one.start()
    assert one.pid is not None
    os.kill(one.pid, signal.SIGKILL)
    one.wait()
    death = one.check(may_finish=True)
    assert death is not None
    assert death.reason == "killed by SIGKILL"
    one.stop()
    assert one.state == "stopped"


def test_json_lines_of_a_log_are_made_readable(tmp_path: Path) -> None:
    one = child(tmp_path, 'print(\'{"level": "error", "message": "no luck"}\')')
    one.start()
    one.wait()
    assert one.last_lines() == ("error no luck",)


def exposition(steps: float) -> str:
    return f'# TYPE copa_env_steps_total counter\ncopa_env_steps_total{{actor="0"}} {steps}\n'


def test_counters_go_on_over_restarts() -> None:
    counters = Counters()
    for now, (incarnation, steps) in enumerate([(1, 100), (1, 300), (2, 50), (2, 150)]):
        counters.put("actor-0", incarnation, parse(exposition(steps)))
        counters.mark(float(now))
    assert counters.total("copa_env_steps_total") == 450
    assert counters.total("copa_env_steps_total", actor="1") == 0
    assert counters.rate("copa_env_steps_total") == pytest.approx(350 / 3)
    counters.gone("actor-0")
    assert counters.total("copa_env_steps_total") == 450
    assert counters.gauges("copa_env_steps_total") == {}


def test_a_missed_answer_counts_nothing_twice() -> None:
    counters = Counters()
    for now, steps in enumerate([1_000_000, None, 1_004_000]):
        if steps is None:
            counters.gone("actor-0")
        else:
            counters.put("actor-0", 1, parse(exposition(steps)))
        counters.mark(float(now))
    assert counters.total("copa_env_steps_total") == 1_004_000
    assert counters.rate("copa_env_steps_total") == pytest.approx(2000)
    assert set(counters.gauges("copa_env_steps_total").values()) == {1_004_000}
    counters.gone("actor-0")
    counters.put("actor-0", 2, parse(exposition(1)))
    assert counters.total("copa_env_steps_total") == 1_004_001


def test_rates_forget_what_is_long_ago() -> None:
    counters = Counters()
    for now in range(0, 100, 2):
        counters.put("actor-0", 1, parse(exposition(10 * now if now < 50 else 500 + 1000 * (now - 50))))
        counters.mark(float(now))
    assert counters.rate("copa_env_steps_total") == pytest.approx(1000)
    assert WINDOW_SECONDS < 40


def run_with_history(tmp_path: Path) -> RunFolder:
    folder = RunFolder.create(
        resolve(preset="smoke", flags={"run.folder": str(tmp_path / "run")}).config, preset="smoke"
    )
    folder.note_start(["copa", "train"])
    for step in range(0, 12_001, 1000):
        losses = {"td": 1.0 / (1 + step), "nll": 80.0, "entropy": 0.0}
        folder.append_metrics({"source": "learner", "steps": step, "updates": step // 50, "loss": losses})
        folder.append_metrics(
            {"source": "actor", "index": 0, "steps": step, "return_mean": step / 100, "epsilon": 1 - step / 12_001}
        )
        speeds = {"steps_per_second": 1000.0, "updates_per_second": 20.0}
        folder.append_metrics({"source": "supervisor", "steps": step, **speeds})
        teams = {"train": {"mean": step / 200, "stderr": 3.0, "communication_rate": 0.5}}
        folder.append_metrics({"source": "evaluation", "steps": step, "teams": teams})
    death = {"event": "death", "name": "actor-0", "reason": "killed by SIGKILL", "lines": []}
    folder.append_metrics({"source": "supervisor", "steps": 5000, **death})
    folder.append_metrics({"source": "learner", "steps": None, "loss": "rubbish"})
    return folder


def final() -> dict[str, object]:
    def values(mean: float, rate: float | None = None) -> dict[str, dict[str, object]]:
        return {"train": {"mean": mean, "stderr": 1.0, "communication_rate": rate}}

    policies = {"trained": values(60.0, 0.5), "greedy": values(50.0), "random": values(-4.0)}
    return {"steps": 12_000, "updates": 240, "episodes": 8, "seed": 1, "policies": policies}


def test_report(tmp_path: Path) -> None:
    folder = run_with_history(tmp_path)
    assert [path.name for path in write_report(folder)] == ["curves.png", "report.md"]
    assert "No final table" in folder.report_file.read_text()
    folder.write_final(final())
    write_report(folder)
    text = folder.report_file.read_text()
    assert "| train | 60.0 ± 1.0 | 50.0 ± 1.0 | -4.0 ± 1.0 | 50% |" in text
    assert "actor-0 died at 5,000 steps (killed by SIGKILL)" in text
    assert "| `nets.width` | 16 | 128 |" in text
    assert f"copa train --resume {folder.path}" in text
    assert folder.curves_file.read_bytes().startswith(b"\x89PNG")


def test_an_empty_run_can_be_reported(tmp_path: Path) -> None:
    config = resolve(preset="smoke", flags={"run.folder": str(tmp_path / "run")}).config
    assert len(write_report(RunFolder.create(config, preset="smoke"))) == 2


def test_final_table_names_what_beats_the_expert() -> None:
    console = Console(width=100, force_terminal=True, color_system="standard")
    with console.capture() as capture:
        console.print(final_table(final()))
    assert "\x1b[32m60.0 ± 1.0" in capture.get()


def test_small_returns_and_errors_have_a_decimal_more() -> None:
    assert cell({"mean": 0.951, "stderr": 0.052}) == "0.95 ± 0.05"
    assert cell({"mean": 0.951, "stderr": 0.52}) == "1.0 ± 0.5"
    shown = evaluation(Snapshot(evaluation={"train": Evaluated(-0.456), "5": Evaluated(123.456)}))
    assert shown == "train -0.46  5 123.5"


def test_history_and_tail(tmp_path: Path) -> None:
    folder = run_with_history(tmp_path)
    history = read_history(folder)
    assert history.steps == 12_000
    assert history.updates == 240
    assert history.losses["nll"].values == [80.0] * 13
    tail = JournalTail(folder)
    tail.read()
    assert tail.updates is not None
    assert tail.episode_return == 120.0
    assert tail.evaluation == {"train": Evaluated(60.0)}
    with folder.metrics_file.open("a") as file:
        file.write('{"source": "evaluation", "steps": 1, "te')
    tail.read()
    with folder.metrics_file.open("a") as file:
        file.write('ams": {"train": {"mean": 5.0, "outcomes": {"battle_won": 0.25}}}}\n')
    tail.read()
    assert tail.evaluation == {"train": Evaluated(5.0, {"battle_won": 0.25})}


def picture(snapshot: Snapshot) -> Picture:
    states = [ProcessState("learner-0", "running", 7, 0, True), ProcessState("actor-0", "waiting", None, 2, False)]
    return Picture("COPA quick", "training", 1000, 50, snapshot, states)


def test_view() -> None:
    waits = {"actor: actors ahead": 0.25, "learner: learner ahead": 0.5}
    snapshot = Snapshot(steps=500, segments=25, epsilon=0.5, evaluation={"train": Evaluated(3.0, {"battle_won": 0.27})})
    full = picture(replace(snapshot, waits=waits))
    console = Console(width=100)
    with console.capture() as capture:
        console.print(screen(full, 90.0))
    shown = capture.get()
    for word in ("500 / 1,000 steps", "1:30 left", "50% of 50 segments", "restarting", "train 3.00 battle won 27%"):
        assert word in shown
    line = plain_line(full, 90.0)
    for word in (
        "500/1,000 steps (50%)",
        "actors wait for the learner 25%",
        "learner waits for actors 50%",
        "replay 50%",
        "eval train 3.00 battle won 27%",
    ):
        assert word in line
    assert "not up yet: actor-0" in plain_line(picture(Snapshot()), None)


def test_clock() -> None:
    assert [clock(seconds) for seconds in (5.0, 65.0, 3700.0)] == ["0:05", "1:05", "1 h 01 min"]


def test_what_a_run_did_before_it_was_resumed_is_not_its_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = [(0.0, 0), (2.0, 0), (4.0, 5_000), (8.0, 5_400)]
    clocks = iter([seconds for seconds, _ in moments])
    monkeypatch.setattr("copa.supervisor.view.time.monotonic", lambda: next(clocks))
    pace = Pace()
    left = [pace.remaining(replace(picture(Snapshot(steps=steps)), total_steps=6_400)) for _, steps in moments]
    assert left == [None, None, None, pytest.approx(10.0)]
