"""The actor's side of the coach service.

The caller's thread hands questions over and takes answers; a thread of the client keeps one `Coordinate` stream open,
reads replies, and reconnects. What a caller's players hold changes only inside `ask`, `collect` and `advise`.
"""

import logging
import random
import threading
import time
from dataclasses import dataclass

import grpc
import numpy as np

from copa.coaching.tensors import bools_message, read_strategies, view_message
from copa.coaching.transport import call_metadata, open_channel
from copa.communication import Communication
from copa.config.schema import Config
from copa.errors import CopaError, DataError, UnavailableError
from copa.tasks import task_spec
from copa.tasks.base import Bools, Floats, View
from protos import coach_pb2, coach_pb2_grpc

log = logging.getLogger(__name__)

_MISTAKES = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED)
"""Status codes that mean a fault of the caller, not of the network: asking again cannot help."""

_STRANGER = grpc.StatusCode.UNAUTHENTICATED

_BACKOFF_FIRST = 0.1
_BACKOFF_MOST = 3.0

_PATIENCE = 3
"""Streams in a row that a service may fail before another is looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Strategies:
    """What the players of one group hold after an answer was applied."""

    held: Floats
    """[B, A, W], the client's own array: it changes at the group's next `ask`, `collect` or `advise`."""
    changed: Bools
    """[B, A], who got a new strategy in this answer."""
    version: int
    """Weights version behind everything in `held`."""
    eligible: int
    """Agents present."""
    sent: int
    """Strategies that travelled."""


@dataclass(slots=True, eq=False)
class _Question:
    step: int
    view: View
    asked: float
    stream: "_Stream | None" = None
    number: int = 0
    reply: coach_pb2.CoordinateReply | None = None


@dataclass(slots=True, eq=False)
class _Stream:
    """One attempt at a `Coordinate` stream."""

    sent: int = 0
    ended: bool = False


class _Group:
    """One group of games: what its players hold, and the question that waits for an answer."""

    def __init__(self, games: int, slots: int, width: int) -> None:
        self.communication = Communication(games, slots, width)
        self.question: _Question | None = None
        self.applied: tuple[_Stream | None, int] = (None, 0)
        self.unreported: Bools = np.zeros((games, slots), np.bool_)
        """Who began or joined and was not yet said to be fresh, on the stream that is open."""

    def forget(self, arrived: Bools) -> None:
        """Players who arrived ([B, A]) hold nothing, and the service is to know it."""
        self.communication.forget(arrived)
        self.communication.held[arrived] = 0.0
        self.unreported |= arrived


class CoachClient:
    """Strategies for the players of one actor, from the coach service at `address`.

    `sample`: whether strategies are samples (training) or means; when not said, samples where `coach.beta` is 0.
    For use by one thread; usable as a context manager. Raises ConfigError for certificates or a token that cannot be
    used.
    """

    def __init__(self, address: str, config: Config, *, sample: bool | None = None) -> None:
        self._spec = task_spec(config.task.name, config.task.options)
        self._width = config.nets.width
        self._settings = config.coach
        sampled = config.coach.beta == 0.0 if sample is None else sample
        self._mode = coach_pb2.MODE_SAMPLE if sampled else coach_pb2.MODE_MEAN
        self._groups: dict[int, _Group] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._failure: CopaError | None = None
        self._warned = False
        self._down_since: float | None = time.monotonic()
        """Since when there is no stream that gave an answer; None while there is one."""
        self._open = False
        """Whether the service has taken the latest stream, and it has not ended."""
        self._address = address
        self._metadata = call_metadata(address, config.coach)
        self._channel = open_channel(address, config.coach)
        self._before: grpc.Channel | None = None
        """The channel before, on which an `advise` may still be under way."""
        self._stub = coach_pb2_grpc.CoachStub(self._channel)
        self._call: grpc.Call | None = None
        self._thread = threading.Thread(target=self._run, name="coach client", daemon=True)
        self._thread.start()

    def __enter__(self) -> "CoachClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, group: int, step: int, view: View, arrived: Bools) -> None:
        """Ask for the strategies of `group` at a coach step; returns at once.

        `arrived` [B, A]: players who begin an episode or join at this very step. They hold zeros until their first
        strategy comes, whatever was in their slots. Those who joined since the last coach step are known from `advise`
        and go on with what it gave them. A group keeps its number of games. A question that was not collected is
        given up.

        Raises:
            DataError: the service refused an earlier question, which is a fault of this program.
            UnavailableError: the service does not take this caller's token.
        """
        games, slots = arrived.shape
        with self._changed:
            self._raise_failure()
            state = self._groups.get(group)
            if state is None:
                state = self._groups[group] = _Group(games, slots, self._width)
            state.forget(arrived)
            state.question = _Question(step, view, time.monotonic())
            self._changed.notify_all()

    def collect(self, group: int, deadline: float) -> Strategies | None:
        """Wait for the answer to the last `ask` of `group` until `deadline` seconds after it, and apply the answer.

        Does not wait at all when the service has been away for longer than `deadline`. None when the answer is not
        there, or nothing was asked: players keep what they hold; a late answer is dropped.

        Raises:
            DataError: the service refused a question, or its answer is malformed.
            UnavailableError: the service does not take this caller's token.
        """
        state = self._groups[group]
        with self._changed:
            question = state.question
            if question is None:
                return None
            while question.reply is None and self._failure is None:
                left = self._until(question.asked, deadline) - time.monotonic()
                if left <= 0.0:
                    break
                self._changed.wait(left)
            state.question = None
            self._raise_failure()
        reply = question.reply
        if reply is None:
            return None
        talk = state.communication
        mask, vectors = read_strategies(reply.strategies, talk.held.shape)
        talk.commit(mask, vectors, reply.version)
        state.applied = (question.stream, reply.number)
        return Strategies(talk.held, mask, reply.version, reply.eligible, reply.sent)

    def advise(self, group: int, view: View, newcomers: Bools, deadline: float) -> bool:
        """Get strategies for `newcomers` [B, A], who join between two coach steps; whether they came in time.

        Waits at most `deadline` seconds, and not at all when the service has been away for longer. Without an answer
        newcomers hold zeros. The next `ask` says by itself that they are new.

        Raises:
            DataError: the service refused the question or an earlier one, or its answer is malformed.
            UnavailableError: the service does not take this caller's token.
        """
        with self._changed:
            self._raise_failure()
            state = self._groups[group]
            state.forget(newcomers)
            now = time.monotonic()
            if self._until(now, deadline) <= now:
                return False
        rows = np.flatnonzero(newcomers.any(axis=1))
        part = View(*(getattr(view, name)[rows] for name in View.__slots__))
        request = coach_pb2.AdviseRequest(
            task=self._spec.name, view=view_message(part), wanted=bools_message(newcomers[rows]), mode=self._mode
        )
        try:
            reply = self._stub.Advise(request, timeout=deadline, metadata=self._metadata)
        except grpc.RpcError as error:
            refusal = _refusal(error)
            if refusal is None or error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                return False
            raise refusal from None
        mask, vectors = read_strategies(reply.strategies, (len(rows), *state.communication.held.shape[1:]))
        whole = np.zeros_like(newcomers)
        whole[rows] = mask
        state.communication.held[whole] = vectors
        return True

    def held(self, group: int) -> Floats:
        """[B, A, W], what the players of `group` hold now; zeros for who holds nothing. Not to be written to."""
        return self._groups[group].communication.held

    def version(self, group: int) -> int:
        """Weights version behind what `group` holds; 0 before the first answer."""
        return self._groups[group].communication.version

    def close(self) -> None:
        """End the stream and the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            call = self._call
        if call is not None:
            call.cancel()
        self._thread.join(5.0)
        self._channel.close()
        if self._before is not None:
            self._before.close()

    def _until(self, asked: float, deadline: float) -> float:
        """Till when to wait for an answer. A stream that the service has taken is waited for, however long none was."""
        if self._down_since is None or self._open:
            return asked + deadline
        return min(asked, self._down_since) + deadline

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        """Keep a stream open until closed, or until the service calls a request faulty."""
        failures = 0
        while True:
            stream = _Stream()
            with self._changed:
                if self._closed:
                    return
                self._call = call = self._stub.Coordinate(_Requests(self, stream), metadata=self._metadata)
            try:
                call.initial_metadata()
                with self._changed:
                    self._open = bool(call.is_active())
                for reply in call:
                    failures = 0
                    self._take(stream, reply)
                reason = "the stream ended"
            except grpc.RpcError as error:
                refusal = _refusal(error)
                if refusal is not None:
                    self._fail(refusal)
                    return
                reason = f"{error.code().name}: {error.details()}"
            pause = random.uniform(0.0, min(_BACKOFF_MOST, _BACKOFF_FIRST * 2 ** min(failures, 16)))
            failures += 1
            with self._changed:
                stream.ended = True
                self._open = False
                if self._down_since is None:
                    self._down_since = time.monotonic()
                self._changed.notify_all()
                if self._closed:
                    return
                if not self._warned:
                    log.warning("no coach; players go on with the strategies they hold (%s)", reason)
                self._warned = True
                self._changed.wait_for(lambda: self._closed, pause)
            if failures % _PATIENCE == 0:
                self._look_elsewhere()

    def _look_elsewhere(self) -> None:
        """Open a new channel: where the address is the name of several services, perhaps to another one.

        A service that is there and cannot answer would otherwise keep this caller for as long as it is there.
        """
        try:
            channel = open_channel(self._address, self._settings)
        except CopaError as error:
            log.warning("no new connection to the coach: %s", error)
            return
        if self._before is not None:
            self._before.close()
        self._before, self._channel = self._channel, channel
        self._stub = coach_pb2_grpc.CoachStub(channel)

    def _take(self, stream: _Stream, reply: coach_pb2.CoordinateReply) -> None:
        """Give a reply to the question that waits for it; nobody waits for a late one."""
        with self._changed:
            if self._warned:
                log.info("the coach answers again")
            self._warned = False
            self._down_since = None
            state = self._groups.get(reply.group)
            question = state.question if state is not None else None
            if question is not None and question.stream is stream and question.number == reply.number:
                question.reply = reply
                self._changed.notify_all()

    def _fail(self, refusal: CopaError) -> None:
        with self._changed:
            self._failure = refusal
            self._changed.notify_all()

    def next_request(self, stream: _Stream) -> coach_pb2.CoordinateRequest | None:
        """Wait for a question that `stream` has not sent, and make it a request; None when the stream ended."""
        with self._changed:
            while not (stream.ended or self._closed):
                for group, state in self._groups.items():
                    question = state.question
                    if question is not None and question.reply is None and question.stream is not stream:
                        return self._request(stream, group, state, question)
                self._changed.wait()
        return None

    def _request(self, stream: _Stream, group: int, state: _Group, question: _Question) -> coach_pb2.CoordinateRequest:
        stream.sent += 1
        question.stream, question.number = stream, stream.sent
        applied_on, number = state.applied
        request = coach_pb2.CoordinateRequest(
            task=self._spec.name,
            group=group,
            step=question.step,
            acknowledged=number if applied_on is stream else 0,
            view=view_message(question.view),
            fresh=bools_message(state.unreported),
            beta=self._settings.beta,
            mode=self._mode,
        )
        state.unreported[:] = False
        return request


def _refusal(error: grpc.RpcError) -> CopaError | None:
    """What to raise for an error that asking again cannot mend; None for any other."""
    if error.code() is _STRANGER:
        return UnavailableError(f"the coach does not take this process: {error.details()}")
    if error.code() in _MISTAKES:
        return DataError(f"the coach refused a question: {error.details()}")
    return None


class _Requests:
    """The requests of one stream, as the iterator that gRPC draws from on a thread of its own."""

    def __init__(self, client: CoachClient, stream: _Stream) -> None:
        self._client = client
        self._stream = stream

    def __iter__(self) -> "_Requests":
        return self

    def __next__(self) -> coach_pb2.CoordinateRequest:
        request = self._client.next_request(self._stream)
        if request is None:
            raise StopIteration
        return request
