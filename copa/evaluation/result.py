"""What came out of playing one team for some episodes."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PER_EPISODE = "_per_episode"
"""Ends the names of outcomes that are no shares of episodes."""


@dataclass(frozen=True, slots=True)
class TeamResult:
    """Returns of the episodes of one team, and what the coach said."""

    returns: NDArray[np.float64]
    """[episodes], team reward per episode."""
    discounted: NDArray[np.float64]
    """[episodes], sum of gamma^t r_t per episode, gamma being `learning.gamma`."""
    T: int
    """Steps between two coach steps."""
    eligible: int
    """Agents present at coach steps: strategies that could have travelled."""
    sent: int
    """Strategies that travelled."""
    strategy_bytes: int
    """Bytes of the strategies that travelled."""
    steps: int
    """Environment steps."""
    outcomes: dict[str, float] = field(default_factory=dict)
    """Mean over episodes of what the task reports at their end: of what is true or false the share, for instance
    `battle_won`; of other numbers by NAME + `PER_EPISODE`, for instance `caught_per_episode`."""

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def stderr(self) -> float:
        """Standard error of the mean return; 0 for a single episode."""
        count = len(self.returns)
        return float(self.returns.std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0

    @property
    def communication_rate(self) -> float | None:
        """Strategies sent / agents present, per coach step; None without a coach."""
        return self.sent / self.eligible if self.eligible else None

    @property
    def communication_per_step(self) -> float | None:
        """`communication_rate` / T, the paper's f; None without a coach."""
        return self.sent / self.eligible / self.T if self.eligible else None

    @property
    def strategy_bytes_per_step(self) -> float | None:
        """Bytes of strategies per environment step; None without a coach."""
        return self.strategy_bytes / self.steps if self.eligible else None

    def json(self) -> dict[str, float | int | dict[str, float] | None]:
        """A summary that JSON can hold."""
        return {
            "mean": self.mean,
            "stderr": self.stderr,
            "episodes": len(self.returns),
            "communication_rate": self.communication_rate,
            "communication_per_step": self.communication_per_step,
            "strategy_bytes_per_step": self.strategy_bytes_per_step,
            "outcomes": self.outcomes,
        }
