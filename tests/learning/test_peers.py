"""Two processes over Gloo make the updates that one makes on the batches of both."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.learner.test_together import torchrun
from tests.learning.together import METHODS, learn


@pytest.fixture(scope="module")
def shared_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("peers")
    launch = [*torchrun(folder), "--standalone", "--nproc-per-node", "2"]
    command = [*launch, "-m", "tests.learning.together", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_an_update_is_that_of_one_process_on_the_whole_batch(shared_out: Path, method: str, rank: int) -> None:
    scalars, state = learn(method)
    with safe_open(shared_out / f"{method}-{rank}.safetensors", framework="pt") as file:
        torch.testing.assert_close(json.loads(file.metadata()["scalars"]), scalars, rtol=1e-5, atol=1e-6)
        for name in state.keys() - {"generator"}:
            torch.testing.assert_close(
                file.get_tensor(name), state[name], rtol=1e-5, atol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
            )


@pytest.mark.parametrize("method", METHODS)
def test_peers_end_with_the_same_parameters_to_the_bit(shared_out: Path, method: str) -> None:
    states = []
    for rank in (0, 1):
        with safe_open(shared_out / f"{method}-{rank}.safetensors", framework="pt") as file:
            states.append({name: file.get_tensor(name) for name in file.keys() if name != "generator"})  # noqa: SIM118
    for name, tensor in states[0].items():
        assert torch.equal(tensor, states[1][name]), name


@pytest.mark.parametrize("rank", [0, 1])
def test_peers_that_differ_are_told_on_all_of_them_until_they_agree(shared_out: Path, rank: int) -> None:
    said = (shared_out / f"stray-{rank}.txt").read_text(encoding="utf-8")
    assert said.startswith("MismatchError: the 2 processes of the learner no longer have the same parameters")
