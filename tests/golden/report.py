"""What a golden check found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """Largest deviation per field beside what is tolerated; a NaN is a miss."""

    deviations: dict[str, float]
    tolerances: dict[str, float]

    @property
    def passed(self) -> bool:
        """Every deviation is within its tolerance."""
        return all(self.deviations[field] <= self.tolerances[field] for field in self.deviations)

    def misses(self) -> list[str]:
        """Fields beyond their tolerance."""
        return [field for field, value in self.deviations.items() if not value <= self.tolerances[field]]
