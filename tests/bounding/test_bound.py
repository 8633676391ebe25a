"""`copa bound`, from a checkpoint to its text, data and picture."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from copa import checkpoint
from copa.bounding import estimate
from copa.cli.main import run
from copa.nets import Need
from copa.reporting.bound import data, text
from tests.bounding.parts import made

QUICK = {"team": "5", "episodes": 6, "states": 30, "pairs": 2, "seed": 3}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a checkpoint."""
    made_in = tmp_path_factory.mktemp("run")
    checkpoint.save(
        made_in, made(attention="masked", mixer="sum", learning={"reward_scale": 0.5, "gamma": 0.9}), kept=1
    )
    return made_in


def words(folder: Path, *more: str) -> list[str]:
    """The command on a few small games."""
    sizes = ["--episodes", "6", "--states", "30", "--pairs", "2", "--seed", "3", "--team", "5"]
    return ["bound", "--checkpoint", str(folder), *sizes, *more]


def test_the_command_prints_and_draws(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "bound"
    arguments = words(folder, "--beta", "1,0.1,0", "--loss", "1000", "--output", str(output))
    assert run(arguments) == 0
    said = capsys.readouterr().out
    assert "an estimate, not a certificate" in said
    assert "lower bound of the Lipschitz constant" in said
    assert "kappa, by proxy" in said
    assert "no beta tried lost more" in said
    assert (output / "bound.txt").read_text().strip() in said
    assert (output / "bound.png").read_bytes().startswith(b"\x89PNG")
    assert run([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((output / "bound.json").read_text())
    assert [point["beta"] for point in found["points"]] == [0.0, 0.1, 1.0]
    assert found["points"][0]["strategy_term"] == 0.0
    assert found["points"][0]["lost_from_start"]["mean"] == 0.0
    for point in found["points"]:
        term = 2 * found["agents"] * found["eta"] * point["beta"] / (1 - 0.9)
        assert point["strategy_term"] == pytest.approx(term)
        assert point["bound"] == pytest.approx(term + 2 * found["kappa_proxy"] / (1 - 0.9))
        assert point["strategy_term_ceiling"] >= point["strategy_term"]
    assert found["agents"] == 5
    assert found["kappa_proxy"] == pytest.approx(found["bellman_errors"]["largest"] / (1 - 0.9))
    assert found["eta"] == max(found["slopes"][name]["largest"] for name in ("gradient", "secant"))
    assert found["allowed"]["by_measure"] == 1.0
    assert 2 * 5 * found["eta"] * found["allowed"]["by_strategy_term"] / (1 - 0.9) == pytest.approx(1000)


def test_a_stated_loss_is_looked_for_between_the_betas_tried() -> None:
    """Beyond every distance all betas lose the same, so a smaller loss is looked for nearer to 0 each time."""
    saved = made(attention="masked", attention_skip=True, attention_norm=True)
    far = 1e9
    lost = estimate(saved.config, saved.tensors, betas=[far], **QUICK).points[0].loss.largest
    found = estimate(saved.config, saved.tensors, betas=[far], loss=lost - 1e-3, **QUICK)
    assert [point.beta for point in found.points] == [far / 16, far / 8, far / 4, far / 2, far]
    assert found.allowed is not None
    assert (found.allowed.by_measure, found.allowed.exceeded_at) == (0.0, far / 16)
    enough = estimate(saved.config, saved.tensors, betas=[far], loss=lost, **QUICK)
    assert len(enough.points) == 1
    assert enough.allowed is not None
    assert (enough.allowed.by_measure, enough.allowed.exceeded_at) == (far, None)


def test_rates_become_betas(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(folder, "--rate", "0.5", "--json", "--output", str(tmp_path))) == 0
    (point,) = json.loads(capsys.readouterr().out)["points"]
    assert point["communication_rate"] == pytest.approx(0.5, abs=0.1)


def test_a_coach_that_foretells_need_is_bound_by_distance(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = made(attention="masked", mixer="sum")
    need = {f"need.{name}": tensor.detach() for name, tensor in Need(saved.config.nets.width).named_parameters()}
    checkpoint.save(tmp_path / "need", replace(saved, tensors=saved.tensors | need), kept=1)
    checkpoint.save(tmp_path / "usual", saved, kept=1)
    told = []
    for name in ("need", "usual"):
        assert run([*words(tmp_path / name), "--beta", "0.5", "--output", str(tmp_path / name), "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out)["points"])
    assert told[0] == told[1]


def test_a_scale_that_follows_from_rewards_is_the_checkpoints() -> None:
    given = made(attention="masked", learning={"reward_scale": 0.5})
    unset = made(attention="masked", learning={"reward_scale": None})
    seen = {"rewards_seen": torch.tensor([12.0, 3.0])}
    one = estimate(given.config, given.tensors, betas=[0.5], **QUICK)
    two = estimate(unset.config, unset.tensors | seen, betas=[0.5], **QUICK)
    assert two.reward_scale == 0.5
    assert two == one


def test_a_loss_above_the_bound_is_explained() -> None:
    """A loss that is as large as none was measured: what the text says of it."""
    saved = made(attention="masked", memory="gru")
    found = estimate(saved.config, saved.tensors, betas=[1.0], **QUICK)
    (point,) = found.points
    lost = replace(point.loss, start=replace(point.loss.start, mean=point.strategy_term + 1))
    between = replace(found, points=(replace(point, loss=lost),))
    assert "above the strategy term at beta 1:" in text(between)
    assert "The whole bound is above the measured loss" in text(between)
    beyond = replace(lost, start=replace(lost.start, mean=point.bound + 1))
    assert "above the whole bound too" in text(replace(found, points=(replace(point, loss=beyond),)))
    worthless = replace(found, value=point.strategy_term / 2)
    assert "From beta = 1 on, the term is above all the reward" in text(worthless)
    assert "above all the reward" not in text(replace(found, value=2 * point.strategy_term))
    assert data(between)["points"][0]["strategy_term_by_lost"] < 1.0


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("--beta", "1", "--rate", "0.5"), "either --beta or --rate"),
        (("--beta", "x"), "numbers of at least 0"),
        (("--team", "nobody"), "team"),
    ],
)
def test_what_is_refused(
    more: tuple[str, ...], reason: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(folder, *more, "--output", str(tmp_path))) == 2
    assert reason in capsys.readouterr().err


def test_a_method_without_a_coach_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint.save(tmp_path, made("aqmix"), kept=1)
    assert run(words(tmp_path)) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "aqmix has no coach" in said
    assert "copa, copa-novi" in said
