"""Talking to the coach service."""

from copa.coaching.client import CoachClient, Strategies

__all__ = ["CoachClient", "Strategies"]
