"""One open `Coordinate` stream: its groups, the answers under way, the order of its replies."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import numpy as np

from coach_service.batching import Batcher, Reply
from coach_service.questions import Checker, Question
from coach_service.refusals import NO_WEIGHTS, NOT_FINITE, NotReadyError
from coach_service.sessions import Group
from coach_service.strategist import Strategist
from copa.coaching.tensors import strategies_message
from copa.errors import DataError
from copa.telemetry.metrics import (
    COACH_REQUEST_SECONDS,
    COACH_REQUESTS,
    STRATEGIES_ELIGIBLE,
    STRATEGIES_SENT,
    STRATEGY_BYTES,
)
from protos import coach_pb2

GROUPS = 64
"""Most groups of one stream; as many as an actor may have."""

Write = Callable[[coach_pb2.CoordinateReply], Awaitable[None]]


class Stream:
    """Takes the requests of one stream in order of arrival and answers them as strategies become available."""

    def __init__(self, checker: Checker, strategist: Strategist, batcher: Batcher, write: Write, width: int) -> None:
        self._checker = checker
        self._strategist = strategist
        self._batcher = batcher
        self._write = write
        self._width = width
        self._writing = asyncio.Lock()
        self._number = 0
        self.groups: dict[int, Group] = {}
        """What is remembered of each group, by the number that the caller gave it."""
        self._asked: dict[int, Reply] = {}
        self._answers: set[asyncio.Task[None]] = set()
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the stream shall end; has an exception when it ends with an error."""

    def take(self, request: coach_pb2.CoordinateRequest) -> int:
        """Note the next request, begin to answer it, return its games; a faulty one ends the stream and has none."""
        self._number += 1
        try:
            if not self._strategist.version:
                raise NotReadyError(NO_WEIGHTS)
            question = self._checker.coordinate(request)
            group = self._group(request.group, question)
            group.arrive(question, request.acknowledged)
        except (DataError, NotReadyError) as error:
            self.end(error)
            return 0
        earlier = self._asked.get(request.group)
        if earlier is not None and not earlier.done():
            earlier.set_result(None)
        asked = self._batcher.ask(question, self)
        self._asked[request.group] = asked
        task = asyncio.create_task(self._answer(self._number, request, question, group, asked))
        self._answers.add(task)
        task.add_done_callback(self._answered)
        return question.rows

    def end(self, error: Exception | None = None) -> None:
        """End the stream, with `error` or in good order; only the first call counts."""
        if self.finished.done():
            return
        if error is None:
            self.finished.set_result(None)
        else:
            self.finished.set_exception(error)

    async def settle(self) -> None:
        """Return when no answer is under way any more."""
        if self._answers:
            await asyncio.wait(self._answers)

    def cancel(self) -> None:
        """Give up all answers under way."""
        for asked in self._asked.values():
            if not asked.done():
                asked.set_result(None)
        for task in self._answers:
            task.cancel()

    def _group(self, number: int, question: Question) -> Group:
        group = self.groups.get(number)
        if group is None:
            if len(self.groups) >= GROUPS:
                raise DataError(f"group: {number} would be one more than the {GROUPS} groups a stream may have")
            group = Group(question.rows, question.members.shape[1], self._width)
            self.groups[number] = group
        return group

    async def _answer(
        self, number: int, request: coach_pb2.CoordinateRequest, question: Question, group: Group, asked: Reply
    ) -> None:
        began = time.perf_counter()
        answer = await asked
        if answer is None or self._asked.get(request.group) is not asked:
            COACH_REQUESTS.labels("CANCELLED").inc()
            return
        del self._asked[request.group]
        if not np.isfinite(answer.strategies).all():
            raise DataError(NOT_FINITE)
        mask, vectors = group.reply(number, question, answer)
        reply = coach_pb2.CoordinateReply(
            number=number,
            group=request.group,
            step=request.step,
            version=answer.version,
            strategies=strategies_message(mask, vectors),
            eligible=int(question.members.sum()),
            sent=len(vectors),
        )
        async with self._writing:
            await self._write(reply)
        count_strategies(reply.eligible, reply.sent, vectors.nbytes)
        COACH_REQUESTS.labels("OK").inc()
        COACH_REQUEST_SECONDS.observe(time.perf_counter() - began)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answers.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.end(error if isinstance(error, Exception) else RuntimeError(str(error)))


def count_strategies(eligible: int, sent: int, size: int) -> None:
    """Count what one reply let travel; `size` in bytes."""
    STRATEGIES_ELIGIBLE.inc(eligible)
    STRATEGIES_SENT.inc(sent)
    STRATEGY_BYTES.inc(size)
