"""Episodes as pictures: a recording, the shapes it is drawn with, and a writer per kind of file."""

from copa.rendering.recording import Frame, Recording, record
from copa.rendering.writing import ENDINGS, check_ending, write

__all__ = ["ENDINGS", "Frame", "Recording", "check_ending", "record", "write"]
