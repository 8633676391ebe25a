"""GIF files."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from copa.rendering.raster import images, size
from copa.rendering.scene import Scene

Colours = NDArray[np.int64]

LARGEST = 256
"""Colours that a GIF can have."""
END_SECONDS = 2.0
"""How long the last frame stays before the film begins again."""
SAMPLES = 12
"""Frames that the film's palette is made from."""
EXACT = 128
"""Colours that are kept as they are, the most frequent; the rest of the palette serves the edges between them."""


def write_gif(path: Path, scene: Scene, *, width: int, fps: float) -> None:
    """Write a film that repeats, all frames in one palette, so that only what moves is stored."""
    pixels, count = size(width), len(scene.recording.frames)
    palette = _palette(list(images(scene, pixels, range(0, count, max(1, count // SAMPLES)))))
    first, *others = (_indexed(frame, palette) for frame in images(scene, pixels))
    pause = round(1000 / fps)
    first.save(
        path,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=[pause] * len(others) + [round(1000 * END_SECONDS)],
        loop=0,
        disposal=1,
    )


def _palette(frames: list[Image.Image]) -> Colours:
    """At most 256 colours [K, 3] that serve `frames`."""
    packed = np.concatenate([_packed(frame) for frame in frames])
    values, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    exact, rest = _unpacked(values[order[:EXACT]]), _unpacked(values[order[EXACT:]])
    if not len(rest):
        return exact
    sheet = Image.fromarray(rest[:, None].astype(np.uint8))
    blended = sheet.quantize(LARGEST - len(exact), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.concatenate([exact, np.array(blended.getpalette(), np.int64).reshape(-1, 3)])[:LARGEST]


def _indexed(frame: Image.Image, palette: Colours) -> Image.Image:
    """`frame` in the nearest colours of `palette`; Pillow's own search is coarse and tints large areas."""
    values, inverse = np.unique(_packed(frame), return_inverse=True)
    distance = (palette**2).sum(axis=1) - 2 * _unpacked(values) @ palette.T
    nearest = distance.argmin(axis=1).astype(np.uint8)
    image = Image.fromarray(nearest[inverse].reshape(frame.height, frame.width))
    image.putpalette(palette.astype(np.uint8).tobytes())
    return image


def _packed(frame: Image.Image) -> Colours:
    """The colour of each pixel as one number."""
    pixels = np.asarray(frame).reshape(-1, 3).astype(np.int64)
    return pixels[:, 0] << 16 | pixels[:, 1] << 8 | pixels[:, 2]


def _unpacked(values: Colours) -> Colours:
    """[N, 3] of colours [N] in one number each."""
    channels: Colours = values[:, None] >> np.array([16, 8, 0]) & 255
    return channels
