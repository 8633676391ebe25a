"""One caller who sends too much or too fast: what it gets, and that others do not notice."""

import threading
import time

import grpc
import pytest

from coach_service.pace import BURST_SECONDS, Pace, Paces
from copa.coaching import CoachClient
from copa.coaching.tensors import view_message
from copa.config.schema import CoachSettings
from copa.telemetry.metrics import COACH_PACED_SECONDS
from protos import coach_pb2
from tests.coach.parts import FIRST, SPEC, Games, Loop, calling, make_config, make_request, nobody, wait_until

FLOOD = 200


def paced() -> float:
    return float(COACH_PACED_SECONDS._value.get())


def test_a_stream_that_asks_too_fast_is_held_back_and_no_other(loop: Loop) -> None:
    config = make_config("127.0.0.1:0", stream_requests=100.0)
    with loop.serving(config, FIRST) as (server, address), calling(address) as stub:
        wait_until(lambda: server.version == 1)
        before, view = paced(), Games(1).view
        requests = (make_request(view, group=number % 8) for number in range(FLOOD))
        began = time.monotonic()
        flood = stub.Coordinate(requests)
        got: list[float] = []
        reader = threading.Thread(target=lambda: got.extend(time.monotonic() for _ in flood))
        reader.start()
        polite = Games(2)
        with CoachClient(address, config, sample=False) as client:
            for step in range(20):
                client.ask(0, step, polite.view, polite.everyone if step == 0 else nobody(polite.view))
                assert client.collect(0, 20.0) is not None
        others_done = time.monotonic()
        reader.join(60)
        assert got[-1] - began >= (FLOOD - 1) / 100.0 - BURST_SECONDS - 0.1
        assert paced() - before > 1.0
        assert others_done < got[-1]


def test_many_games_count_as_many(loop: Loop) -> None:
    pace = Pace(CoachSettings(stream_requests=1000.0, stream_rows=1000.0))
    assert pace.take(100, now=10.0) == 0.0
    assert pace.take(400, now=10.0) == pytest.approx(0.25)
    assert pace.take(1, now=10.5) == pytest.approx(0.0)
    assert pace.take(4096, now=60.0) == pytest.approx(4.096 - BURST_SECONDS)


def test_an_idle_caller_saves_up_no_more_than_a_burst() -> None:
    pace = Pace(CoachSettings(stream_requests=10.0))
    pace.take(1, now=0.0)
    waits = [pace.take(1, now=1000.0) for _ in range(5)]
    assert waits == pytest.approx([0.0, 0.0, 0.05, 0.15, 0.25])


def test_who_calls_without_a_stream_is_refused_and_its_neighbour_is_not(loop: Loop) -> None:
    config = make_config("127.0.0.1:0", stream_requests=5.0)
    advise = coach_pb2.AdviseRequest(task=SPEC.name, view=view_message(Games(1).view), mode=coach_pb2.MODE_MEAN)
    with loop.serving(config, FIRST) as (server, address), calling(address, use_local_subchannel_pool=1) as stub:
        wait_until(lambda: server.version == 1)
        with pytest.raises(grpc.RpcError) as caught:
            list(map(stub.Advise, [advise] * 20))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "rate: more than coach.stream_requests = 5 requests" in str(caught.value.details())
        with calling(address, use_local_subchannel_pool=1) as neighbour:
            assert neighbour.Advise(advise).sent > 0
        wait_until(lambda: _sent(stub, advise) > 0)


def _sent(stub: object, advise: coach_pb2.AdviseRequest) -> int:
    try:
        return int(stub.Advise(advise).sent)  # type: ignore[attr-defined]
    except grpc.RpcError:
        return 0


def test_callers_that_are_forgotten_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coach_service.pace.CALLERS", 2)
    paces = Paces(CoachSettings(stream_requests=1.0))
    first = paces.of("a")
    assert paces.of("a") is first
    paces.of("b")
    paces.of("c")
    assert paces.of("a") is not first


def test_a_message_that_is_too_large_ends_its_stream_alone(loop: Loop) -> None:
    config = make_config("127.0.0.1:0", message_bytes=20_000)
    with loop.serving(config, FIRST) as (server, address), calling(address) as stub:
        wait_until(lambda: server.version == 1)
        polite = Games(2)
        with CoachClient(address, config, sample=False) as client:
            client.ask(0, 0, polite.view, polite.everyone)
            assert client.collect(0, 20.0) is not None
            with pytest.raises(grpc.RpcError) as caught:
                next(stub.Coordinate(iter([make_request(Games(40).view)])))
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            client.ask(0, 1, polite.view, nobody(polite.view))
            assert client.collect(0, 20.0) is not None
