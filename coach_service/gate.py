"""Who may call: the bearer of the token."""

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health  # type: ignore[import-untyped]

from copa.coaching.transport import AUTHORIZATION, BEARER
from copa.telemetry.metrics import COACH_REQUESTS

log = logging.getLogger(__name__)

OPEN = f"/{health.SERVICE_NAME}/"
"""Calls that need no token: probes have none, and learn nothing but whether the service serves.

Reflection is not among them: whoever may not call the service need not know its calls.
"""

NO_TOKEN = "a token is needed: send `authorization: Bearer TOKEN`, with the token of coach.token_file"
WRONG_TOKEN = "the token is not that of this service: give the caller the file that coach.token_file names here"


class TokenGate(grpc.aio.ServerInterceptor):
    """Lets calls through that bring one of `tokens`; the time that a refusal takes tells nothing about them."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._digests = [_digest(token) for token in tokens]
        self._refused = False

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The call's own handler, or one that refuses it."""
        call = handler_call_details
        if call.method.startswith(OPEN):
            return await continuation(call)
        given = _tokens(call.invocation_metadata)
        if any(self._knows(token) for token in given):
            return await continuation(call)
        COACH_REQUESTS.labels(grpc.StatusCode.UNAUTHENTICATED.name).inc()
        if not self._refused:
            log.warning("refused a call of %s without a valid token; further ones are only counted", call.method)
            self._refused = True
        return _refusal(WRONG_TOKEN if given else NO_TOKEN)

    def _knows(self, token: str) -> bool:
        digest = _digest(token)
        return any(hmac.compare_digest(digest, known) for known in self._digests)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _tokens(metadata: Iterable[tuple[str, str | bytes]]) -> list[str]:
    values = [value for key, value in metadata if key == AUTHORIZATION and isinstance(value, str)]
    return [value.removeprefix(BEARER) for value in values if value.startswith(BEARER)]


def _refusal(details: str) -> "grpc.RpcMethodHandler[Any, Any]":
    """A handler for calls of any kind, which reads nothing."""

    async def refuse(_: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, details)

    return grpc.stream_stream_rpc_method_handler(refuse)
