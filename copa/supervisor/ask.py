"""Asking a process of this machine over HTTP."""

import urllib.error
import urllib.request

TIMEOUT = 1.0

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}


def base_url(host: str, port: int) -> str:
    """Where a process that listens on `host` is reached from this machine."""
    reached = _ANYWHERE.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{reached}:{port}"


def ask(url: str, timeout: float = TIMEOUT) -> tuple[int, str]:
    """Status and text that `url` answers, never through a proxy; status 0 and the reason when there is no answer."""
    try:
        with _OPENER.open(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode("utf-8", errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", errors="replace")
    except (OSError, ValueError) as error:
        return 0, str(getattr(error, "reason", error))


def fetch(url: str, timeout: float = TIMEOUT) -> str | None:
    """What `url` answers; None when it does not answer well."""
    status, text = ask(url, timeout)
    return text if status == 200 else None
