"""Cells as aligned text, or as a Markdown table; the first line holds the titles."""

from collections.abc import Sequence


def aligned(cells: Sequence[Sequence[str]], *, left: int = 2) -> str:
    """Columns that line up; the first `left` begin, and the others end, at the same place."""
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = [
        [
            f"{cell:<{width}}" if column < left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in cells
    ]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def markdown(cells: Sequence[Sequence[str]], *, left: int) -> str:
    """A Markdown table of which the first `left` columns hold words, the others numbers."""
    rule = ["---" if column < left else "---:" for column in range(len(cells[0]))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [cells[0], rule, *cells[1:]])
