"""Shapes as pixels."""

from collections.abc import Iterable, Iterator
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from copa.rendering.scene import Scene
from copa.rendering.shapes import HEIGHT, STAGE, WIDTH, Box, Disc, Mark, Path, Text

OVERSAMPLING = 2
"""Shapes are drawn this many times larger and shrunk, which makes their edges smooth."""
BOLD = 0.018
"""Outline of bold letters, in units of their size."""
ANCHORS = {"left": "lm", "middle": "mm", "right": "rm"}


def size(width: int) -> tuple[int, int]:
    """Width and height in pixels of an image about `width` wide; both even, as films need it."""
    return _even(width), _even(width * HEIGHT / WIDTH)


def images(scene: Scene, pixels: tuple[int, int], numbers: Iterable[int] | None = None) -> Iterator[Image.Image]:
    """The frames with these `numbers`, all when not given, as RGB images of a `size`."""
    large = pixels[0] * OVERSAMPLING, pixels[1] * OVERSAMPLING
    scale = large[0] / WIDTH
    background = Image.new("RGB", large)
    paint(background, scene.background(), scale)
    left, top, stage_width, stage_height = (round(scale * value) for value in STAGE)
    floor = background.crop((left, top, left + stage_width, top + stage_height))
    for number in range(len(scene.recording.frames)) if numbers is None else numbers:
        picture = scene.picture(number)
        world = floor.copy()
        paint(world, (mark for group in picture.stage for mark in group.marks), scale, (left, top))
        image = background.copy()
        image.paste(world, (left, top))
        paint(image, picture.panel, scale)
        yield image.reduce(OVERSAMPLING)


def paint(image: Image.Image, marks: Iterable[Mark], scale: float, corner: tuple[int, int] = (0, 0)) -> None:
    """Draw `marks`, `scale` pixels to a unit of the canvas, on the part of it that begins at `corner`, in pixels."""
    draw = ImageDraw.Draw(image, "RGBA")
    left, top = corner
    for mark in marks:
        match mark:
            case Disc(x, y, radius, fill, line, width):
                x, y, radius, half = scale * x - left, scale * y - top, scale * radius, scale * width / 2
                if fill is not None:
                    draw.ellipse(_around(x, y, radius), fill)
                if line is not None:
                    draw.ellipse(_around(x, y, radius + half), outline=line, width=max(1, round(2 * half)))
            case Box(x, y, width, height, fill, rounding):
                if width > 0 and height > 0:
                    x, y, width, height = scale * x - left, scale * y - top, scale * width, scale * height
                    rounding = min(scale * rounding, width / 2, height / 2)
                    draw.rounded_rectangle((x, y, x + width, y + height), rounding, fill)
            case Path(points, fill, line, width):
                corners = [(scale * x - left, scale * y - top) for x, y in points]
                if fill is not None:
                    draw.polygon(corners, fill)
                if line is not None:
                    closed = [*corners, *corners[:2]] if fill is not None else corners
                    draw.line(closed, line, max(1, round(scale * width)), joint="curve")
            case Text(x, y, text, size, colour, align, bold):
                outline = round(BOLD * size * scale) if bold else 0
                place = scale * x - left, scale * y - top
                draw.text(place, text, colour, _font(round(size * scale)), ANCHORS[align], stroke_width=outline)


def _around(x: float, y: float, radius: float) -> tuple[float, float, float, float]:
    return x - radius, y - radius, x + radius, y + radius


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _even(pixels: float) -> int:
    return max(2, 2 * round(pixels / 2))
