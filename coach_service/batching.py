"""Dynamic batching: questions of all streams that wait are answered by one forward pass.

It is made on the event loop: beside it, on a thread, every operation of the pass would fight with the loop for the
interpreter, and both together were slower than one after the other (docs/benchmarks.md).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coach_service.questions import Question
from coach_service.strategist import Answer
from copa.telemetry.metrics import COACH_BATCH_ROWS

REST_SECONDS = 0.001
"""A rest of the event loop, in which gRPC's own threads bring what waits outside and open new streams."""

BUSY_SECONDS = 0.01
"""Longest time for which passes follow one another while questions wait, without a rest."""

RESTS = 32
"""Most rests between two passes: what a caller who asks without end can cost the others."""

Compute = Callable[[Sequence[Question]], list[Answer]]
Reply = asyncio.Future[Answer | None]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    question: Question
    source: object
    reply: Reply
    arrived: float


class Batcher:
    """Collects questions for at most `wait` seconds after the first, or until there are `rows` games.

    A question with more games than that is a batch of its own. Nobody waits when every open stream has a question in
    hand. What arrives while one batch is computed is in the next.
    """

    def __init__(self, compute: Compute, *, rows: int, wait: float) -> None:
        self._compute = compute
        self._rows = rows
        self._wait = wait
        self._waiting: deque[_Waiting] = deque()
        self._waiting_rows = 0
        self._asked = 0
        self._rested = 0.0
        self._sources: set[object] = set()
        self._arrival = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.streams: set[object] = set()
        """Streams that are open; whoever opens one adds it and discards it."""

    def start(self) -> None:
        """Begin to answer, on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Answer nothing any more; what still waits is cancelled."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for waiting in self._waiting:
            waiting.reply.cancel()
        self._waiting.clear()

    def ask(self, question: Question, source: object) -> Reply:
        """A future of the answer to `question` of stream `source`.

        Whoever no longer wants it sets the result to None; it is then not computed, if there is still time.
        """
        reply: Reply = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(question, source, reply, time.monotonic()))
        self._waiting_rows += question.rows
        self._asked += 1
        self._sources.add(source)
        self._arrival.set()
        return reply

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(0)
            if time.monotonic() - self._rested > BUSY_SECONDS:
                await self._rest()
            await self._collect()
            batch = self._take()
            if not batch:
                continue
            COACH_BATCH_ROWS.observe(sum(waiting.question.rows for waiting in batch))
            questions = [waiting.question for waiting in batch]
            try:
                answers = self._compute(questions)
            except Exception as error:
                for waiting in batch:
                    if not waiting.reply.done():
                        waiting.reply.set_exception(error)
                continue
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.reply.done():
                    waiting.reply.set_result(answer)

    async def _rest(self) -> None:
        """Leave the event loop to all else, for as long as streams open or questions arrive, but not for ever.

        Without this, streams that were just answered would ask again before others had been opened or read at all.
        """
        before = None
        for _ in range(RESTS):
            now = self._asked, len(self.streams)
            if now == before:
                break
            before = now
            await asyncio.sleep(REST_SECONDS)
        self._rested = time.monotonic()

    async def _collect(self) -> None:
        """Return when the batch that waits should be computed."""
        while not self._waiting:
            self._arrival.clear()
            await self._arrival.wait()
            self._rested = time.monotonic()
        until = self._waiting[0].arrived + self._wait
        while not self._complete() and (left := until - time.monotonic()) > 0.0:
            self._arrival.clear()
            try:
                async with asyncio.timeout(left):
                    await self._arrival.wait()
            except TimeoutError:
                return

    def _complete(self) -> bool:
        if self._waiting_rows >= self._rows:
            return True
        return len(self._sources) >= len(self.streams) and self.streams <= self._sources

    def _take(self) -> list[_Waiting]:
        """The questions of the next batch, oldest first, without those nobody wants any more."""
        batch: list[_Waiting] = []
        rows = 0
        while self._waiting:
            waiting = self._waiting[0]
            if not waiting.reply.done():
                if batch and rows + waiting.question.rows > self._rows:
                    break
                batch.append(waiting)
                rows += waiting.question.rows
            self._waiting.popleft()
        self._waiting_rows = sum(waiting.question.rows for waiting in self._waiting)
        self._sources = {waiting.source for waiting in self._waiting}
        return batch
