"""Logging of a process: text for people, JSON lines for machines."""

import json
import logging
import sys
import time
from typing import Literal


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, role: str, index: int) -> None:
        super().__init__()
        self._bound = {"role": role, "index": index}

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            **self._bound,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry)


def start_logging(role: str, index: int, level: str, form: Literal["auto", "text", "json"]) -> None:
    """Send this process's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if form == "json" or (form == "auto" and not sys.stderr.isatty()):
        handler.setFormatter(_JsonLines(role, index))
    else:
        handler.setFormatter(
            logging.Formatter(f"%(asctime)s {role}-{index} %(levelname)s %(message)s", datefmt="%H:%M:%S")
        )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
