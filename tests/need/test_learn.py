"""A coach learns from its finished team what players lose that are not told."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from copa import checkpoint
from copa.cli.main import run
from copa.errors import ConfigError
from copa.evaluation.sweep import Player, beta_for_rate, by_distance, sweep
from copa.need import learn, learn_need
from copa.need.learn import Fit, fit
from copa.need.rehearsal import Cases
from copa.nets import NEED
from tests.need.teams import skilled, unskilled

W = 8


def invented(count: int, harm: float) -> Cases:
    """Cases in which what is lost follows from encoding and strategies."""
    rng = np.random.default_rng(1)
    encoding, new, held = rng.normal(size=(3, count, W)).astype(np.float32)
    lost = harm * np.maximum(encoding[:, 0] * (new - held)[:, 1], 0.0) ** 2
    return Cases(encoding, new, held, lost.astype(np.float32), np.arange(count))


def foretold(cases: Cases, passes: int = 1500) -> np.ndarray:
    need = fit(cases, W, passes=passes, seed=0)
    with torch.inference_mode():
        return np.asarray(need(*(torch.from_numpy(x) for x in (cases.encoding, cases.new, cases.held))).numpy())


@pytest.mark.parametrize("harm", [1e-4, 1.0, 1e4])
def test_a_fit_foretells_the_root_of_what_is_lost_in_any_unit(harm: float) -> None:
    cases = invented(4000, harm)
    wanted = np.sqrt(cases.lost)
    assert np.square(foretold(cases) - wanted).mean() < 0.1 * wanted.var()


def test_where_nothing_is_lost_nothing_is_needed() -> None:
    assert np.abs(foretold(invented(500, 0.0), passes=800)).max() < 0.05


def test_a_coach_that_foretells_need_is_missed_less_than_one_that_goes_by_distance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learn, "PASSES", 1500)
    saved = skilled()
    fits: list[Fit] = []
    made = learn_need(saved, episodes=150, seed=5, tell=fits.append)
    added = made.tensors.keys() - saved.tensors.keys()
    assert len(added) == 6
    assert all(name.startswith(NEED) for name in added)
    assert all(torch.equal(made.tensors[name], tensor) for name, tensor in saved.tensors.items())
    assert fits[1].cases == 2 * fits[0].cases > 10_000
    assert 0.1 < fits[1].idle < 0.7
    assert fits[1].explained > 0.4
    by_need = Player("copa", made.config, (made.playing,))
    lost = {}
    for player in (by_need, by_distance(by_need)):
        beta = beta_for_rate(player, 0.4, team="train", seed=1)
        told, silent = sweep([player], betas=[0.0, beta], teams=["5"], episodes=256, seed=1)
        assert silent.summary["communication_rate"] == pytest.approx(0.4, abs=0.05)
        lost[player.criterion] = told.summary["mean"] - silent.summary["mean"]
    assert lost["need"] < 0.7 * lost["distance"]


def test_it_is_learned_from_the_team_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coach that foretold need before learns it anew."""
    monkeypatch.setattr(learn, "PASSES", 20)
    saved = skilled()
    once = learn_need(saved, episodes=3, seed=2)
    again = learn_need(once, episodes=3, seed=2)
    assert once.tensors.keys() == again.tensors.keys()
    assert all(torch.equal(once.tensors[name], again.tensors[name]) for name in once.tensors)
    other = learn_need(saved, episodes=3, seed=2, teams=["5"])
    assert not torch.equal(other.tensors["need.out.weight"], once.tensors["need.out.weight"])


def test_a_team_that_ignores_its_coach_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn, "PASSES", 500)
    fits: list[Fit] = []
    deaf = unskilled()
    with torch.no_grad():
        deaf.tensors["player.strategy.weight"].zero_()
    made = learn_need(deaf, episodes=3, seed=2, tell=fits.append)
    assert [fit.idle for fit in fits] == [1.0]
    player = Player("copa", made.config, (made.playing,))
    (row,) = sweep([player], betas=[0.1], teams=["5"], episodes=3, seed=2)
    assert row.summary["communication_rate"] < 0.05


def test_where_nobody_loses_anything_no_more_episodes_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "PASSES", 20)
    deaf = unskilled()
    with torch.no_grad():
        deaf.tensors["player.strategy.weight"].zero_()
    checkpoint.save(tmp_path / "run", deaf, kept=1)
    assert run(["need", "--checkpoint", str(tmp_path / "run"), "--output", str(tmp_path / "made")]) == 0
    assert "100% of them at no loss; nobody needs to be told anew" in capsys.readouterr().err


def test_who_is_never_left_with_a_strategy_needs_none() -> None:
    with pytest.raises(ConfigError, match=r"method.name is aqmix, which has no coach; those with one: copa, copa-novi"):
        learn_need(unskilled("aqmix"), episodes=2, seed=0)
    with pytest.raises(
        ConfigError,
        match=r"at 0 coach steps in 2 episodes of each team \(train\), with method.T 200.*give more episodes",
    ):
        learn_need(unskilled(T=200), episodes=2, seed=0)
    with pytest.raises(ConfigError, match="Unknown team of resource_collection: '9'"):
        learn_need(unskilled(), teams=["9"], episodes=2, seed=0)


def test_the_command_writes_a_checkpoint_that_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "PASSES", 20)
    checkpoint.save(tmp_path / "run", skilled(), kept=1)
    words = ["--checkpoint", str(tmp_path / "run"), "--output", str(tmp_path / "made"), "--episodes", "3"]
    assert run(["need", *words, "--teams", "train, 5"]) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "made" / "checkpoint-000100000.safetensors")
    assert len(told.err.splitlines()) == 2
    assert "strategies held at coach steps" in told.err
    played = ["--teams", "5", "--episodes", "3", "--beta", "0.1", "--json"]
    assert run(["eval", "--checkpoint", str(tmp_path / "made"), *played]) == 0
    assert json.loads(capsys.readouterr().out)["criterion"] == {"copa": "need"}
    both = ["--checkpoint", str(tmp_path / "run"), "--checkpoint", str(tmp_path / "made")]
    assert run(["eval", *both, *played]) == 0
    assert sorted(json.loads(capsys.readouterr().out)["criterion"].values()) == ["distance", "need"]
    assert run(["need", *words]) == 2
    assert "checkpoint-000100000.safetensors already" in capsys.readouterr().err


def test_a_coach_that_looks_at_other_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "PASSES", 20)
    checkpoint.save(tmp_path / "run", skilled(), kept=1)
    words = ["need", "--checkpoint", str(tmp_path / "run"), "--output", str(tmp_path / "made"), "--episodes", "2"]
    assert run([*words, "--T", "3"]) == 2
    assert "allowed: 1, 2, 4, 8, 16" in capsys.readouterr().err
    assert run([*words, "--T", "2"]) == 0
    assert checkpoint.load(tmp_path / "made").config.method.T == 2


def test_a_run_is_not_written_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own checkpoints would be read first."""
    checkpoint.save(tmp_path / "run" / "checkpoints", skilled(), kept=1)
    run_folder = str(tmp_path / "run")
    assert run(["need", "--checkpoint", run_folder, "--output", run_folder]) == 2
    assert f"--output {run_folder} holds checkpoints already" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoints"]
