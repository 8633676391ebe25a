"""The learning rule: batches, objectives, updates."""

from copa.learning.batch import TorchBatch, to_device
from copa.learning.noise import Noise
from copa.learning.peers import ALONE, Peers, Place, meet, place
from copa.learning.update import Outcome, UpdateRule
from copa.methods import METHODS, Method, method_named, sight

__all__ = [
    "ALONE",
    "METHODS",
    "Method",
    "Noise",
    "Outcome",
    "Peers",
    "Place",
    "TorchBatch",
    "UpdateRule",
    "meet",
    "method_named",
    "place",
    "sight",
    "to_device",
]
