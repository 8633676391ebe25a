"""The replay of one run whose records lie on several servers, the shards, beside a home that counts for all of them.

The home has what there is once: owner, limiter, counters, leases, weights, and no record. Each of K shards has a ring
of capacity / K records under the same keys. Actor N writes to shard N modulo K. The schema beside each ring has K and
the shard's number, so that a list in another order, or too short, is refused.

A push goes to the actor's shard first, which takes it exactly once by (incarnation, number), then to the home, which
is told the totals alone. Only the home's answer acknowledges it. What may happen between the two:

- The actor, or either server, dies after the shard's answer and the push is repeated: the shard answers "repeated",
  the home counts it.
- It is not repeated, since the actor is dead: the ring has segments that no counter of the home knows. They were never
  acknowledged; they are good samples, of games that nobody else plays.
- The home forgets its last second: totals are cumulative, so the actor's next push makes them good.
- A shard forgets its last second: the actor's next push shows the gap, and the shard counts it as lost.
- An actor id is leased anew: the new incarnation announces itself to its shard before it plays, and from then on the
  shard refuses the old one too. What that one wrote there meanwhile the home refused: it is as in the second case.
- A home that forgot a lease may issue an incarnation which a shard knows already: the shard refuses it, and the next
  is taken.

How full the replay is only the shards know. The learner asks them before each permit and tells the home, where
learner and actors are judged by the same number. A learner waits for a shard that is away, as it would for one server:
drawn from the others alone, batches would be those of other actors.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import redis
from numpy.typing import NDArray

from copa.errors import DataError, MismatchError
from copa.replay.export import check_place, export_rings, import_rings, read_counters, restore_counters
from copa.replay.layout import RecordLayout
from copa.replay.limits import ActorLease, Admission, Claim, Limits, Permit, Push, ReplayStats, Ring
from copa.replay.replay import ACTOR_LEASE_SECONDS, OWNER_LEASE_SECONDS, Replay
from copa.replay.session import LeaseLostError, ReplayGoneError

EPISODE_JUMP = 2**20
"""Episode numbers skipped by a home that is older than its shards, as by a server that lost its last second."""


def home_place(shards: int) -> dict[str, int]:
    """The home's `place` in a run of `shards` shards; none where there are no shards."""
    return {"shards": shards} if shards else {}


class ShardedReplay(Replay):
    """A run's replay over several servers; the connection of its own is the home's.

    Slots are numbered through: shard k has those from k * capacity / K on. Otherwise as `Replay`; a message names the
    server that it is about.
    """

    def __init__(
        self,
        home: redis.Redis,
        shards: Sequence[redis.Redis],
        run: str,
        layout: RecordLayout,
        limits: Limits,
        *,
        patience: float = 60.0,
        stopping: threading.Event | None = None,
        owner_lease_seconds: float = OWNER_LEASE_SECONDS,
        actor_lease_seconds: float = ACTOR_LEASE_SECONDS,
    ) -> None:
        """`shards` in the same order in every process. Raises ConfigError for limits that cannot work, or be shared.

        Does not talk to Redis.
        """
        common: dict[str, Any] = {
            "patience": patience,
            "stopping": stopping,
            "owner_lease_seconds": owner_lease_seconds,
            "actor_lease_seconds": actor_lease_seconds,
        }
        place, share = home_place(len(shards)), limits.share(len(shards))
        super().__init__(home, run, layout, limits, place=place, **common)
        self.shards = tuple(
            Replay(client, run, layout, share, place={**place, "shard": number}, **common)
            for number, client in enumerate(shards)
        )
        self._made: list[Replay] = []

    @property
    def servers(self) -> tuple[Replay, ...]:
        """The home, then the shards."""
        return (self, *self.shards)

    def shard_of(self, lease: ActorLease) -> Replay:
        """The shard that an actor writes to."""
        return self.shards[lease.actor % len(self.shards)]

    def check_memory(self, info: Mapping[str, Any]) -> None:
        """The home has no ring; each shard checks its own."""

    # --- taking part -------------------------------------------------------------------------------------------

    def claim(self, owner: str, *, take_over: bool = False, restore: bool = False, sampled: int | None = None) -> Claim:
        """Take home and shards into possession. Whatever of them came back empty is for `restore_counters` or `import_`
        to fill; the others go on as they are.

        Raises as `Replay.claim` does, and MismatchError for a home that lost its counters while shards have segments,
        where it is not to be restored.
        """
        self.check_server()
        if not restore:
            self._check_forgotten()
        claim = super().claim(owner, take_over=take_over, restore=restore, sampled=sampled)
        self._made = [self] if claim.created else []
        try:
            for shard in self.shards:
                if shard.claim(owner, take_over=take_over, restore=restore).created:
                    self._made.append(shard)
        except BaseException:
            self.release()
            raise
        return replace(claim, created=bool(self._made))

    def _check_forgotten(self) -> None:
        if self.link.command("EXISTS", self.keys.schema):
            return
        for shard in self.shards:
            try:
                segments = shard.ring().segments
            except ReplayGoneError:
                continue
            if segments:
                raise MismatchError(
                    f"Run {self.run!r} is not in its home, Redis at {self.link.address}, but its shard at "
                    f"{shard.link.address} holds {segments} segments: resume it from its folder with a checkpoint, "
                    "choose another run.name, or delete it there with `copa replay reset --redis.url`."
                )

    def release(self) -> None:
        """Give home and shards back; raises nothing where one is away."""
        super().release()
        for shard in self.shards:
            shard.release()

    # --- actors ------------------------------------------------------------------------------------------------

    def lease_actor(self) -> ActorLease:
        """The smallest free actor id, with an incarnation that is new to its shard too."""
        while True:
            lease = super().lease_actor()
            try:
                shard = self.shard_of(lease)
                shard.join()
                shard.admission(lease)
            except LeaseLostError:
                super().release_actor(lease)
            except BaseException:
                super().release_actor(lease)
                raise
            else:
                return lease

    def push(self, lease: ActorLease, push: Push) -> Admission:
        """Add segments to the actor's shard and tell the home, exactly once however often it is repeated."""
        written = self.shard_of(lease).push(lease, push)
        if not written.acknowledged:
            state = self.admission(lease)
            return replace(state, wait_seconds=written.wait_seconds, reason=written.reason, acknowledged=False)
        told = self._add("tell", lease, push.sequence, push.steps_total, push.segments_total, b"", [])
        return replace(told, repeated=told.repeated and written.repeated)

    # --- learner -----------------------------------------------------------------------------------------------

    def permit(self, batch: int) -> Permit:
        """Ask the home to draw `batch` segments, having told it how full the shards are."""
        return self._permit(batch, tuple(shard.ring() for shard in self.shards))

    def filled(self, permit: Permit, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Slots of the filled ones `numbers`: every segment of every shard is as likely as any other."""
        fills = np.array([ring.segments for ring in permit.rings], np.int64)
        ends = np.cumsum(fills)
        shards = np.searchsorted(ends, numbers, side="right")
        slots: NDArray[np.int64] = numbers - (ends - fills)[shards] + shards * self._share
        return slots

    def read(self, slots: NDArray[np.int64]) -> list[bytes | None]:
        """The records in `slots` as they are, read from each shard in turn; None where there is none."""
        numbers, inside = np.divmod(slots, self._share)
        records: list[bytes | None] = [None] * len(slots)
        for number, shard in enumerate(self.shards):
            places = np.flatnonzero(numbers == number)
            if len(places):
                for place, record in zip(places.tolist(), shard.read(inside[places]), strict=True):
                    records[place] = record
        return records

    def refresh_side(self, seen: Permit | Ring) -> None:
        """Bring each shard's `side` up to date with its ring as the permit saw it."""
        rings = seen.rings if isinstance(seen, Permit) else ()
        for shard, ring in zip(self.shards, rings, strict=True):
            shard.refresh_side(ring)

    def rewarded(self) -> NDArray[np.int64]:
        """Slots whose segment has a positive reward, of all shards."""
        return np.concatenate([number * self._share + shard.rewarded() for number, shard in enumerate(self.shards)])

    def stamps(self) -> NDArray[np.uint64]:
        """[slots], of all shards, as of the last `refresh_side`."""
        return np.concatenate([shard.stamps() for shard in self.shards])

    @property
    def _share(self) -> int:
        return self.shards[0].limits.capacity

    # --- looking after it --------------------------------------------------------------------------------------

    def stats(self) -> ReplayStats:
        """The home's counters, with what the shards hold, lost and were told twice."""
        home, shards = super().stats(), [shard.stats() for shard in self.shards]

        def total(name: str) -> int:
            return sum(getattr(shard, name) for shard in shards)

        return replace(
            home,
            segments=total("segments"),
            bytes=total("bytes"),
            bytes_limit=total("bytes_limit"),
            lost=home.lost + total("lost"),
            duplicates=total("duplicates"),
            server_restarts=home.server_restarts + total("server_restarts"),
        )

    def counters(self) -> dict[str, Any]:
        """The home's counters, with each shard's as `shards`; JSON-able."""
        home, *shards = self._counters()
        return {**home, "shards": shards}

    def _counters(self) -> list[dict[str, Any]]:
        """Counters of each server; the home's ring is empty, and the run is finished where the home says so."""
        home, *shards = (read_counters(server) for server in self.servers)
        return [home | {"position": 0}, *(shard | {"finished": home["finished"]} for shard in shards)]

    def restore_counters(self, counters: Mapping[str, Any]) -> None:
        """Go on from `counters` where the home or a shard is empty, there with an empty ring.

        What the rings of those shards held then counts as lost, unless the run was finished. Raises as `Replay` does,
        MismatchError also for counters of another number of shards.
        """
        check_place(self, counters)
        parts = [counters, *counters.get("shards", ())]
        if len(parts) != len(self.servers):
            raise DataError(f"Counters of a replay are incomplete or damaged: {len(parts) - 1} shards are in them.")
        self._restore(parts, with_rings=False)

    def _restore(self, counters: Sequence[Mapping[str, Any]], *, with_rings: bool) -> None:
        """Shards first: pushes are taken once the home is there."""
        home, *shards = counters
        empty = self._empty()
        for shard, own in zip(self.shards, shards, strict=True):
            if shard in empty:
                restore_counters(shard, own, position=int(own["position"]) if with_rings else 0)
        if self in empty:
            if len(empty) < len(self.servers):
                home = {**home, "episodes": int(home["episodes"]) + EPISODE_JUMP}
            restore_counters(self, home, position=sum(shard.ring().segments for shard in self.shards))

    def _empty(self) -> Sequence[Replay]:
        """What there is to fill: the servers that the last claim found empty; all must be empty where none was."""
        return self._made or self.servers

    def export(self, path: Path) -> int:
        """Write all rings and counters to the file `path`; returns the number of segments."""
        for shard in self.shards:
            shard.join()
        return export_rings(path, list(zip(self.servers, self._counters(), strict=True)))

    def import_(self, path: Path) -> int:
        """Fill what is empty from an export; returns the number of segments in the shards then.

        Raises as `Replay` does.
        """
        self._restore(import_rings(path, self.servers, self._empty()), with_rings=True)
        return sum(shard.ring().segments for shard in self.shards)
