"""The learning rule: batches, objectives, updates."""

from copa.learning.batch import TorchBatch, to_device
from copa.learning.noise import Noise
from copa.learning.update import Outcome, UpdateRule
from copa.methods import METHODS, Method, method_named, sight

__all__ = [
    "METHODS",
    "Method",
    "Noise",
    "Outcome",
    "TorchBatch",
    "UpdateRule",
    "method_named",
    "sight",
    "to_device",
]
