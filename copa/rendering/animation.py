"""GIF files."""

from pathlib import Path

import numpy as np
from PIL import Image

from copa.rendering.raster import images, size
from copa.rendering.scene import Scene

END_SECONDS = 2.0
"""How long the last frame stays before the film begins again."""
SAMPLES = 12
"""Frames that the film's palette is made from."""
EXACT = 128
"""Colours that are kept as they are, the most frequent; the rest of the palette serves the edges between them."""


def write_gif(path: Path, scene: Scene, *, width: int, fps: float) -> None:
    """Write a film that repeats, all frames in one palette, so that only what moves is stored."""
    frames = list(images(scene, size(width)))
    palette = _palette(frames)
    indexed = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    pause = round(1000 / fps)
    indexed[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=indexed[1:],
        duration=[pause] * (len(indexed) - 1) + [round(1000 * END_SECONDS)],
        loop=0,
        disposal=1,
    )


def _palette(frames: list[Image.Image]) -> Image.Image:
    """An image of one pixel whose palette serves all `frames`."""
    pixels = np.concatenate([np.asarray(frame).reshape(-1, 3) for frame in frames[:: max(1, len(frames) // SAMPLES)]])
    packed = pixels.astype(np.int64) @ [1 << 16, 1 << 8, 1]
    values, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    exact, rest = values[order[:EXACT]], values[order[EXACT:]]
    colours = [tuple(int(value) >> shift & 255 for shift in (16, 8, 0)) for value in exact]
    if len(rest):
        sheet = Image.fromarray((rest[:, None, None] >> np.array([16, 8, 0]) & 255).astype(np.uint8))
        blended = sheet.quantize(256 - len(colours), method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        flat = blended.getpalette() or []
        colours += [tuple(flat[at : at + 3]) for at in range(0, len(flat), 3)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for colour in colours[:256] for value in colour])
    return palette
