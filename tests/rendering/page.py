"""Reading a written page."""

import json
import re
from pathlib import Path
from typing import Any


def episode_of(path: Path) -> dict[str, Any]:
    """The data in the page at `path`."""
    (text,) = re.findall(
        r'<script id="episode" type="application/json">(.*?)</script>', path.read_text(encoding="utf-8"), re.DOTALL
    )
    found: dict[str, Any] = json.loads(text)
    return found
