"""How players act: shared by actors and evaluation."""

from copa.acting.exploration import Exploration, epsilon_at, random_actions
from copa.acting.joining import joined
from copa.acting.players import Players

__all__ = ["Exploration", "Players", "epsilon_at", "joined", "random_actions"]
