"""A stream opens before it answers, however fast the answer and slow the opening."""

import asyncio
from pathlib import Path
from typing import Any

import grpc

from coach_service.service import CoachService, CoordinateContext
from coach_service.strategist import Strategist
from protos import coach_pb2_grpc
from tests.coach.parts import SPEC, Games, calling, make_coach, make_config, make_request


class Hesitating:
    """gRPC's own context of a stream, with initial metadata that take their time."""

    def __init__(self, context: CoordinateContext) -> None:
        self._context = context

    async def send_initial_metadata(self, metadata: Any) -> None:
        await asyncio.sleep(0.3)
        await self._context.send_initial_metadata(metadata)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class HesitatingService(CoachService):
    """The service, over such contexts."""

    async def Coordinate(self, requests: object, context: Any) -> None:  # type: ignore[override]  # noqa: N802 - name of the protocol
        await super().Coordinate(requests, Hesitating(context))  # type: ignore[arg-type]


def test_an_answer_waits_until_the_stream_is_open(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'coach'}"
    games = Games(4)

    def ask() -> int:
        with calling(address) as stub:
            replies = list(stub.Coordinate(iter([make_request(games.view)]), timeout=20))
        return sum(reply.sent for reply in replies)

    async def scenario() -> int:
        strategist = Strategist(seed=0)
        strategist.install(1, make_coach(1))
        service = HesitatingService(SPEC, make_config(address), strategist)
        server = grpc.aio.server()
        coach_pb2_grpc.add_CoachServicer_to_server(service, server)
        server.add_insecure_port(address)
        service.start()
        await server.start()
        try:
            return await asyncio.to_thread(ask)
        finally:
            await server.stop(0)
            await service.stop()

    assert asyncio.run(scenario()) == games.everyone.sum()
