"""Errors that a user can act on.

Every message names the field, its value, what is allowed and what to do. The command line prints
the message alone, without a traceback, and exits with `exit_code`.
"""


class CopaError(Exception):
    """Base of all errors whose message is written for the user."""

    exit_code = 1


class ConfigError(CopaError):
    """A setting is unknown, mistyped or out of range."""

    exit_code = 2


class UnavailableError(CopaError):
    """Something this process needs (Redis, the coach, a port, a file) is not there."""

    exit_code = 3


class MismatchError(CopaError):
    """Two parts disagree: a foreign schema, another owner, a checkpoint of another task."""

    exit_code = 4


class DataError(CopaError):
    """Data that came in is not what its contract says: shape, dtype, NaN, checksum."""

    exit_code = 5
