"""A service whose coach foretells what players lose that are not told."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from coach_service.server import CoachServer
from coach_service.weights import FixedWeights
from copa.coaching.tensors import floats_message, read_strategies, view_message
from copa.nets import Need
from copa.tasks.base import Floats
from protos import coach_pb2
from tests.coach.parts import SPEC, WIDTH, Games, Loop, calling, make_coach, make_config, wait_until, weights_of


@pytest.fixture
def need() -> Need:
    torch.manual_seed(3)
    need = Need(WIDTH)
    with torch.no_grad():
        need.out.weight.mul_(10.0)
    return need


@pytest.fixture
def serving(loop: Loop, socket: str, need: Need) -> Iterator[str]:
    """Address of a server with these weights, version 1."""
    weights = weights_of(make_coach(1)) | {f"need.{name}": tensor for name, tensor in need.state_dict().items()}
    with loop.serving(make_config(socket), FixedWeights(weights)) as (server, address):
        wait_until(lambda: server.version == 1)
        yield address


def foretold(need: Need, games: Games, held: Floats) -> tuple[Floats, Floats]:
    """Strategies [B, A, W] for `games`, and the need of them [B, A], computed here."""
    view = games.view
    with torch.inference_mode():
        plan = make_coach(1)(
            *(torch.from_numpy(getattr(view, name)) for name in ("agents", "traits", "entities", "present"))
        )
        return plan.mean.numpy(), need(plan.encoding, plan.mean, torch.from_numpy(held)).numpy()


def test_those_are_told_who_need_it_most(serving: str, need: Need) -> None:
    games = Games(16)
    held = np.random.default_rng(0).normal(size=(16, SPEC.slots, WIDTH)).astype(np.float32)
    new, needed = foretold(need, games, held)
    beta = float(np.quantile(needed[games.everyone], 0.7))
    assert beta > 0.0
    request = coach_pb2.AdviseRequest(
        task=SPEC.name, view=view_message(games.view), mode=coach_pb2.MODE_MEAN, version=1, beta=beta
    )
    request.held.CopyFrom(floats_message(held))
    with calling(serving) as stub:
        reply = stub.Advise(request)
        assert stub.Describe(coach_pb2.DescribeRequest()).criterion == coach_pb2.CRITERION_NEED
    mask, vectors = read_strategies(reply.strategies, (16, SPEC.slots, WIDTH))
    certain = np.abs(needed - beta) > 1e-4
    np.testing.assert_array_equal(mask[certain], (games.everyone & (needed > beta))[certain])
    assert 0 < mask.sum() < 0.5 * games.everyone.sum()
    np.testing.assert_allclose(vectors, new[mask], atol=1e-5)


def test_weights_of_another_size_are_refused_in_words(
    loop: Loop, socket: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {f"need.{name}": tensor for name, tensor in Need(WIDTH + 1).state_dict().items()}
    source = FixedWeights(weights_of(make_coach(1)) | wrong)
    with loop.serving(make_config(socket), source) as (server, _):
        assert isinstance(server, CoachServer)
        wait_until(lambda: "weights: need.first.weight has shape" in caplog.text)
        assert server.version == 0


def test_a_coach_without_it_goes_by_distance(loop: Loop, socket: str) -> None:
    with loop.serving(make_config(socket), FixedWeights(weights_of(make_coach(1)))) as (server, address):
        wait_until(lambda: server.version == 1)
        with calling(address) as stub:
            assert stub.Describe(coach_pb2.DescribeRequest()).criterion == coach_pb2.CRITERION_DISTANCE
