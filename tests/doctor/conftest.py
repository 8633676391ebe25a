"""The fixtures of coach services, for this folder too."""

from tests.coach.conftest import loop

__all__ = ["loop"]
