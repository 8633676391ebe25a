"""How far a learner is, as its checkpoints keep it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Progress:
    """Where learning stands; a resumed learner begins with what its checkpoint says."""

    steps: int = 0
    """Environment steps of the run when the last batch was permitted."""
    sampled: int = 0
    """Segments that updates have been made with; batches drawn ahead of an update do not count."""
    version: int = 0
    """Newest weights version known to be published."""
    counters: dict[str, Any] = field(default_factory=dict)
    """Counters of the replay when they were last read."""

    def saved_counters(self) -> dict[str, Any]:
        """Counters to go on from: batches drawn and not learned from are owed again."""
        return {**self.counters, "sampled": self.sampled} if self.counters else {}
