"""Player, coach, mixer and posterior."""

from copa.nets.build import build_coach, build_mixer, build_player, build_posterior, count, method_width
from copa.nets.coach import Coach, Plan
from copa.nets.mixer import AttentionMixer, CoachMixer, Mixer, Situation, SumMixer, mix
from copa.nets.need import NEED, Need, measure_of, need_among
from copa.nets.player import Player
from copa.nets.posterior import Posterior
from copa.nets.rows import Rows, build_rows
from copa.nets.weights import forget_folded, load_weights

__all__ = [
    "NEED",
    "AttentionMixer",
    "Coach",
    "CoachMixer",
    "Mixer",
    "Need",
    "Plan",
    "Player",
    "Posterior",
    "Rows",
    "Situation",
    "SumMixer",
    "build_coach",
    "build_mixer",
    "build_player",
    "build_posterior",
    "build_rows",
    "count",
    "forget_folded",
    "load_weights",
    "measure_of",
    "method_width",
    "mix",
    "need_among",
]
