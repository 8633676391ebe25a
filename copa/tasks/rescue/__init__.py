"""Rescue Game: robots of different skill put out fires in a city of 10 x 10 buildings."""

from copa.tasks.rescue.task import Rescue

__all__ = ["Rescue"]
