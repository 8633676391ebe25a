"""Links from a page to a file outside the pages, which the site hands out as it is."""

import re
from pathlib import Path

from sphinx.application import Sphinx

_LINK = re.compile(r"(?<=\]\()(\.\./[^)#\s]+\.md)(?=\))")


def hand_out(app: Sphinx, page: str, source: list[str]) -> None:
    """Mark links to Markdown outside the pages as links to files, since MyST takes every `.md` for a page."""
    folder = Path(app.env.doc2path(page)).parent

    def marked(link: re.Match[str]) -> str:
        inside = (folder / link[1]).resolve().is_relative_to(app.srcdir)
        return link[1] if inside else f"path:{link[1]}"

    source[0] = _LINK.sub(marked, source[0])
