"""Many evaluations at once."""

import csv
import io
import json
from pathlib import Path

import pytest
import torch

from copa import checkpoint
from copa.config.change import with_coach_steps
from copa.config.schema import Config
from copa.errors import ConfigError, UnavailableError
from copa.evaluation import evaluate
from copa.evaluation.sweep import RATE_TOLERANCE, beta_for_rate, by_distance, sweep, trained, untrained
from copa.learning import UpdateRule
from copa.nets import NEED, Need
from copa.reporting.dynamics import VARIANTS, Point, dynamics, write_dynamics
from copa.reporting.evaluation_table import paper_table, written
from copa.tasks import task_spec
from tests.system.conftest import copa


def config(seed: int = 0, method: str = "copa", T: int = 4) -> Config:
    """Settings of a small run."""
    return Config.model_validate(
        {
            "run": {"seed": seed},
            "method": {"name": method, "T": T},
            "nets": {"width": 8, "heads": 2, "attention": "masked"},
        }
    )


def saved(folder: Path, seed: int = 0, method: str = "copa", T: int = 4, foretells: bool = False) -> Path:
    """A checkpoint of networks that have not learned."""
    used = config(seed, method, T)
    torch.manual_seed(seed)
    tensors = UpdateRule(task_spec("resource_collection"), used, torch.device("cpu")).state()
    if foretells:
        tensors |= {f"{NEED}{name}": tensor.detach() for name, tensor in Need(used.nets.width).named_parameters()}
    checkpoint.save(folder, checkpoint.Checkpoint(tensors, used, updates=1, steps=1, version=1, counters={}), kept=1)
    return folder


def test_runs_that_differ_in_their_seed_are_one_player(tmp_path: Path) -> None:
    paths = [saved(tmp_path / "a"), saved(tmp_path / "b", seed=1), saved(tmp_path / "c", method="aqmix")]
    players = trained(paths)
    assert [(player.label, len(player.sources)) for player in players] == [("copa", 2), ("aqmix", 1)]
    rows = sweep(players, betas=[0.0, 0.5], teams=["5"], episodes=3, seed=2)
    assert [(row.label, row.beta, row.summary["runs"]) for row in rows] == [
        ("copa", 0.0, 2),
        ("copa", 0.5, 2),
        ("aqmix", None, 1),
    ]
    alone = [evaluate(config(), source, teams=["5"], episodes=3, seed=2)["5"].mean for source in players[0].sources]
    assert rows[0].summary["mean"] == pytest.approx(sum(alone) / 2)
    with pytest.raises(UnavailableError, match="no checkpoint"):
        trained([tmp_path / "absent"])


def test_groups_of_one_method_are_lines_of_their_own(tmp_path: Path) -> None:
    """Runs of groups have the same names, `seed-0`, ..., so those tell no groups apart."""
    paths = [saved(tmp_path / "short" / "seed-0", T=2), saved(tmp_path / "long" / "seed-0", T=8)]
    rows = sweep(trained(paths), betas=[0.0], teams=["5"], episodes=2, seed=0)
    table = paper_table(rows, "markdown").splitlines()[2:]
    assert len(table) == len(paths)
    assert all(str(path) in line for path, line in zip(paths, table, strict=True))


def test_a_beta_is_found_for_a_rate(tmp_path: Path) -> None:
    (player,) = trained([saved(tmp_path)])
    beta = beta_for_rate(player, 0.4, team="5", seed=7)
    (row,) = sweep([player], betas=[beta], teams=["5"], episodes=64, seed=7)
    assert row.summary["communication_rate"] == pytest.approx(0.4, abs=RATE_TOLERANCE)
    assert beta_for_rate(player, 1.0, team="5", seed=7) == 0.0
    with pytest.raises(ConfigError, match="no coach"):
        beta_for_rate(untrained("greedy", config()), 0.4, team="5", seed=7)


def test_a_rate_that_cannot_be_met_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every estimate of need is the same, so all are told or none but the first."""
    path = saved(tmp_path, foretells=True)
    made = checkpoint.load(path)
    for name, tensor in made.tensors.items():
        if name.startswith(NEED):
            tensor.fill_(0.5 if name == "need.out.bias" else 0.0)
    checkpoint.save(path, made, kept=1)
    (player,) = trained([path])
    assert beta_for_rate(player, 0.4, team="5", seed=7) == pytest.approx(0.5, rel=1e-4)
    assert "copa cannot be told in 40.0 % of the coach steps: in 2.7 % at beta 0.5, in 100.0 % at 0.5" in caplog.text


def test_forms_of_a_table_agree(tmp_path: Path) -> None:
    players = [untrained("random", config()), *trained([saved(tmp_path)])]
    rows = sweep(players, betas=[0.0, 1.0], teams=["train", "5"], episodes=4, seed=0)
    found = json.loads(written(rows, "json", {"episodes": 4}))
    assert found["episodes"] == 4
    assert "teams" not in found
    lines = list(csv.DictReader(io.StringIO(written(rows, "csv", {}))))
    assert [float(line["mean"]) for line in lines] == [row["mean"] for row in found["rows"]]
    assert [line["communication_rate"] for line in lines[:2]] == ["", ""]
    for form in ("text", "markdown"):
        for row in rows:
            assert f"{row.summary['mean']:.2f}" in written(rows, form, {})
    assert len(written(rows, "text", {}).splitlines()) == 1 + len(rows)
    paper = paper_table(rows, "markdown").splitlines()
    assert paper[0] == "| method | train | 5 | f (per step) | runs |"
    assert [line.split("|")[1].strip() for line in paper[2:]] == ["random", "copa, beta = 0", "copa, beta = 1"]
    assert json.loads(written(rows[:2], "json", {}))["teams"]["5"] == rows[1].summary


def test_dynamics(tmp_path: Path) -> None:
    """Networks that have not learned lose from the first step; what is relative to such a return is refused."""
    (player,) = trained([saved(tmp_path / "run")])
    used = {"betas": [0.5], "team": "5", "changing_team": "varying", "episodes": 2, "seed": 0}
    with pytest.raises(ConfigError, match="relative to a return above 0"):
        dynamics([player], **used)
    with pytest.raises(ConfigError, match="no coach"):
        dynamics([untrained("greedy", config())], **used)


def test_the_command_line(tmp_path: Path) -> None:
    """What `copa eval` prints, twice the same, also into a file; and what it refuses."""
    folder = saved(tmp_path / "run")
    words = ("--checkpoint", str(folder), "--teams", "5,varying", "--episodes", "3", "--seed", "4")
    first = copa("eval", *words, "--json", "--output", str(tmp_path / "table.json"))
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert list(found["teams"]) == ["5", "varying"]
    assert {"mean", "stderr", "low", "high", "iqm", "episodes", "communication_rate"} <= set(found["teams"]["5"])
    assert first.stdout == copa("eval", *words, "--json").stdout == (tmp_path / "table.json").read_text()
    table = copa("report", "table", str(folder), "--episodes", "2", "--beta", "0,9", "--teams", "5")
    assert [line.split("|")[1].strip() for line in table.stdout.splitlines()[2:]] == [
        "random",
        "greedy",
        "copa, beta = 0",
        "copa, beta = 9",
    ]
    for refused, reason in (
        (("--beta", "1,x"), "numbers of at least 0"),
        (("--beta", "1", "--rate", "0.5"), "either --beta or --rate"),
        (("--output", str(tmp_path / "absent" / "file")), "cannot be written"),
    ):
        done = copa("eval", *words, *refused)
        assert done.returncode in (2, 3)
        assert reason in done.stderr
        assert "Traceback" not in done.stderr


def test_a_team_plays_with_a_coach_that_speaks_at_other_steps(tmp_path: Path) -> None:
    folder = saved(tmp_path / "run")
    words = ("--checkpoint", str(folder), "--teams", "5", "--episodes", "3", "--seed", "4", "--json")
    done = copa("eval", *words, "--T", "2")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["T"] == 2
    assert found["rows"][0]["player"] == "copa, T = 2"
    assert found["teams"]["5"]["communication_per_step"] == 0.5
    tensors = checkpoint.load(checkpoint.find_newest(folder) or folder).playing
    expected = evaluate(config(T=2), tensors, teams=["5"], episodes=3, seed=4)["5"].mean
    assert found["teams"]["5"]["mean"] == expected
    refused = copa("eval", "--policy", "greedy", "--T", "2")
    assert refused.returncode == 2
    assert "--T belongs to --checkpoint" in refused.stderr
    deaf = copa("eval", "--checkpoint", str(saved(tmp_path / "deaf", method="aqmix")), "--T", "2")
    assert deaf.returncode == 2
    assert "--T: aqmix has no coach" in deaf.stderr


def test_memories_that_span_a_segment_span_as_many_steps_then() -> None:
    used = Config.model_validate(
        {
            "method": {"T": 4},
            "nets": {"memory_span": "segment", "memory": "gru"},
            "learning": {"periods": 3, "hold": 0.5},
            "replay": {"capacity": 600, "minimum": 10},
        }
    )
    for T in (1, 2, 3, 6, 12):
        assert with_coach_steps(used, T).segment_steps == 12
        assert with_coach_steps(used, T).method.T == T
    with pytest.raises(ConfigError, match=r"remember for 12 steps .* allowed: 1, 2, 3, 4, 6, 12$"):
        with_coach_steps(used, 5)
    assert with_coach_steps(config(), 5).segment_steps == 5


def test_a_coach_that_foretells_need_can_hold_back_by_distance(tmp_path: Path) -> None:
    folder = saved(tmp_path / "need", foretells=True)
    (player,) = trained([folder])
    options = {"teams": ["5"], "episodes": 3, "seed": 4}
    words = ("--checkpoint", str(folder), "--teams", "5", "--episodes", "3", "--seed", "4", "--json")
    apart = by_distance(player)
    assert (player.criterion, apart.criterion) == ("need", "distance")
    by_need, by_far = (sweep([one], betas=[0.0, 0.05], **options) for one in (player, apart))  # type: ignore[arg-type]
    assert by_need[0].summary == by_far[0].summary, "beta 0 tells all"
    assert by_need[1].summary != by_far[1].summary
    done = copa("eval", *words, "--beta", "0.05", "--by-distance")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["criterion"] == {"copa, by distance": "distance"}
    found = found["rows"][0]
    assert found["player"] == "copa, by distance"
    assert found["mean"] == by_far[1].summary["mean"]
    plain = evaluate(config(), apart.sources[0], teams=["5"], episodes=3, seed=4, beta=0.05)["5"]
    assert found["mean"] == plain.mean, "as a coach that foretells no needs"
    (usual,) = trained([saved(tmp_path / "usual")])
    assert by_distance(usual) is usual
    (deaf,) = trained([saved(tmp_path / "deaf", method="aqmix")])
    assert by_distance(deaf) is deaf
    refused = copa("eval", "--checkpoint", str(tmp_path / "deaf"), "--by-distance")
    assert refused.returncode == 2
    assert "--by-distance: nobody here has a coach" in refused.stderr


def test_dynamics_files(tmp_path: Path) -> None:
    points = [
        Point("copa", variant, "5", beta, 10.0 - beta, 9.0 - beta, 11.0 - beta, 1.0 - beta / 10, 0.25 / (1 + beta))
        for variant in VARIANTS
        for beta in (0.0, 1.0)
    ]
    written_files = write_dynamics(tmp_path, points)
    assert [path.name for path in written_files] == ["dynamics.json", "dynamics.md", "dynamics.png"]
    assert json.loads(written_files[0].read_text())[1]["relative"] == 0.9
    assert "| copa | static | 5 | 1 | 12.5% | 9.0 | [8.0, 10.0] | 90.0% |" in written_files[1].read_text()
    assert written_files[2].read_bytes().startswith(b"\x89PNG")
