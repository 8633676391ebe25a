"""Pieces of Markdown."""

import re
from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown of one line."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """`value` as code."""
    return f"`{value}`"


def anchor(name: str) -> str:
    """A target that `page.md#NAME` finds, put before a heading or a paragraph."""
    return f"({slug(name)})="


def slug(name: str) -> str:
    """`name` as the part of an address after the #."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def one_line(text: str) -> str:
    """`text` without its line breaks."""
    return " ".join(text.split())
