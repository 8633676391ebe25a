"""A network that loses, delays and breaks, between a client and a service."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

import grpc

from protos import coach_pb2, coach_pb2_grpc

Message = TypeVar("Message")


def _until_it_breaks(messages: Iterator[Message]) -> Iterator[Message]:
    """Messages of a stream that one side may leave at any time."""
    with contextlib.suppress(grpc.RpcError):
        yield from messages


class Weather(coach_pb2_grpc.CoachServicer):
    """Passes streams on to the service at `address`. `fates` holds what shall happen to the next requests' replies:

    "deliver" at once; "late": only after the next request has passed; "lose": never; "cut": the stream breaks instead.
    """

    def __init__(self, address: str) -> None:
        self.fates: SimpleQueue[str] = SimpleQueue()
        self._channel = grpc.insecure_channel(address)
        self._stub = coach_pb2_grpc.CoachStub(self._channel)

    def Coordinate(  # noqa: N802 - name of the protocol
        self, requests: Iterator[coach_pb2.CoordinateRequest], context: grpc.ServicerContext
    ) -> Iterator[coach_pb2.CoordinateReply]:
        context.send_initial_metadata(())
        fates: list[str] = []
        call = self._stub.Coordinate(self._fated(requests, fates))
        context.add_callback(call.cancel)
        delayed: list[coach_pb2.CoordinateReply] = []
        for reply in _until_it_breaks(call):
            fate = fates[reply.number - 1]
            if fate == "cut":
                call.cancel()
                context.abort(grpc.StatusCode.UNAVAILABLE, "a cable was cut")
            if fate == "late":
                delayed.append(reply)
            if fate == "deliver":
                yield from delayed
                delayed.clear()
                yield reply

    def _fated(
        self, requests: Iterator[coach_pb2.CoordinateRequest], fates: list[str]
    ) -> Iterator[coach_pb2.CoordinateRequest]:
        for request in _until_it_breaks(requests):
            try:
                fates.append(self.fates.get_nowait())
            except Empty:
                fates.append("deliver")
            yield request

    def close(self) -> None:
        """Close the way to the service."""
        self._channel.close()


class Proxy:
    """A server with `Weather` on a unix socket."""

    def __init__(self, address: str, service: str) -> None:
        self.weather = Weather(service)
        self._pool = ThreadPoolExecutor(8)
        self._server = grpc.server(self._pool)
        coach_pb2_grpc.add_CoachServicer_to_server(self.weather, self._server)
        self._server.add_insecure_port(address)
        self._server.start()

    def close(self) -> None:
        """End all streams and stop."""
        stopped: threading.Event = self._server.stop(0)
        stopped.wait(5)
        self.weather.close()
        self._pool.shutdown()
