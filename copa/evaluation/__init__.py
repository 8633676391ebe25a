"""Playing held-out teams and saying how well it went."""

from copa.evaluation.evaluate import Source, default_teams, evaluate
from copa.evaluation.result import TeamResult

__all__ = ["Source", "TeamResult", "default_teams", "evaluate"]
