"""A team takes after its teachers."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from copa import checkpoint
from copa.checkpoint import Checkpoint
from copa.cli.main import run
from copa.config.change import with_coach_steps, with_setting
from copa.distilling import distill, learn
from copa.distilling.learn import Round
from copa.distilling.student import Student
from copa.errors import ConfigError, UnavailableError
from copa.evaluation import evaluate
from tests.distilling.teams import disturbed, lessons_of, spec_of
from tests.need.teams import skilled, unskilled


def student_of(saved: Checkpoint) -> Student:
    weights = {name: tensor for name, tensor in saved.tensors.items() if name.startswith(("player.", "coach."))}
    return Student(spec_of(saved), saved.config, weights, temperature=0.02, seed=1)


@pytest.mark.parametrize(
    ("saved", "team"),
    [
        (skilled(), "train"),
        (skilled(), "grow"),
        (replace(skilled(), config=with_coach_steps(skilled().config, 1)), "varying"),
        (skilled("rescue"), "varying"),
        (skilled("starcraft-3-8sz"), "3-8"),
        (unskilled("aqmix"), "grow"),
        (unskilled("aqmix-periodic"), "5"),
    ],
    ids=["train", "joiners", "T = 1", "rescue", "early ends", "no coach", "sees all now and then"],
)
def test_a_team_is_no_way_from_itself(saved: Checkpoint, team: str) -> None:
    """What is learned from is what was played: the same memory, sight, strategies and slots."""
    lessons = lessons_of(saved, [saved], team)
    distance = student_of(saved).learn(lessons, rate=0.0, hold=0.0)
    assert distance.divergence == pytest.approx(0.0, abs=2e-4)
    assert distance.agreement > 0.999


def test_silence_puts_a_distance_between_a_team_and_itself() -> None:
    saved = skilled()
    lessons = lessons_of(saved, [saved], "5")
    apart = [student_of(saved).learn(lessons, rate=0.0, hold=hold).divergence for hold in (0.0, 0.5, 1.0)]
    assert apart[0] < 0.1 * apart[1]
    assert apart[1] < apart[2]


def test_a_disturbed_team_learns_from_better_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though its own word counts as much as theirs."""
    monkeypatch.setattr(learn, "GAMES", 32)
    whole = skilled()
    disturbed_team = disturbed(whole, 0.05, 1)
    rounds: list[Round] = []
    made = distill([disturbed_team, whole, whole], rounds=4, seed=5, tell=rounds.append)
    assert [each.number for each in rounds] == [1, 2, 3, 4]
    assert rounds[-1].distance.divergence < 0.2 * rounds[0].distance.divergence
    assert rounds[-1].distance.agreement > 0.95 > rounds[0].distance.agreement
    before, after = (
        evaluate(each.config, each.playing, teams=["5"], episodes=96, seed=1)["5"].mean
        for each in (disturbed_team, made)
    )
    assert after > before + 60.0
    assert made.updates == 4 * learn.UPDATES
    assert made.steps == 4 * 32 * 145 + 3 * whole.steps


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_the_first_updates_do_not_undo_what_a_team_has_learned(optimizer: str) -> None:
    """Whatever it learned with."""
    saved = skilled()
    saved = replace(saved, config=with_setting(saved.config, "learning.optimizer", optimizer))
    lessons = lessons_of(saved, [saved, disturbed(saved, 0.01, 1)], "train")
    student = student_of(saved)
    rng = np.random.default_rng(1)
    found = [
        student.learn(lessons.take(rng.integers(len(lessons), size=40)), rate=learn.RATE, hold=0.0).divergence
        for _ in range(30)
    ]
    assert max(found) < 4 * found[0]


def test_the_same_again_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn, "UPDATES", 3)
    monkeypatch.setattr(learn, "GAMES", 8)
    one, two = (distill([skilled(), unskilled()], teams=["train", "5"], rounds=2, hold=0.9, seed=5) for _ in range(2))
    other = distill([skilled(), unskilled()], teams=["train"], rounds=2, hold=0.9, seed=5)
    assert all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
    assert any(not torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert one.tensors.keys() == {name for name in skilled().playing if name.startswith(("player.", "coach."))}


def test_who_cannot_teach_or_hold_is_told_so() -> None:
    def refused(*teachers: Checkpoint, hold: float = 0.0, teams: tuple[str, ...] = ()) -> str:
        with pytest.raises(ConfigError) as caught:
            distill(teachers, rounds=1, seed=0, hold=hold, teams=teams)
        return str(caught.value)

    assert "checkpoint 2 plays rescue" in refused(skilled(), skilled("rescue"))
    assert "hold is 0.5 and method.name aqmix, which has no coach" in refused(unskilled("aqmix"), hold=0.5)
    assert "at T = 4 a segment of the first checkpoint, 4 steps, has no coach step inside" in refused(
        unskilled(), hold=0.5
    )
    assert "hold is nan; allowed: 0 to 1" in refused(skilled(), hold=math.nan)
    assert "hold is -1; allowed: 0 to 1" in refused(skilled(), hold=-1.0)
    assert "Unknown team of resource_collection: '9'" in refused(skilled(), teams=("9",))
    indifferent = unskilled()
    for name in ("player.out.weight", "player.out.bias"):
        indifferent.tensors[name].zero_()
    assert "to checkpoint 2 of 2 all actions are worth the same" in refused(skilled(), indifferent)
    broken = skilled()
    broken.tensors["player.out.bias"].fill_(np.nan)
    assert "checkpoint 1 of 1 values actions at nan on average: its weights are broken" in refused(broken)


def test_the_command_writes_a_checkpoint_that_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "UPDATES", 3)
    monkeypatch.setattr(learn, "GAMES", 8)
    saved = skilled()
    checkpoint.save(tmp_path / "one", saved, kept=1)
    checkpoint.save(tmp_path / "two", disturbed(saved, 0.1, 1), kept=1)
    words = ["distill", "--checkpoint", str(tmp_path / "one"), "--checkpoint", str(tmp_path / "two")]
    assert run([*words, "--output", str(tmp_path / "made"), "--rounds", "2", "--hold", "0.5", "--T", "2"]) == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(tmp_path / "made" / "checkpoint-000000006.safetensors")
    first, last = told.err.splitlines()
    assert first.startswith("round 1 of 2: chooses as its teachers would ")
    assert last.startswith("round 2 of 2")
    made = checkpoint.load(tmp_path / "made")
    assert made.config.method.T == 2
    assert made.config.segment_steps == saved.config.segment_steps
    assert run(["eval", "--checkpoint", str(tmp_path / "made"), "--teams", "5", "--episodes", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]
    assert run([*words, "--output", str(tmp_path / "other"), "--T", "3"]) == 2
    assert f"{tmp_path / 'one'}: T = 3 does not fit" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert run([*words, "--output", str(tmp_path / "file" / "made")]) == UnavailableError.exit_code
    assert "cannot be made" in capsys.readouterr().err
    assert run([*words, "--output", str(tmp_path / "made"), "--rounds", "1"]) == 2
    assert "checkpoint-000000006.safetensors already" in capsys.readouterr().err


def test_teams_with_other_settings_teach_too() -> None:
    """Of another width, method and T; what it remembers and is told is its own."""
    lessons = lessons_of(skilled(), [skilled(), unskilled(T=2), unskilled("aqmix")], "5")
    assert np.isfinite(lessons.advice).all()
