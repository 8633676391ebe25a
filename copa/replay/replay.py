"""The replay of one run: what actors push to and the learner reads."""

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import redis
from numpy.typing import NDArray

from copa.errors import DataError, MismatchError, UnavailableError
from copa.replay.connection import Link, MemoryFullError
from copa.replay.export import export_rings, import_rings, read_counters, restore_counters
from copa.replay.functions import call, load_functions
from copa.replay.layout import RecordLayout
from copa.replay.limits import ActorLease, Admission, Claim, Limits, Permit, Push, ReplayStats, Ring
from copa.replay.session import Session
from copa.replay.side import SIDE_BYTES, SideIndex, side_commands
from copa.telemetry import metrics

OWNER_LEASE_SECONDS = 30.0
"""How long a claimed run stays claimed without a sign of life."""
ACTOR_LEASE_SECONDS = 60.0
"""How long an actor id stays leased without a push or `admission(lease)`."""
PART = 128
"""Most records in one call, so that no other client waits long."""
RELEASE_SECONDS = 1.0
"""How long a process that ends tries to give back what would run out by itself."""


class Replay(Session):
    """A run's replay.

    `claim`, `permit`, and what a `Sampler` calls, belong to one thread; the other calls may come from any.
    All calls survive a Redis that is away for up to `patience` seconds, and raise UnavailableError after that or
    when `stopping` is set meanwhile. ReplayGoneError: the run is not there. LeaseLostError: someone else took over.
    """

    def __init__(
        self,
        client: redis.Redis,
        run: str,
        layout: RecordLayout,
        limits: Limits,
        *,
        patience: float = 60.0,
        stopping: threading.Event | None = None,
        owner_lease_seconds: float = OWNER_LEASE_SECONDS,
        actor_lease_seconds: float = ACTOR_LEASE_SECONDS,
        place: Mapping[str, int] | None = None,
    ) -> None:
        """`place`: this server's where a run has several. Raises ConfigError for limits that cannot work.

        Does not talk to Redis.
        """
        super().__init__(client, run, layout, limits, patience=patience, stopping=stopping, place=place)
        self.side = SideIndex(limits.capacity)
        self.corrupt = 0
        """Damaged records that `read_intact` of this instance has skipped."""
        self._owner_lease = round(owner_lease_seconds * 1000)
        self._actor_lease = round(actor_lease_seconds * 1000)
        self._owner, self._term, self._token = "", 0, ""
        self._drawn = 0

    # --- taking part -------------------------------------------------------------------------------------------

    def claim(self, owner: str, *, take_over: bool = False, restore: bool = False, sampled: int | None = None) -> Claim:
        """Take the run into possession and set its limits; only the learner does.

        `owner` names the run's owner (a run folder's identity), the same after a restart: a later claim of the same
        owner replaces an earlier one. `take_over` goes on with the data of another owner that is gone or not.
        `restore`: a replay that this call creates refuses pushes until `restore_counters` or `import_`.
        `sampled`: what the owner's checkpoint had drawn; batches drawn since are owed again.

        Raises UnavailableError (old server), MismatchError (eviction policy, memory, schema, owner), ConfigError
        (ring larger than `replay.max_bytes`).
        """
        self.check_memory(self.check_server())
        load_functions(self.link)
        limits = self.limits
        token = secrets.token_hex(8)
        answer = self.present(
            self.call(
                "claim",
                owner,
                token,
                self.schema_json(),
                self._owner_lease,
                int(take_over),
                int(restore),
                -1 if sampled is None else sampled,
                *("capacity", limits.capacity, "minimum", limits.minimum, "batch", limits.batch),
                *("steps_per_update", limits.steps_per_update, "tolerance", limits.tolerance),
                *("total_steps", limits.total_steps, "free_running", int(limits.free_running)),
            )
        )
        match answer:
            case [b"schema", theirs]:
                raise self.foreign_schema(theirs)
            case [b"alive", other, left]:
                raise MismatchError(
                    f"Run {self.run!r} at {self.link.address} belongs to {other.decode()}, which was alive less "
                    f"than {max(1, 1 + (self._owner_lease - left) // 1000)} s ago: stop it, choose another run.name, "
                    "or delete its replay with `copa replay reset`."
                )
            case [b"foreign", other, steps, inserted]:
                raise MismatchError(
                    f"Run {self.run!r} at {self.link.address} holds {inserted} segments and {steps} steps of "
                    f"{other.decode()}, which is gone: resume that run, choose another run.name, or delete its replay "
                    "with `copa replay reset`."
                )
        self._owner, self._term, self._token, self._drawn = owner, answer[1], token, 0
        return Claim(term=answer[1], created=bool(answer[2]))

    def release(self) -> None:
        """Give the run back, so that the next owner need not wait; raises nothing where Redis is away."""
        self._give_back("release_owner", self._term, self._token)

    # --- actors ------------------------------------------------------------------------------------------------

    def lease_actor(self) -> ActorLease:
        """The smallest free actor id, with a new incarnation."""
        token = secrets.token_hex(8)
        answer = self._lease("lease_actor", token, self._actor_lease)
        return ActorLease(actor=answer[1], incarnation=answer[2], token=token)

    def release_actor(self, lease: ActorLease) -> None:
        """Give an actor id back; raises nothing where Redis is away."""
        self._give_back("release_actor", lease.actor, lease.incarnation, lease.token)

    def push(self, lease: ActorLease, push: Push) -> Admission:
        """Add segments and steps, exactly once however often the same push is repeated.

        Where the answer is not `acknowledged` (Redis out of memory, replay being restored) nothing was added: push
        the same again after the wait. Raises LeaseLostError when the id was leased to another process meanwhile,
        DataError for a push that contradicts itself.
        """
        self._check_push(push)
        part_size = min(PART, self.limits.capacity)
        starts = range(0, max(1, len(push.records)), part_size)
        admissions = []
        for part, start in enumerate(starts):
            records = push.records[start : start + part_size]
            following = len(push.records) - start - len(records)
            admission = self._add(
                "push",
                lease,
                push.sequence * 2**20 + part,
                push.steps_total if not following else -1,
                push.segments_total - following,
                push.flags[start : start + part_size],
                records,
            )
            admissions.append(admission)
            if not admission.acknowledged:
                return admission
        return replace(admissions[-1], repeated=all(admission.repeated for admission in admissions))

    def admission(self, lease: ActorLease | None = None) -> Admission:
        """What an actor may do now; renews `lease` where one is given, else only reads."""
        if lease is None:
            return self._admission(self.call("admission", write=False))
        return self._admission(self.call("renew_actor", lease.actor, lease.incarnation, lease.token, self._actor_lease))

    def lease_episodes(self, count: int) -> int:
        """First of `count` episode numbers that nobody else plays."""
        return int(self._lease("lease_episodes", count)[1])

    def _give_back(self, name: str, *arguments: Any) -> None:
        link = Link(self.link.client, patience=min(RELEASE_SECONDS, self.link.patience), stopping=self.link.stopping)
        with contextlib.suppress(UnavailableError, redis.RedisError):
            call(link, name, self.keys.state, *arguments)

    def _lease(self, name: str, *arguments: Any) -> list[Any]:
        """The answer of a leasing function; waits while the replay is being restored."""
        deadline = time.monotonic() + self.link.patience
        while (answer := self.present(self.call(name, *arguments)))[0] == b"restoring":
            if time.monotonic() >= deadline:
                raise UnavailableError(
                    f"The replay of run {self.run!r} has been waiting to be restored for {self.link.patience:g} s: "
                    "see what its learner is doing."
                )
            self.link.pause(0.1, f"the replay of run {self.run!r}")
        return answer

    def _add(
        self,
        name: Literal["push", "tell"],
        lease: ActorLease,
        number: int,
        steps_total: int,
        segments_total: int,
        flags: bytes,
        records: list[bytes],
    ) -> Admission:
        try:
            answer = self.call(
                name,
                lease.actor,
                lease.incarnation,
                lease.token,
                number,
                steps_total,
                segments_total,
                self._actor_lease,
                flags,
                *records,
            )
        except MemoryFullError:
            state = self.admission(lease)
            return replace(
                state, wait_seconds=random.uniform(0.5, 1.5), reason="redis out of memory", acknowledged=False
            )
        return self._admission(answer)

    def _check_push(self, push: Push) -> None:
        if len(push.flags) != len(push.records):
            raise DataError(f"Push field flags has {len(push.flags)} bytes for {len(push.records)} records.")
        size = self.layout.record_bytes
        for index, record in enumerate(push.records):
            if len(record) != size:
                raise DataError(f"Push field records[{index}] has {len(record)} bytes; this run's have {size}.")
        if push.segments_total < len(push.records) or push.steps_total < 0 or push.sequence < 0:
            raise DataError(
                f"Push fields sequence = {push.sequence}, steps_total = {push.steps_total}, segments_total = "
                f"{push.segments_total} with {len(push.records)} records: totals are cumulative and include the push."
            )

    def _admission(self, answer: list[Any]) -> Admission:
        status, steps, wait, reason, segments = self.present(answer)
        return Admission(
            total_steps=steps,
            wait_seconds=wait / 1000 * random.uniform(0.5, 1.5),
            reason=reason.decode(),
            finished=reason == b"finished",
            segments=segments,
            acknowledged=status != b"restoring",
            repeated=status == b"repeated",
        )

    # --- learner -----------------------------------------------------------------------------------------------

    def permit(self, batch: int) -> Permit:
        """Ask to draw `batch` segments; counted once although the call may be repeated. Also a sign of life."""
        return self._permit(batch)

    def _permit(self, batch: int, rings: tuple[Ring, ...] = ()) -> Permit:
        fill = [sum(ring.segments for ring in rings)] if rings else []
        owner = (self._owner, self._term, self._token, self._owner_lease)
        answer = self.present(self.call("permit", *owner, batch, self._drawn + batch, *fill))
        _, wait, reason, steps, inserted, segments, position, sampled, life = answer
        granted = reason == b""
        if granted:
            self._drawn += batch
        return Permit(
            granted=granted,
            wait_seconds=wait / 1000,
            reason=reason.decode(),
            finished=reason == b"finished",
            steps=steps,
            inserted=inserted,
            segments=segments,
            position=position,
            sampled=sampled,
            life=life.decode(),
            rings=rings,
        )

    def read_intact(self, slots: NDArray[np.int64]) -> tuple[list[bytes], NDArray[np.bool_]]:
        """The undamaged records in `slots` [N], and which of `slots` these are, [N]; all others count as `corrupt`."""
        records = self.read(slots)
        intact = self.layout.intact(records)
        if not intact.all():
            self.check_present()
            damaged = int((~intact).sum())
            self.corrupt += damaged
            metrics.REPLAY_CORRUPT_RECORDS.inc(damaged)
        return [record for record, good in zip(records, intact, strict=True) if good and record is not None], intact

    def read(self, slots: NDArray[np.int64]) -> list[bytes | None]:
        """The records in `slots` as they are; None where there is none."""
        keys = self.keys.slots(slots.tolist())
        records: list[bytes | None] = self.link.command("MGET", *keys)
        return records

    def refresh_side(self, seen: Permit | Ring) -> None:
        """Bring `side` up to date with the ring as it was `seen`."""
        ranges = self.side.stale_ranges(seen.position, seen.life)
        commands = [command for first, end in ranges for command in side_commands(self.keys, first, end)]
        read = self.link.transaction(*commands) if commands else []
        if sum(map(len, read)) < SIDE_BYTES * sum(end - first for first, end in ranges):
            raise self.gone()
        self.side.update(ranges, read, seen.position, seen.life)

    def rewarded(self) -> NDArray[np.int64]:
        """Slots whose segment has a positive reward, as of the last `refresh_side`."""
        return self.side.rewarded()

    def stamps(self) -> NDArray[np.uint64]:
        """[slots], what tells a record from others in its slot (`SideIndex.stamps`), as of the last `refresh_side`."""
        return self.side.stamps()

    def filled(self, permit: Permit, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Slots of the filled ones `numbers` (0 to permit.segments - 1); in one ring these lie in front."""
        return numbers

    def stats(self) -> ReplayStats:
        """Counters and sizes as they are now."""
        answer = self.present(self.call("status", write=False))
        _, actors_wait, learner_wait, segments, actors, owner, alive, _life = answer[:8]
        numbers = {name.decode(): value for name, value in zip(answer[8::2], answer[9::2], strict=True)}
        memory = self.link.command("INFO", "memory")
        return ReplayStats(
            segments=segments,
            capacity=numbers["capacity"],
            bytes=int(memory["used_memory"]),
            bytes_limit=int(memory["maxmemory"]) or int(memory["total_system_memory"]),
            steps=numbers["steps"],
            total_steps=numbers["total_steps"],
            inserted=numbers["inserted"],
            sampled=numbers["sampled"],
            lost=numbers["lost"],
            duplicates=numbers["duplicates"],
            warmup_steps=numbers["warmup_steps"],
            episodes=numbers["episodes"],
            server_restarts=numbers["restarts"],
            actors=actors,
            owed_updates=(numbers["steps"] - numbers["warmup_steps"]) / numbers["steps_per_update"]
            - numbers["sampled"] / numbers["batch"],
            tolerance=numbers["tolerance"],
            actors_wait=actors_wait.decode(),
            learner_wait=learner_wait.decode(),
            owner=owner.decode(),
            owner_alive=bool(alive),
            corrupt=self.corrupt,
        )

    def counters(self) -> dict[str, Any]:
        """All counters, JSON-able: what a checkpoint keeps for `restore_counters`."""
        return read_counters(self)

    def restore_counters(self, counters: Mapping[str, Any]) -> None:
        """Go on from `counters` on an empty replay, with an empty ring.

        What the ring held then counts as lost, unless the run was finished. Raises MismatchError when the replay is not
        empty, DataError for counters that are none.
        """
        restore_counters(self, counters, position=0)

    def export(self, path: Path) -> int:
        """Write ring and counters to the file `path`; returns the number of segments."""
        return export_rings(path, [(self, read_counters(self))])

    def import_(self, path: Path) -> int:
        """Fill an empty replay from an export; returns the number of segments.

        Raises DataError for a damaged file, MismatchError for one of another schema or a replay that is not empty.
        """
        (counters,) = import_rings(path, [self], [self])
        restore_counters(self, counters, position=int(counters["position"]))
        return min(int(counters["position"]), self.limits.capacity)
