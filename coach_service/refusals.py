"""Requests that are not answered with strategies, and the gRPC status each gets."""

import grpc

from copa.errors import DataError


class NotReadyError(Exception):
    """The service cannot answer yet, or not any more; asking again later may help."""


class TooFastError(Exception):
    """The caller asks faster than it may."""


NO_WEIGHTS = "no weights yet: the learner has published none; try again later"
STOPPING = "the service is stopping; try again later"
NOT_FINITE = "view: the strategies for these games are not finite; its values are too large for the coach"


def status_of(error: Exception) -> tuple[grpc.StatusCode, str]:
    """Status code and message for `error`; those that no caller can mend are INTERNAL, without details."""
    if isinstance(error, DataError):
        return grpc.StatusCode.INVALID_ARGUMENT, str(error)
    if isinstance(error, NotReadyError):
        return grpc.StatusCode.UNAVAILABLE, str(error)
    if isinstance(error, TooFastError):
        return grpc.StatusCode.RESOURCE_EXHAUSTED, str(error)
    return grpc.StatusCode.INTERNAL, "the service failed to compute an answer; its log says why"
