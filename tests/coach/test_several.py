"""Several services behind one name: callers spread over them, and lose none but the stream when one goes."""

from contextlib import ExitStack

import grpc

from coach_service.weights import FixedWeights
from copa.coaching.transport import client_options
from protos import coach_pb2_grpc
from tests.coach.parts import Games, Loop, make_coach, make_config, make_request, weights_of

CALLERS = 24
PATIENCE = 20.0


def test_callers_spread_and_go_elsewhere_when_one_is_gone(loop: Loop) -> None:
    config = make_config("127.0.0.1:0")
    weights = weights_of(make_coach(1))
    request = make_request(Games(2).view)
    with ExitStack() as services, ExitStack() as callers:
        ends, addresses = [], []
        for version in (1, 2):
            ends.append(services.enter_context(ExitStack()))
            _, address = ends[-1].enter_context(loop.serving(config, FixedWeights(weights, version=version)))
            addresses.append(address)
        name = "ipv4:" + ",".join(addresses)
        stubs = [
            coach_pb2_grpc.CoachStub(
                callers.enter_context(grpc.insecure_channel(name, options=client_options(config.coach)))
            )
            for _ in range(CALLERS)
        ]

        def answered() -> list[int]:
            """Which service answers each caller's stream."""
            return [
                next(iter(stub.Coordinate(iter([request]), wait_for_ready=True, timeout=PATIENCE))).version
                for stub in stubs
            ]

        first = answered()
        assert set(first) == {1, 2}
        assert answered() == first, "a caller stays where it is"
        ends[0].close()
        assert answered() == [2] * CALLERS
