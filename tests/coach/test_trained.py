"""`copa coach --checkpoint`: a trained coach, with nothing else running."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from copa import checkpoint
from copa.acting import Players
from copa.coaching import CoachClient
from copa.config.change import with_setting
from copa.config.schema import Config
from copa.evaluation import evaluate
from copa.evaluation.policies import TeamPolicy
from copa.learning import UpdateRule
from copa.nets import NEED, Need
from copa.tasks import make_task
from tests.coach.parts import ROOT, SPEC, make_config, nobody

PATIENCE = 20.0
SEED = 11
GAMES = 6


def saved(folder: Path, config: Config, *, foretells: bool = False) -> checkpoint.Checkpoint:
    """A checkpoint of networks that have not learned, in `folder`."""
    torch.manual_seed(5)
    rule = UpdateRule(SPEC, config, torch.device("cpu"))
    tensors = rule.state()
    if foretells:
        need = Need(config.nets.width)
        with torch.no_grad():
            need.out.weight.mul_(5.0)
            need.out.bias.zero_()
        tensors |= {f"{NEED}{name}": tensor.detach() for name, tensor in need.named_parameters()}
    made = checkpoint.Checkpoint(tensors, config, updates=7, steps=700, version=3, counters={})
    checkpoint.save(folder, made, kept=1)
    return made


@contextmanager
def served(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COPA_")}
    environment.pop("REDIS_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "copa.cli", "coach", *arguments],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(("foretells", "beta"), [(False, 0.02), (True, 0.12)])
def test_the_same_strategies_and_returns_as_in_this_process(
    socket: str, tmp_path: Path, foretells: bool, beta: float
) -> None:
    config = with_setting(make_config(socket, beta=beta), "learning.periods", 2)
    made = saved(tmp_path, config, foretells=foretells)
    task = make_task(SPEC.name, games=GAMES, seed=SEED, team="5")
    view = task.reset(np.arange(GAMES), np.arange(GAMES))
    fresh, running = view.members(), np.ones(GAMES, np.bool_)
    here = TeamPolicy(SPEC, config, made.tensors, GAMES, beta)
    players = Players(SPEC, config, GAMES)
    players.load(made.tensors)
    players.begin_agents(fresh)
    total = np.zeros(GAMES)
    with (
        served("--checkpoint", str(tmp_path), "--coach.address", socket) as process,
        CoachClient(socket, config, sample=False) as client,
    ):
        for step in range(SPEC.horizon):
            if step % config.method.T == 0:
                players.begin_segment()
                client.ask(0, step // config.method.T, view, fresh if step == 0 else nobody(view))
                answer = client.collect(0, PATIENCE)
                assert answer is not None
                assert answer.version == 3
                changed = answer.changed.copy()
            actions = players.values(view, step % config.method.T, client.held(0)).argmax(axis=2)
            np.testing.assert_array_equal(
                actions, here.act(task, view, step, fresh if step == 0 else nobody(view), running)
            )
            if step % config.method.T == 0:
                np.testing.assert_array_equal(changed, here.spoken)
            assert here.held is not None
            np.testing.assert_allclose(client.held(0), here.held, atol=1e-5)
            players.remember(actions, view.members())
            result = task.step(actions)
            total += result.reward
            view = result.view
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert 0.1 * here.eligible < here.sent < 0.9 * here.eligible, "beyond the first strategies, and not all"
    alone = evaluate(config, made.tensors, teams=["5"], episodes=GAMES, seed=SEED, beta=beta)["5"]
    np.testing.assert_allclose(total, alone.returns, atol=1e-4)


def test_settings_of_the_service_alone_may_change(socket: str, tmp_path: Path) -> None:
    saved(tmp_path, make_config("unix:elsewhere"))
    saved(tmp_path / "coachless", Config.model_validate({"method": {"name": "aqmix"}, "nets": {"width": 8}}))
    for arguments, reason in (
        ((str(tmp_path), "--method.T", "8"), "keeps this setting"),
        ((str(tmp_path), "--coach.nothing", "8"), "there is no setting"),
        ((str(tmp_path / "coachless"),), "aqmix, has no coach to serve"),
        ((str(tmp_path / "absent"),), "no checkpoint"),
        ((), "needs a value"),
        ((str(tmp_path), "--coach.address", "0.0.0.0:7"), "reaches beyond this machine"),
    ):
        with served("--checkpoint", *arguments) as process:
            _, errors = process.communicate(timeout=60)
        assert process.returncode in (2, 3)
        assert reason in errors
        assert "Traceback" not in errors


@pytest.mark.parametrize("role", ["actor", "coach", "learner", "evaluator"])
def test_help_names_the_command_that_was_typed(role: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "copa.cli", role, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith(f"usage: copa {role} ")
    assert ("--checkpoint" in done.stdout) == (role == "coach")
