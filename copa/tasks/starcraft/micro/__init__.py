"""The battle engine `micro`: B battles at once in NumPy, without the game (docs/tasks/starcraft-engine.md)."""

from copa.tasks.starcraft.micro.engine import MicroEngine

__all__ = ["MicroEngine"]
