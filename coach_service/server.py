"""The server around the service: address, health, reflection, weights, an end in good order."""

import asyncio
import logging
import threading
from collections.abc import Callable, Set

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

from coach_service.gate import TokenGate
from coach_service.service import CoachService
from coach_service.strategist import Strategist
from coach_service.streams import Stream
from coach_service.weights import WeightsSource, WeightsWatcher
from copa import arithmetic
from copa.coaching.address import Address
from copa.coaching.transport import check_listening, read_tokens, server_credentials, server_options
from copa.config.schema import Config
from copa.nets import Coach, Need
from copa.tasks.base import TaskSpec
from protos import coach_pb2, coach_pb2_grpc

log = logging.getLogger(__name__)

SERVICE = coach_pb2.DESCRIPTOR.services_by_name["Coach"].full_name

GRACE_SECONDS = 3.0
"""Time for answers under way when the server stops."""

_TICK_SECONDS = 0.1


class CoachServer:
    """A coach service on `config.coach.address`, with weights from `source`.

    Lives, and computes, on one event loop.
    """

    def __init__(self, spec: TaskSpec, config: Config, source: WeightsSource) -> None:
        self._config = config
        self._strategist = Strategist(config.run.seed)
        self._service = CoachService(spec, config, self._strategist)
        self._watcher = WeightsWatcher(source, spec, config, self.install)
        self._health = health.aio.HealthServicer()
        self._first_weights = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: grpc.aio.Server | None = None

    async def start(self) -> str:
        """Listen; returns the address, in which a port 0 was replaced by the one that was free.

        Raises ConfigError for an address that is malformed or reaches beyond this machine without protection, and for
        secrets that cannot be used; UnavailableError for an address that is in use.
        """
        settings = self._config.coach
        address = Address.parse(settings.address)
        check_listening(settings)
        tokens, credentials = read_tokens(settings), server_credentials(settings)
        address.check_free()
        self._loop = asyncio.get_running_loop()
        gates = [TokenGate(tokens)] if tokens else []
        self._server = grpc.aio.server(interceptors=gates, options=server_options(settings))
        coach_pb2_grpc.add_CoachServicer_to_server(self._service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        await self._set_serving(False)
        try:
            if credentials is None:
                port = self._server.add_insecure_port(address.target)
            else:
                port = self._server.add_secure_port(address.target, credentials)
        except RuntimeError:
            raise address.taken() from None
        self._service.start()
        await self._server.start()
        self._watcher.start()
        found = address.target if address.path else Address(address.host, port, None).target
        log.info("coach listens on %s (%s, %s token)", found, settings.transport, "with a" if tokens else "no")
        if not address.local and settings.insecure:
            log.warning("coach.insecure is set, and %s can be reached from other machines", found)
        return found

    async def wait_serving(self) -> None:
        """Return when the first weights are there."""
        await self._first_weights.wait()

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Take no more requests, give answers under way `grace` seconds, and end."""
        self._watcher.stop()
        await self._health.enter_graceful_shutdown()
        self._service.end_streams()
        if self._server is not None:
            await self._server.stop(grace)
        await self._service.stop()

    @property
    def version(self) -> int:
        """Version of the weights in use; 0 before the first."""
        return self._strategist.version

    @property
    def streams(self) -> Set[Stream]:
        """Streams that are open."""
        return self._service.streams

    def install(self, version: int, coach: Coach, need: Need | None = None) -> None:
        """Use `coach` and its `need`, whose weights are `version`, from the next batch on. Any thread may call this."""
        first = self._strategist.version == 0
        self._strategist.install(version, coach, need)
        if first and self._loop is not None and not self._loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._begin_serving(), self._loop)

    async def _begin_serving(self) -> None:
        await self._set_serving(True)
        self._first_weights.set()

    async def _set_serving(self, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", SERVICE):
            await self._health.set(name, status)


async def serve(
    spec: TaskSpec,
    config: Config,
    source: WeightsSource,
    *,
    stopping: threading.Event,
    ready: Callable[[], None],
    beat: Callable[[], None],
) -> None:
    """Serve until `stopping` is set. `ready` is called when there are weights, `beat` while the loop lives."""
    arithmetic.prepare(1)
    server = CoachServer(spec, config, source)
    await server.start()
    serving = asyncio.create_task(server.wait_serving())
    serving.add_done_callback(lambda task: None if task.cancelled() else ready())
    try:
        while not stopping.is_set():
            beat()
            await asyncio.sleep(_TICK_SECONDS)
    finally:
        serving.cancel()
        await server.stop()
