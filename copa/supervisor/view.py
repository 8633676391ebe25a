"""Showing a run while it runs: one live screen on a terminal, a line now and then elsewhere."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from copa.reporting.table import shares
from copa.supervisor.scrape import Snapshot

PLAIN_SECONDS = 10.0
"""Time between two lines where there is no terminal."""

_STYLES = {"running": "green", "finished": "blue", "waiting": "yellow", "failed": "red", "stopped": "dim"}


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One child as the view shows it."""

    name: str
    state: str
    pid: int | None
    restarts: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that is shown."""

    title: str
    phase: str
    total_steps: int
    capacity: int
    snapshot: Snapshot
    processes: Sequence[ProcessState]


class View(Protocol):
    """Where a run is shown."""

    def start(self) -> None:
        """Begin to show."""

    def show(self, picture: Picture) -> None:
        """Show the present state; called often."""

    def say(self, text: str) -> None:
        """Show a message that stays."""

    def stop(self) -> None:
        """Leave the screen to others."""


class PlainView:
    """One line every `PLAIN_SECONDS`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = time.monotonic() + PLAIN_SECONDS
        self._pace = Pace()

    def start(self) -> None:
        """See `View`."""

    def show(self, picture: Picture) -> None:
        """See `View`."""
        remaining = self._pace.remaining(picture)
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PLAIN_SECONDS
        self.say(plain_line(picture, remaining))

    def say(self, text: str) -> None:
        """See `View`."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """See `View`."""


class LiveView:
    """One screen, renewed twice a second."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=2, transient=False, redirect_stdout=False)
        self._pace = Pace()

    def start(self) -> None:
        """See `View`."""
        self._live.start()

    def show(self, picture: Picture) -> None:
        """See `View`."""
        self._live.update(screen(picture, self._pace.remaining(picture)))

    def say(self, text: str) -> None:
        """See `View`."""
        self._live.console.print(text, markup=False, highlight=False)

    def stop(self) -> None:
        """See `View`."""
        self._live.stop()


class Pace:
    """How long the run still takes, by its speed over the last half minute."""

    def __init__(self) -> None:
        self._past: deque[tuple[float, int]] = deque(maxlen=600)

    def remaining(self, picture: Picture) -> float | None:
        """Seconds until the run's steps are played; None while unknown."""
        now, steps = time.monotonic(), picture.snapshot.steps
        if steps == 0:
            return None
        self._past.append((now, steps))
        while now - self._past[0][0] > 30.0:
            self._past.popleft()
        (before, first), span = self._past[0], now - self._past[0][0]
        if span < 3.0 or steps <= first:
            return None
        return max(0, picture.total_steps - steps) * (now - before) / (steps - first)


def new_view(console: Console, *, plain: bool) -> View:
    """The view that fits where output goes."""
    return PlainView(console) if plain or not console.is_terminal else LiveView(console)


def plain_line(picture: Picture, remaining: float | None) -> str:
    """The state of a run in one line."""
    now = picture.snapshot
    if now.steps == 0:
        waits = [state.name for state in picture.processes if not state.ready]
        return time.strftime("%H:%M:%S ") + f"{picture.phase}; not up yet: {', '.join(waits) or 'nothing'}"
    parts = [
        f"{now.steps:,}/{picture.total_steps:,} steps ({share(now.steps, picture.total_steps)})",
        f"{now.steps_per_second:,.0f} steps/s",
        f"{now.updates or 0:,} updates",
        f"{now.updates_per_second:.1f} updates/s",
        f"return {number(now.episode_return)}",
        *([f"eval {evaluation(now)}"] if now.evaluation else []),
        f"epsilon {number(now.epsilon, 2)}",
        f"replay {share(now.segments or 0, picture.capacity)}",
        *([f"communication {now.communication_rate:.0%}"] if now.communication_rate is not None else []),
        *([waiting(now)] if now.waits else []),
        *([f"{clock(remaining)} left"] if remaining is not None else []),
    ]
    return time.strftime("%H:%M:%S ") + " | ".join(parts)


def screen(picture: Picture, remaining: float | None) -> RenderableType:
    """The state of a run on one screen."""
    now = picture.snapshot
    bar = Table.grid(padding=(0, 1), expand=True)
    bar.add_column(ratio=1)
    bar.add_column(justify="right", no_wrap=True)
    left = "" if remaining is None else f"  {clock(remaining)} left"
    steps = f"{now.steps:,} / {picture.total_steps:,} steps  {share(now.steps, picture.total_steps)}{left}"
    bar.add_row(ProgressBar(total=picture.total_steps, completed=min(now.steps, picture.total_steps)), steps)
    facts = Table.grid(padding=(0, 2), expand=True)
    for _ in range(2):
        facts.add_column(style="dim", no_wrap=True)
        facts.add_column(ratio=1)
    rate = "-" if now.communication_rate is None else f"{now.communication_rate:.0%} of coach steps"
    fill = f"{share(now.segments or 0, picture.capacity)} of {picture.capacity:,} segments, {size(now.bytes)}"
    lost = f"{now.lost:,} segments lost" if now.lost else "nothing lost"
    facts.add_row("env steps", f"{now.steps_per_second:,.0f} /s", "updates", _updates(now))
    facts.add_row("return", number(now.episode_return), "evaluation", evaluation(now) or "-")
    facts.add_row("epsilon", number(now.epsilon, 3), "communication", rate)
    facts.add_row("replay", fill, "staleness", f"{number(now.staleness)} versions, {lost}")
    facts.add_row("waiting", waiting(now) or "nobody waits", "", "")
    body = Group(bar, Text(), facts, Text(), processes(picture.processes))
    return Panel(body, title=picture.title, subtitle=picture.phase, border_style="cyan")


def processes(states: Sequence[ProcessState]) -> Table:
    """The processes, their states and restarts."""
    table = Table(box=None, pad_edge=False, expand=False)
    for heading in ("process", "state", "pid", "restarts"):
        table.add_column(heading, header_style="dim", justify="right" if heading in ("pid", "restarts") else "left")
    for state in states:
        word = "starting" if state.state == "running" and not state.ready else state.state
        word = "restarting" if word == "waiting" else word
        style = "yellow" if word == "starting" else _STYLES[state.state]
        restarts = Text(str(state.restarts), style="bold yellow" if state.restarts else "dim")
        table.add_row(state.name, Text(word, style=style), str(state.pid or "-"), restarts)
    return table


def waiting(now: Snapshot) -> str:
    """Who waits for whom, and for how much of the time."""
    whom = {
        "actor: actors ahead": "actors wait for the learner",
        "learner: learner ahead": "learner waits for actors",
        "learner: warming up": "learner waits for a first fill of the replay",
    }
    return ", ".join(f"{whom.get(key, key)} {part:.0%}" for key, part in sorted(now.waits.items()))


def evaluation(now: Snapshot) -> str:
    """Returns of the newest evaluation by team, small ones with a decimal more, and what the task says of its ends."""
    return "  ".join(
        " ".join((team, number(found.mean, 1 if abs(found.mean) >= 10 else 2), *shares(found.outcomes)))
        for team, found in now.evaluation.items()
    )


def number(value: float | None, digits: int = 1) -> str:
    """A number, or a dash while it is unknown."""
    return "-" if value is None else f"{value:.{digits}f}"


def share(part: float, whole: float) -> str:
    """A percentage."""
    return f"{min(1.0, part / whole):.0%}"


def size(count: int | None) -> str:
    """Bytes in MiB."""
    return "-" if count is None else f"{count / 2**20:,.0f} MiB"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, or hours and minutes."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60}:{whole % 60:02d}"


def _updates(now: Snapshot) -> str:
    return f"{now.updates or 0:,}, {now.updates_per_second:.1f} /s"
