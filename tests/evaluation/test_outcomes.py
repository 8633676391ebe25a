"""The win rate beside the return, and battles that end or break off while others go on."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from rich.console import Console

from copa.config.load import resolve
from copa.config.schema import Config
from copa.errors import UnavailableError
from copa.evaluation import evaluate
from copa.evaluation.sweep import sweep, untrained
from copa.learning import UpdateRule
from copa.methods import METHODS
from copa.reporting import write_report
from copa.reporting.curves import draw_curves
from copa.reporting.evaluation_table import paper_table, written
from copa.reporting.history import History, Series, read_history
from copa.reporting.table import final_table, markdown_table
from copa.run_folder import RunFolder
from copa.tasks import make_task, task_spec
from copa.tasks.starcraft.engines import ENGINES
from tests.tasks.starcraft.recorded import EPISODES, recording

NAME = "starcraft/3-8sz"


def config_of(method: str = "aqmix", **options: str) -> Config:
    return Config.model_validate(
        {
            "task": {"name": NAME, "options": options},
            "method": {"name": method},
            "nets": {"width": 8, "heads": 2, "attention": "masked"},
        }
    )


@pytest.fixture
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded battles, of which some or all are lost, instead of `micro`."""
    monkeypatch.setitem(ENGINES, "micro", f"tests.tasks.starcraft.recorded:{request.param}")


@pytest.mark.parametrize("engine", ["Unreliable"], indirect=True)
@pytest.mark.parametrize("source", ["greedy", "random"])
def test_battles_that_break_off_do_not_count(engine: None, source: str, caplog: pytest.LogCaptureFixture) -> None:
    result = evaluate(config_of(), source, teams=["3-8"], episodes=EPISODES, seed=0)["3-8"]  # type: ignore[arg-type]
    recorded = recording("3-8sz")
    counted = np.arange(EPISODES) % 4 > 0
    returns = np.bincount(recorded["episode"], recorded["reward"])[counted]
    np.testing.assert_allclose(result.returns, returns, rtol=1e-5)
    assert result.outcomes["battle_won"] == pytest.approx((recorded["outcome"] == "win")[counted].mean())
    assert result.steps == np.isin(recorded["episode"], np.flatnonzero(counted)).sum() + 2 * (~counted).sum()
    assert "5 of 20 games of team 3-8 broke off" in caplog.text


@pytest.mark.parametrize("engine", ["Broken"], indirect=True)
def test_nothing_can_be_said_where_every_battle_breaks_off(engine: None) -> None:
    with pytest.raises(UnavailableError, match=r"every game of starcraft/3-8sz broke off"):
        evaluate(config_of(), "greedy", episodes=4, seed=0)


@pytest.mark.parametrize("method", METHODS)
def test_a_trained_team_chooses_among_available_actions_alone(method: str) -> None:
    """The task refuses any other; battles of a batch end at different times, and agents die in them."""
    config = config_of(method)
    torch.manual_seed(0)
    weights = UpdateRule(task_spec(NAME), config, torch.device("cpu")).weights()
    result = evaluate(config, weights, teams=["3"], episodes=4, seed=0)["3"]
    assert np.isfinite(result.returns).all()
    assert set(result.outcomes) == {"battle_won"}


def test_teams_of_a_split_are_evaluated_apart() -> None:
    found = evaluate(config_of(train="3-5"), "greedy", episodes=2, seed=0)
    assert list(found) == ["3-5", "6-8"]


def test_the_table_of_an_evaluation_has_a_column_for_it() -> None:
    rows = sweep([untrained("greedy", config_of())], teams=["3"], episodes=6, seed=0)
    text = written(rows, "text", {})
    assert "battle_won" in text.splitlines()[0]
    won = json.loads(written(rows, "json", {}))["rows"][0]["battle_won"]
    assert 0 < won <= 1
    assert f"{won:.1%}" in text
    assert f", battle won {won:.0%} |" in paper_table(rows, "markdown")


def test_what_is_counted_in_episodes_is_no_share() -> None:
    config = Config.model_validate({})
    result = evaluate(config, "greedy", teams=["5"], episodes=3, seed=0)["5"]
    assert set(result.outcomes) == {f"{name}_per_episode" for name in ("picked_up", "delivered", "caught", "invaded")}
    task = make_task("resource_collection", games=3, seed=0, team="5")
    task.reset(np.arange(3), np.arange(3))
    for _ in range(task.spec.horizon):
        step = task.step(task.greedy())
    assert result.outcomes["caught_per_episode"] == pytest.approx(step.info["caught"].mean())
    rows = sweep([untrained("greedy", config)], teams=["5"], episodes=3, seed=0)
    caught = f"{result.outcomes['caught_per_episode']:.2f}"
    text = written(rows, "text", {}).splitlines()
    assert text[1].split()[text[0].split().index("caught") - len(text[0].split())] == caught
    assert "caught" not in paper_table(rows, "markdown")


def final() -> dict[str, object]:
    result = evaluate(config_of(), "greedy", teams=["3"], episodes=4, seed=0)["3"].json()
    known = result | {"mean": 12.34, "stderr": 1.0, "outcomes": {"battle_won": 0.25}}
    policies = {"trained": {"3": known}, "greedy": {"3": known}, "random": {"3": known}}
    return {"steps": 200, "updates": 4, "episodes": 4, "seed": 0, "policies": policies}


def test_the_final_table_shows_it_beside_the_return() -> None:
    assert "| 3 | 12.3 ± 1.0, battle won 25% |" in markdown_table(final())
    console = Console(width=200, record=True)
    console.print(final_table(final()))
    assert "12.3 ± 1.0, battle won 25%" in console.export_text()


def test_the_report_and_its_curves_show_it(tmp_path: Path) -> None:
    config = resolve(preset="smoke", flags={"run.folder": str(tmp_path / "run"), "task.name": NAME}).config
    folder = RunFolder.create(config, preset="smoke")
    for step in (100, 200):
        teams = {
            "3-8": {"mean": 5.0, "stderr": 1.0, "communication_rate": None, "outcomes": {"battle_won": step / 400}}
        }
        folder.append_metrics({"source": "evaluation", "steps": step, "teams": teams})
    folder.write_final(final())
    series = read_history(folder).outcomes["battle_won"]["3-8"]
    assert (series.steps, series.values) == ([100, 200], [0.25, 0.5])
    write_report(folder)
    assert "battle won 25%" in folder.report_file.read_text()
    assert height(folder.curves_file) == pytest.approx(1.5 * height(without_outcomes(tmp_path)), rel=0.01)


def test_the_report_tells_what_was_counted(tmp_path: Path) -> None:
    config = resolve(preset="smoke", flags={"run.folder": str(tmp_path / "run")}).config
    folder = RunFolder.create(config, preset="smoke")
    names = ("picked_up", "delivered", "caught", "invaded")
    known = {"mean": 12.34, "stderr": 1.0, "outcomes": {f"{name}_per_episode": 1.5 + len(name) for name in names}}
    folder.append_metrics({"source": "evaluation", "steps": 100, "teams": {"5": known}})
    folder.write_final(
        {
            "steps": 200,
            "updates": 4,
            "episodes": 4,
            "seed": 0,
            "policies": {"trained": {"5": known}, "random": {"5": known}},
        }
    )
    write_report(folder)
    text = folder.report_file.read_text()
    assert "| team | policy | picked up | delivered | caught | invaded |" in text
    assert "| 5 | random | 10.50 | 10.50 | 7.50 | 8.50 |" in text
    assert "| 5 | 12.3 ± 1.0 | 12.3 ± 1.0 |" in text
    assert height(folder.curves_file) == pytest.approx(2 * height(without_outcomes(tmp_path)), rel=0.01)


def test_curves_of_counts_lie_inside_their_panels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: (drawn.append(figure), path.write_bytes(b"")))
    counts = [{"caught_per_episode": float(count), "battle_won": count / 20} for count in (3, 12)]
    series = {name: {"5": Series([1.0, 2.0], [count[name] for count in counts])} for name in counts[0]}
    final = {"policies": {"greedy": {"5": {"outcomes": {"caught_per_episode": 15.0}}}}}
    draw_curves(tmp_path / "curves.png", History(outcomes=series), final, title="")
    caught, won = drawn[0].axes[4:6]
    assert caught.get_ylim()[0] == 0
    assert caught.get_ylim()[1] > 15
    assert won.get_ylim() == (0, 1)


def without_outcomes(path: Path) -> Path:
    config = resolve(preset="smoke", flags={"run.folder": str(path / "other")}).config
    folder = RunFolder.create(config, preset="smoke")
    write_report(folder)
    return folder.curves_file


def height(picture: Path) -> int:
    """Rows of a PNG."""
    return int.from_bytes(picture.read_bytes()[20:24], "big")
