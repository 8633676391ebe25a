"""Users of Redis, one per role, each with the commands and keys that the role really uses.

This is the one declaration of who may do what; `docs/security.md` says why. Functions run with the rights of their
caller, so a role needs the commands inside the functions it calls, on the keys that they touch.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from copa.errors import ConfigError
from copa.replay.keys import Keys

ANY_RUN = "*"

_CONNECTING = ("ping", "info", "select", "client|setname")
_STATUS = ("fcall_ro", "hmget", "time", "zcount")
_PUSHING = ("fcall", *("hget", "hset", "hincrby", "zadd", "zrem", "zscore", "zcard", "mset", "setrange"))
_OWNING = ("function|load", "exists", "set", "mget", "getrange", "zrange", "unlink", "publish", "multi", "exec")
_LOOKING = ("hgetall", "zrange", "scan", "dbsize", "memory|stats", "slowlog|len", "latency|latest")


@dataclass(frozen=True, slots=True)
class User:
    """Rights of one role."""

    name: str
    purpose: str
    commands: tuple[str, ...]
    reads: tuple[str, ...] = ()
    """Keys that may be read, as patterns."""
    writes: tuple[str, ...] = ()
    """Keys that may be written, and read only where they are among `reads` too."""
    channels: tuple[str, ...] = ()

    def rule(self, password: str) -> str:
        """The user's line of an ACL file, with a digest in place of `password`."""
        digest = hashlib.sha256(password.encode()).hexdigest()
        return " ".join(["user", self.name, "on", f"#{digest}", *self._keys(), *self._channels(), *self._commands()])

    def _keys(self) -> list[str]:
        patterns = dict.fromkeys((*self.reads, *self.writes))
        kinds = ((pattern, pattern in self.reads, pattern in self.writes) for pattern in patterns)
        return ["resetkeys", *(f"%{'R' * read}{'W' * write}~{pattern}" for pattern, read, write in kinds)]

    def _channels(self) -> list[str]:
        return ["resetchannels", *(f"&{channel}" for channel in self.channels)]

    def _commands(self) -> list[str]:
        return ["-@all", *(f"+{command}" for command in dict.fromkeys(self.commands))]


def users(run: str = ANY_RUN) -> dict[str, User]:
    """Every user by name; they may act on the keys of `run` alone, or of every run."""
    keys = Keys(run)
    weights, actor_ids, slots, side = (keys.prefix + part for part in ("weights:*", "actor:*", "slot:*", "side:*"))
    state = (keys.state, keys.owner, keys.actors)
    found = (
        User(
            "actor",
            "pushes segments and counts steps; reads weights",
            (*_CONNECTING, *_STATUS, *_PUSHING, "get"),
            reads=(keys.schema, weights, keys.state, keys.actors, actor_ids),
            writes=(keys.state, keys.actors, actor_ids, slots, side),
        ),
        User("coach", "reads weights", (*_CONNECTING, "fcall_ro", "get"), reads=(keys.schema, weights)),
        User(
            "learner",
            "owns a run: draws segments, publishes weights, loads the functions, restores a replay",
            (*_CONNECTING, *_STATUS, *_PUSHING, *_OWNING, "get"),
            reads=(keys.prefix + "*",),
            writes=(keys.prefix + "*",),
            channels=(keys.notices,),
        ),
        User(
            "evaluator",
            "reads weights and how far the run is",
            (*_CONNECTING, *_STATUS, "get"),
            reads=(keys.schema, weights, *state),
        ),
        User(
            "monitor",
            "reads counters and the server's own figures; no segments, no weights",
            (*_CONNECTING, *_STATUS, *_LOOKING, "get"),
            reads=(keys.schema, keys.latest, *state),
        ),
        User("operator", "may do everything", ("@all",), reads=("*",), writes=("*",), channels=("*",)),
    )
    return {user.name: user for user in found}


ROLES = tuple(users())
"""Names of the users that have a password."""

HEALTH = "user health on nopass resetkeys resetchannels -@all +ping"
"""For the probe of a container: it may ask whether the server answers, and needs no secret."""


NOBODY = "user default off resetpass allkeys allchannels +@all"
"""For whoever names no user: off, so that nobody gets in as it whatever it may do. What it may do counts for one thing:
Redis 7.0 replays its append-only file as this user, and loses every transaction in it that it may not."""


def acl_file(passwords: Mapping[str, str], run: str = ANY_RUN) -> str:
    """Content of an ACL file for the users in `passwords`; nobody else, and nobody without a name, gets in.

    Raises ConfigError for a user that is no role.
    """
    known = users(run)
    _check_known(passwords, known)
    rules = (known[name].rule(passwords[name]) for name in known if name in passwords)
    return "\n".join([NOBODY, HEALTH, *rules]) + "\n"


def _check_known(names: Iterable[str], known: Mapping[str, User]) -> None:
    for name in names:
        if name not in known:
            raise ConfigError(f"there is no role {name!r}; there are {', '.join(known)}")
