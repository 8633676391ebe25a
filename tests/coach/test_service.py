"""The service over real gRPC: what it sends, what it refuses, what it says about itself."""

import math
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from coach_service.server import CoachServer
from coach_service.streams import GROUPS
from coach_service.weights import FixedWeights
from copa.coaching.tensors import bools_message, floats_message, read_strategies, view_message
from protos import coach_pb2, coach_pb2_grpc
from tests.coach.parts import (
    FIRST,
    SPEC,
    WIDTH,
    Games,
    Loop,
    calling,
    make_coach,
    make_config,
    make_request,
    means,
    nobody,
    wait_until,
    weights_of,
)

Request = coach_pb2.CoordinateRequest


class Talk:
    """A stream of requests, sent one by one."""

    def __init__(self, stub: coach_pb2_grpc.CoachStub) -> None:
        self._requests: SimpleQueue[Request | None] = SimpleQueue()
        self.call = stub.Coordinate(iter(self._requests.get, None), timeout=20)

    def send(self, request: Request) -> None:
        self._requests.put(request)

    def ask(self, request: Request) -> coach_pb2.CoordinateReply:
        self.send(request)
        return next(self.call)

    def end(self) -> None:
        self._requests.put(None)


def pairs(reply: coach_pb2.CoordinateReply, games: int) -> list[list[int]]:
    mask, _ = read_strategies(reply.strategies, (games, SPEC.slots, WIDTH))
    return np.argwhere(mask).tolist()


def test_strategies_are_those_of_the_coach(server: CoachServer, socket: str) -> None:
    games = Games(8)
    with calling(socket) as stub:
        talk = Talk(stub)
        reply = talk.ask(make_request(games.view, group=5, step=12))
        mask, vectors = read_strategies(reply.strategies, (8, SPEC.slots, WIDTH))
        assert (reply.number, reply.group, reply.step, reply.version) == (1, 5, 12, 1)
        assert reply.eligible == reply.sent == games.everyone.sum()
        np.testing.assert_array_equal(mask, games.everyone)
        np.testing.assert_allclose(vectors, means(make_coach(1), games.view)[mask], atol=1e-5)
        talk.end()
        assert list(talk.call) == []
        assert talk.call.code() is grpc.StatusCode.OK


def test_only_acknowledged_replies_are_held(server: CoachServer, socket: str) -> None:
    games = Games(4)
    everyone = int(games.everyone.sum())
    with calling(socket) as stub:
        talk = Talk(stub)
        first = talk.ask(make_request(games.view, beta=1e6))
        lost = talk.ask(make_request(games.view, beta=1e6))
        again = talk.ask(make_request(games.view, beta=1e6, acknowledged=lost.number))
        quiet = talk.ask(make_request(games.view, beta=1e6, acknowledged=again.number))
        assert [first.sent, lost.sent, again.sent, quiet.sent] == [everyone, everyone, 0, 0]
        assert len(quiet.strategies.vectors.data) == 0
        assert quiet.eligible == everyone
        other = talk.ask(make_request(games.view, beta=1e6, group=1))
        assert other.sent == everyone, "groups are apart"
        fresh = nobody(games.view)
        fresh[2, 1] = True
        request = make_request(games.view, beta=1e6, acknowledged=quiet.number)
        request.fresh.CopyFrom(bools_message(fresh))
        assert pairs(talk.ask(request), 4) == [[2, 1]]


def test_a_new_stream_starts_by_sending_all(server: CoachServer, socket: str) -> None:
    games = Games(3)
    with calling(socket) as stub:
        for _ in range(2):
            talk = Talk(stub)
            assert talk.ask(make_request(games.view, beta=9.0)).sent == games.everyone.sum()
            talk.call.cancel()


def test_bytes_travel_only_for_what_moved(server: CoachServer, socket: str) -> None:
    games = Games(16)
    coach = make_coach(1)
    sizes = {}
    for beta in (0.0, 0.1, 1e6):
        games = Games(16)
        held, vectors_sent, size, acknowledged = None, 0, 0, 0
        with calling(socket) as stub:
            talk = Talk(stub)
            for _ in range(6):
                reply = talk.ask(make_request(games.view, beta=beta, acknowledged=acknowledged))
                acknowledged = reply.number
                new = means(coach, games.view)
                moved = games.everyone if held is None else np.linalg.norm(new - held, axis=2) > beta
                expected = games.everyone if beta == 0.0 else games.everyone & moved
                mask, vectors = read_strategies(reply.strategies, (16, SPEC.slots, WIDTH))
                np.testing.assert_array_equal(mask, expected)
                held = np.zeros_like(new) if held is None else held
                held[mask] = vectors
                vectors_sent += len(vectors)
                size += len(reply.strategies.vectors.data)
                games.move()
        assert size == vectors_sent * WIDTH * 4
        sizes[beta] = size
    assert sizes[0.0] == 6 * sizes[1e6]
    assert sizes[1e6] < sizes[0.1] < sizes[0.0]


def test_samples_differ_and_means_do_not(server: CoachServer, socket: str) -> None:
    games = Games(4)
    with calling(socket) as stub:
        ask = lambda mode: stub.Coordinate(iter([make_request(games.view, mode=mode)]))  # noqa: E731
        for mode, same in ((coach_pb2.MODE_MEAN, True), (coach_pb2.MODE_SAMPLE, False)):
            one, other = (next(ask(mode)).strategies.vectors.data for _ in range(2))
            assert (one == other) is same


def test_weights_that_change_send_all(server: CoachServer, socket: str) -> None:
    games = Games(4)
    second = make_coach(2)
    with calling(socket) as stub:
        talk = Talk(stub)
        reply = talk.ask(make_request(games.view, beta=1e6))
        reply = talk.ask(make_request(games.view, beta=1e6, acknowledged=reply.number))
        assert reply.sent == 0
        server.install(2, second)
        reply = talk.ask(make_request(games.view, beta=1e6, acknowledged=reply.number))
        mask, vectors = read_strategies(reply.strategies, (4, SPEC.slots, WIDTH))
        assert (reply.version, reply.sent) == (2, games.everyone.sum())
        np.testing.assert_allclose(vectors, means(second, games.view)[mask], atol=1e-5)
        assert talk.ask(make_request(games.view, beta=1e6, acknowledged=reply.number)).sent == 0


def test_games_that_wait_get_nothing(server: CoachServer, socket: str) -> None:
    games = Games(3)
    games.view.present[1] = False
    with calling(socket) as stub:
        reply = Talk(stub).ask(make_request(games.view))
        assert reply.eligible == reply.sent == games.everyone[[0, 2]].sum()
        assert {row for row, _ in pairs(reply, 3)} == {0, 2}


def test_a_question_that_was_overtaken_does_not_hold_up(loop: Loop, socket: str) -> None:
    games = Games(2)
    with loop.serving(make_config(socket, batch_wait=0.3), FIRST) as (server, _), calling(socket) as stub:
        wait_until(lambda: server.version == 1)
        silent = Talk(stub)
        silent.ask(make_request(games.view))
        talk = Talk(stub)
        for step in range(5):
            talk.send(make_request(games.view, step=step))
        assert [next(talk.call).step, talk.ask(make_request(games.view, step=9)).number] == [4, 6]
        silent.end()


def test_advise_remembers_nothing(server: CoachServer, socket: str) -> None:
    games = Games(4)
    new = means(make_coach(1), games.view)
    request = coach_pb2.AdviseRequest(task=SPEC.name, view=view_message(games.view), mode=coach_pb2.MODE_MEAN)
    with calling(socket) as stub:
        for _ in range(2):
            reply = stub.Advise(request)
            assert (reply.sent, reply.version) == (games.everyone.sum(), 1)
        held = new.copy()
        held[1, 0] += 1.0
        request.held.CopyFrom(floats_message(held))
        request.version, request.beta = 1, 0.5
        mask, vectors = read_strategies(stub.Advise(request).strategies, (4, SPEC.slots, WIDTH))
        assert np.argwhere(mask).tolist() == [[1, 0]]
        np.testing.assert_allclose(vectors[0], new[1, 0], atol=1e-5)
        known = games.everyone.copy()
        known[3, 1] = False
        request.known.CopyFrom(bools_message(known))
        assert stub.Advise(request).sent == 2
        wanted = nobody(games.view)
        wanted[3, 1] = True
        request.wanted.CopyFrom(bools_message(wanted))
        reply = stub.Advise(request)
        assert (reply.eligible, reply.sent) == (1, 1)
        request.version = 0
        request.ClearField("wanted")
        assert stub.Advise(request).sent == games.everyone.sum()


def test_describe_gives_all_sizes(server: CoachServer, socket: str) -> None:
    with calling(socket) as stub:
        described = stub.Describe(coach_pb2.DescribeRequest())
    assert (described.task, described.slots, described.entity_rows) == (SPEC.name, SPEC.slots, SPEC.entity_rows)
    assert (described.agent_features, described.trait_features) == (SPEC.agent_features, SPEC.trait_features)
    assert (described.entity_features, described.strategy_width) == (SPEC.entity_features, WIDTH)
    assert (described.steps_between, described.version, described.groups) == (4, 1, GROUPS)
    assert described.software
    assert described.criterion == coach_pb2.CRITERION_DISTANCE


def _shape(field: str) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        tensor = getattr(request.view, field) if field != "fresh" else request.fresh
        tensor.shape[1] += 1

    return spoil


def _bytes(field: str, data: bytes) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        tensor = getattr(request.view, field) if field != "fresh" else request.fresh
        tensor.data = data + tensor.data[len(data) :]

    return spoil


def _short(request: Request) -> None:
    request.view.agents.data = request.view.agents.data[:-1]


def _set(**fields: Any) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        for name, value in fields.items():
            setattr(request, name, value)

    return spoil


def _dtype(value: int) -> Callable[[Request], None]:
    def spoil(request: Request) -> None:
        request.view.traits.dtype = value  # type: ignore[assignment]

    return spoil


NAN, INFINITE, HUGE = (np.array([value], "<f4").tobytes() for value in (math.nan, math.inf, 3e38))
TOO_MANY = 5000
RUBBISH: dict[str, tuple[str, Callable[[Request], None]]] = {
    "task": ("task: is 'chess'", _set(task="chess")),
    "no task": ("task: is ''", _set(task="")),
    "no view": ("view.agents: is not set", lambda request: request.ClearField("view")),
    "no entities": ("view.entities: dtype is", lambda request: request.view.ClearField("entities")),
    "no fresh": ("fresh: dtype is", lambda request: request.ClearField("fresh")),
    "agents' shape": ("view.agents: shape is", _shape("agents")),
    "traits' shape": ("view.traits: shape is", _shape("traits")),
    "entities' shape": ("view.entities: shape is", _shape("entities")),
    "present's shape": ("view.present: shape is", _shape("present")),
    "fresh's shape": ("fresh: shape is", _shape("fresh")),
    "a scalar": ("view.agents: is not set", lambda request: request.view.agents.ClearField("shape")),
    "another type": ("view.traits: dtype is DATA_TYPE_BOOL, must be DATA_TYPE_FLOAT32", _dtype(2)),
    "a type that is none": ("view.traits: dtype is 77", _dtype(77)),
    "too few bytes": ("view.agents: has", _short),
    "NaN": ("view.entities: element (0, 0, 0) is nan", _bytes("entities", NAN)),
    "infinity": ("view.traits: element (0, 0, 0) is inf", _bytes("traits", INFINITE)),
    "values out of all proportion": ("view: the strategies", _bytes("agents", HUGE * 8)),
    "a mask that is none": ("view.present: a byte is 7", _bytes("present", b"\x07")),
    "negative beta": ("beta: is -1.0", _set(beta=-1.0)),
    "beta that is NaN": ("beta: is nan", _set(beta=math.nan)),
    "beta with samples": ("beta: is 1.0 with MODE_SAMPLE", _set(beta=1.0, mode=coach_pb2.MODE_SAMPLE)),
    "no mode": ("mode: is 0", _set(mode=coach_pb2.MODE_UNSPECIFIED)),
    "a future reply": ("acknowledged: is 9, can be 0", _set(acknowledged=9)),
    "no games": ("view.agents: has 0 games", lambda request: request.view.agents.shape.__setitem__(0, 0)),
    "too many games": (
        f"view.agents: has {TOO_MANY} games, a request may have 1..4096",
        lambda request: request.view.agents.shape.__setitem__(0, TOO_MANY),
    ),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_rubbish_is_refused_by_name_and_touches_nobody_else(server: CoachServer, socket: str, name: str) -> None:
    games = Games(2)
    message, spoil = RUBBISH[name]
    request = make_request(games.view)
    spoil(request)
    with calling(socket) as stub:
        good = Talk(stub)
        first = good.ask(make_request(games.view, beta=1e6))
        with pytest.raises(grpc.RpcError) as caught:
            Talk(stub).ask(request)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert message in caught.value.details()
        assert good.ask(make_request(games.view, beta=1e6, acknowledged=first.number)).sent == 0


def test_rubbish_in_advise_is_refused_by_name(server: CoachServer, socket: str) -> None:
    games = Games(2)
    request = coach_pb2.AdviseRequest(task=SPEC.name, view=view_message(games.view), mode=coach_pb2.MODE_MEAN)
    held = floats_message(np.full((2, SPEC.slots, WIDTH + 1), math.nan, np.float32))
    cases: dict[str, dict[str, Any]] = {
        "known: is set, but `held` is not": {"known": bools_message(games.everyone)},
        "held: shape is": {"held": held},
        "wanted: shape is": {"wanted": bools_message(games.everyone[:1])},
    }
    with calling(socket) as stub:
        for message, fields in cases.items():
            with pytest.raises(grpc.RpcError) as caught:
                stub.Advise(coach_pb2.AdviseRequest(task=request.task, view=request.view, mode=request.mode, **fields))
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert caught.value.details().startswith(message)


def test_a_group_keeps_its_size_and_a_stream_its_groups(server: CoachServer, socket: str) -> None:
    with calling(socket) as stub:
        talk = Talk(stub)
        talk.ask(make_request(Games(2).view))
        with pytest.raises(grpc.RpcError, match="has 3 games, this group of the stream has 2"):
            talk.ask(make_request(Games(3).view))
        talk = Talk(stub)
        for group in range(GROUPS):
            talk.ask(make_request(Games(1).view, group=100 + group))
        with pytest.raises(grpc.RpcError, match=f"group: 7 would be one more than the {GROUPS} groups"):
            talk.ask(make_request(Games(1).view, group=7))


def test_a_message_over_the_limit_is_refused(loop: Loop, socket: str) -> None:
    with loop.serving(make_config(socket, message_bytes=20_000), FIRST) as (server, _), calling(socket) as stub:
        wait_until(lambda: server.version == 1)
        with pytest.raises(grpc.RpcError) as caught:
            Talk(stub).ask(make_request(Games(40).view))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert Talk(stub).ask(make_request(Games(2).view)).sent > 0


def test_health_and_answers_wait_for_weights(loop: Loop, socket: str) -> None:
    view = Games(2).view
    with (
        loop.serving(make_config(socket), FixedWeights({}, version=0)) as (server, address),
        calling(address) as stub,
        grpc.insecure_channel(address) as channel,
    ):
        health = health_pb2_grpc.HealthStub(channel)
        states = health_pb2.HealthCheckResponse
        check = lambda: health.Check(health_pb2.HealthCheckRequest(service="copa.v1.Coach")).status  # noqa: E731
        assert check() == states.NOT_SERVING
        described = stub.Describe(coach_pb2.DescribeRequest())
        assert described.version == 0
        assert described.criterion == coach_pb2.CRITERION_UNSPECIFIED
        advise = coach_pb2.AdviseRequest(task=SPEC.name, view=view_message(view), mode=coach_pb2.MODE_MEAN)
        for attempt in (lambda: Talk(stub).ask(make_request(view)), lambda: stub.Advise(advise)):
            with pytest.raises(grpc.RpcError, match="no weights yet") as caught:
                attempt()
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        server.install(1, make_coach(1))
        wait_until(lambda: check() == states.SERVING)
        assert Talk(stub).ask(make_request(view)).version == 1


def test_weights_that_do_not_fit_change_nothing(loop: Loop, socket: str, caplog: pytest.LogCaptureFixture) -> None:
    tensors = {name: tensor[..., :-1] for name, tensor in weights_of(make_coach(1)).items()}
    with loop.serving(make_config(socket), FixedWeights(tensors)) as (server, _):
        wait_until(lambda: "no newer weights can be used (seen: version 1): weights: coach." in caplog.text)
        assert server.version == 0


def test_reflection_lists_the_service(server: CoachServer, socket: str) -> None:
    with grpc.insecure_channel(socket) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert {"copa.v1.Coach", "grpc.health.v1.Health"} <= set(database.get_services())
        service = DescriptorPool(database).FindServiceByName("copa.v1.Coach")
        assert set(service.methods_by_name) == {"Coordinate", "Advise", "Describe"}


def test_a_server_that_stops_ends_its_streams(loop: Loop, socket: str) -> None:
    with grpc.insecure_channel(socket) as channel:
        with loop.serving(make_config(socket), FIRST) as (server, _):
            wait_until(lambda: server.version == 1)
            talk = Talk(coach_pb2_grpc.CoachStub(channel))
            talk.ask(make_request(Games(1).view))
        with pytest.raises(grpc.RpcError) as caught:
            next(talk.call)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
