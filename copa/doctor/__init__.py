"""What `copa doctor` looks at, and what it says: the machine, secrets, Redis, the coach, and where a run waits."""

from copa.doctor.findings import Finding, State

__all__ = ["Finding", "State"]
