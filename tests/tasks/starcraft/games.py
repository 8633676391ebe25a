"""Games that run as processes, looked at from outside."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path


def children(pid: int) -> list[int]:
    """Processes that `pid` started and that run; zombies do not."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            state = _state(int(entry.name))
            if state is not None and state[1] == pid:
                found.append(int(entry.name))
    return found


def alive(pid: int) -> bool:
    """Whether a process runs."""
    return _state(pid) is not None


def games_of(pid: int) -> list[int]:
    """The games beneath the hosts that process `pid` started."""
    return [game for host in children(pid) if _command(host, "game_host") for game in children(host)]


def hosts_of(pid: int) -> list[int]:
    """The game hosts that process `pid` started."""
    return [host for host in children(pid) if _command(host, "game_host")]


def gone(pids: Iterable[int], seconds: float = 30.0) -> None:
    """Wait until none of the processes runs; fails when one still does."""
    until(lambda: not any(map(alive, pids)), "the end of hosts and games", seconds)


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait; fails when `condition` does not come to hold."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


def _state(pid: int) -> tuple[str, int] | None:
    """State and parent."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else (state, int(parent))


def _command(pid: int, word: str) -> bool:
    try:
        return word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
