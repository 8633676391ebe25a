"""From a recording to shapes: the one description that all kinds of files are written from."""

from copa.rendering.looks import PAPER, Looks
from copa.rendering.panel import Panel
from copa.rendering.recording import Recording
from copa.rendering.shapes import HEIGHT, WIDTH, Box, Mark, Picture
from copa.rendering.stage import Stage


class Scene:
    """The pictures of one episode."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.looks = Looks(recording)
        self.stage = Stage(recording, self.looks)
        self.panel = Panel(recording, self.looks)

    def background(self) -> tuple[Mark, ...]:
        """What lies under every frame."""
        return (Box(0, 0, WIDTH, HEIGHT, PAPER), *self.stage.background(), *self.panel.background())

    def picture(self, number: int) -> Picture:
        """Frame `number`."""
        frame = self.recording.frames[number]
        return Picture(tuple(self.stage.groups(number, frame)), tuple(self.panel.marks(number, frame)))
