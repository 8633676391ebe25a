"""Names of a run's keys; the braces are a hash tag, so that a Cluster keeps a run together."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of the run named `run`."""

    run: str

    @property
    def prefix(self) -> str:
        return f"copa:{{{self.run}}}:"

    @property
    def state(self) -> str:
        """Hash: limits and counters."""
        return self.prefix + "state"

    @property
    def schema(self) -> str:
        """String: JSON of the record layout and the ring."""
        return self.prefix + "schema"

    @property
    def owner(self) -> str:
        """Hash: who claimed the run, until when."""
        return self.prefix + "owner"

    @property
    def flags(self) -> str:
        """String: one byte per slot, see `copa.replay.layout.side_flags`."""
        return self.prefix + "side:flags"

    @property
    def generations(self) -> str:
        """String: per slot how many times it was written, u32 little-endian."""
        return self.prefix + "side:generations"

    @property
    def actors(self) -> str:
        """Sorted set: actor id by the end of its lease, in milliseconds."""
        return self.prefix + "actors"

    def actor(self, number: int) -> str:
        """Hash: incarnation and cumulative counts of one actor id."""
        return f"{self.prefix}actor:{number}"

    def slots(self, numbers: Iterable[int]) -> list[bytes]:
        """Strings: the records."""
        prefix = f"{self.prefix}slot:".encode()
        return [b"%b%d" % (prefix, number) for number in numbers]

    @property
    def weights(self) -> str:
        """Hash: versions issued."""
        return self.prefix + "weights"

    @property
    def latest(self) -> str:
        """String: newest published version."""
        return self.prefix + "weights:latest"

    @property
    def versions(self) -> str:
        """Sorted set: versions whose tensors are there."""
        return self.prefix + "weights:versions"

    @property
    def notices(self) -> str:
        """Channel: a version was published."""
        return self.prefix + "weights:notices"

    @property
    def averages(self) -> str:
        """String: safetensors of the averaged weights beside the newest version."""
        return self.prefix + "weights:averages"

    def version(self, number: int) -> str:
        """String: safetensors of one version."""
        return f"{self.prefix}weights:{number}"
