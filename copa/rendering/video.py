"""MP4 files."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from copa.rendering.raster import images, size
from copa.rendering.scene import Scene

QUALITY = {"crf": "20", "preset": "medium"}


def write_mp4(path: Path, scene: Scene, *, width: int, fps: float) -> None:
    """Write a film in H.264, which every browser plays, one picture a step."""
    pixels = size(width)
    with av.open(path, "w", format="mp4", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options=QUALITY)
        stream.width, stream.height = pixels
        stream.pix_fmt = "yuv420p"
        for image in images(scene, pixels):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")))
        file.mux(stream.encode(None))
