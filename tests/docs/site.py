"""The built site, as a reader finds it."""

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
"""What a browser fetches by itself, by element."""
OF_PAGE = {"canonical", "next", "prev"}
"""Relations of a link element that nothing is fetched for."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page has and where it points."""

    path: Path
    anchors: frozenset[str]
    links: tuple[str, ...]
    loaded: tuple[str, ...]
    equations: int
    text: str

    def target(self, link: str) -> tuple[Path, str]:
        """File and anchor that a relative link of this page leads to."""
        parts = urlsplit(link)
        path = (self.path.parent / unquote(parts.path)).resolve() if parts.path else self.path
        return path, unquote(parts.fragment)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.equations = 0
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        address = found.get(LOADED.get(tag, ""), "")
        if address and not OF_PAGE & set(found.get("rel", "").split()):
            self.loaded.append(address)
        self.equations += tag == "math"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(path: Path) -> Page:
    """The page in the file `path`."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return Page(
        path.resolve(),
        frozenset(reader.anchors),
        tuple(reader.links),
        tuple(reader.loaded),
        reader.equations,
        "".join(reader.text),
    )


def is_elsewhere(address: str) -> bool:
    """Whether an address leads out of the site."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")
