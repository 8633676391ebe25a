"""The three calls of `copa.v1.Coach`."""

import asyncio
import logging
import time
from typing import NoReturn

import grpc
import numpy as np

import copa
from coach_service.batching import Batcher
from coach_service.pace import Pace, Paces
from coach_service.questions import ROWS, Checker
from coach_service.refusals import NO_WEIGHTS, NOT_FINITE, STOPPING, NotReadyError, TooFastError, status_of
from coach_service.strategist import Strategist
from coach_service.streams import GROUPS, Stream, count_strategies
from copa.coaching.tensors import strategies_message
from copa.config.schema import Config
from copa.errors import DataError
from copa.tasks.base import TaskSpec
from copa.telemetry.metrics import (
    COACH_INTERVAL,
    COACH_PACED_SECONDS,
    COACH_REQUEST_SECONDS,
    COACH_REQUESTS,
    COACH_STREAMS,
)
from protos import coach_pb2, coach_pb2_grpc

log = logging.getLogger(__name__)

CRITERIA = {
    None: coach_pb2.CRITERION_UNSPECIFIED,
    False: coach_pb2.CRITERION_DISTANCE,
    True: coach_pb2.CRITERION_NEED,
}

CoordinateContext = grpc.aio.ServicerContext[coach_pb2.CoordinateRequest, coach_pb2.CoordinateReply]
AdviseContext = grpc.aio.ServicerContext[coach_pb2.AdviseRequest, coach_pb2.AdviseReply]
DescribeContext = grpc.aio.ServicerContext[coach_pb2.DescribeRequest, coach_pb2.DescribeReply]


class CoachService(coach_pb2_grpc.CoachServicer):
    """Answers with the strategies of `strategist`; lives on one event loop."""

    def __init__(self, spec: TaskSpec, config: Config, strategist: Strategist) -> None:
        self._spec = spec
        self._config = config
        self._strategist = strategist
        self._checker = Checker(spec, config.nets.width)
        self._batcher = Batcher(strategist.compute, rows=config.coach.batch_rows, wait=config.coach.batch_wait)
        self.streams: set[Stream] = set()
        """Streams that are open."""
        self._stopping = False
        COACH_INTERVAL.set(config.method.T)
        self._paces = Paces(config.coach)

    def start(self) -> None:
        """Begin to answer."""
        self._batcher.start()

    def end_streams(self) -> None:
        """Take no more requests; streams end with UNAVAILABLE after the answers that are under way."""
        self._stopping = True
        for stream in self.streams:
            stream.end(NotReadyError(STOPPING))

    async def stop(self) -> None:
        """Stop computing."""
        await self._batcher.stop()

    async def Coordinate(  # type: ignore[override]  # noqa: N802 - replies are written, not yielded
        self, _: object, context: CoordinateContext
    ) -> None:
        """One actor's stream; see `coach.proto`."""
        stream = Stream(self._checker, self._strategist, self._batcher, context.write, self._config.nets.width)
        if self._stopping:
            stream.end(NotReadyError(STOPPING))
        self.streams.add(stream)
        self._batcher.streams.add(stream)
        COACH_STREAMS.inc()
        reader: asyncio.Task[None] | None = None
        try:
            await context.send_initial_metadata(())
            reader = asyncio.create_task(_read(context, stream, Pace(self._config.coach)))
            await stream.finished
            await stream.settle()
        except Exception as error:
            if isinstance(error, NotReadyError):
                await stream.settle()
            await self._refuse(context, error)
        finally:
            COACH_STREAMS.dec()
            self.streams.discard(stream)
            self._batcher.streams.discard(stream)
            if reader is not None:
                reader.cancel()
            stream.cancel()

    async def Advise(  # noqa: N802 - name of the protocol
        self, request: coach_pb2.AdviseRequest, context: AdviseContext
    ) -> coach_pb2.AdviseReply:
        """Strategies for one caller who is not remembered; see `coach.proto`."""
        began = time.perf_counter()
        try:
            if not self._strategist.version:
                raise NotReadyError(STOPPING if self._stopping else NO_WEIGHTS)
            question, communication = self._checker.advise(request)
            self._admit(context.peer(), question.rows)
            answer = await self._batcher.ask(question, context)
            assert answer is not None
            if not np.isfinite(answer.strategies).all():
                raise DataError(NOT_FINITE)
            mask = communication.select(
                answer.strategies, question.members, question.fresh, question.beta, answer.version, answer.measure
            )
        except Exception as error:
            await self._refuse(context, error)
        vectors = answer.strategies[mask]
        count_strategies(communication.eligible, communication.sent, vectors.nbytes)
        COACH_REQUESTS.labels("OK").inc()
        COACH_REQUEST_SECONDS.observe(time.perf_counter() - began)
        return coach_pb2.AdviseReply(
            version=answer.version,
            strategies=strategies_message(mask, vectors),
            eligible=communication.eligible,
            sent=communication.sent,
        )

    async def Describe(  # noqa: N802 - name of the protocol
        self, request: coach_pb2.DescribeRequest, context: DescribeContext
    ) -> coach_pb2.DescribeReply:
        """Sizes and versions; see `coach.proto`."""
        spec = self._spec
        return coach_pb2.DescribeReply(
            task=spec.name,
            slots=spec.slots,
            entity_rows=spec.entity_rows,
            agent_features=spec.agent_features,
            trait_features=spec.trait_features,
            entity_features=spec.entity_features,
            strategy_width=self._config.nets.width,
            steps_between=self._config.method.T,
            version=self._strategist.version,
            rows=ROWS,
            groups=GROUPS,
            message_bytes=self._config.coach.message_bytes,
            software=copa.__version__,
            criterion=CRITERIA[self._strategist.foretells_need],
        )

    def _admit(self, caller: str, rows: int) -> None:
        """Refuse a caller who asks too fast without a stream; callers on a unix socket cannot be told apart.

        Raises TooFastError.
        """
        if caller.startswith("unix:"):
            return
        pace, now = self._paces.of(caller), time.monotonic()
        if (owed := pace.owed(now)) > 0.0:
            raise TooFastError(
                f"rate: more than coach.stream_requests = {self._config.coach.stream_requests:g} requests or"
                f" coach.stream_rows = {self._config.coach.stream_rows:g} games per second; wait {owed:.2f} s"
            )
        pace.take(rows, now)

    async def _refuse(self, context: CoordinateContext | AdviseContext, error: Exception) -> NoReturn:
        code, details = status_of(error)
        COACH_REQUESTS.labels(code.name).inc()
        if code is grpc.StatusCode.INTERNAL:
            log.error("an answer failed", exc_info=error)
        elif code is grpc.StatusCode.INVALID_ARGUMENT:
            log.warning("refused a request of %s: %s", context.peer(), details)
        await context.abort(code, details)


async def _read(context: CoordinateContext, stream: Stream, pace: Pace) -> None:
    """Hand every request to `stream`, no faster than `pace` says, until the caller has no more.

    What was not read is held back by the flow control of this stream, and costs others nothing.
    """
    try:
        while not stream.finished.done():
            request: object = await context.read()
            if request is grpc.aio.EOF:
                stream.end()
                return
            assert isinstance(request, coach_pb2.CoordinateRequest)
            rows = stream.take(request)
            if (wait := pace.take(rows, time.monotonic())) > 0.0:
                COACH_PACED_SECONDS.inc(wait)
                await asyncio.sleep(wait)
    except Exception as error:
        stream.end(error)
