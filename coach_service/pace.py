"""How fast one caller may ask."""

from collections import OrderedDict

from copa.config.schema import CoachSettings

BURST_SECONDS = 0.25
"""What a caller did not use of this time it may use at once."""

CALLERS = 4096
"""Most callers whose pace is remembered; those heard of longest ago are forgotten first."""


class Pace:
    """Keeps one caller to `coach.stream_requests` and `coach.stream_rows`, by saying how long to wait."""

    def __init__(self, settings: CoachSettings) -> None:
        self._second = 1.0 / settings.stream_requests, 1.0 / settings.stream_rows
        self._paid = 0.0
        """Time at which all that was asked so far is used up, at the caller's rate."""

    def owed(self, now: float) -> float:
        """Seconds from time `now` until the next request is welcome."""
        return max(0.0, self._paid - now - BURST_SECONDS)

    def take(self, rows: int, now: float) -> float:
        """Note a request for `rows` games; returns what is owed then."""
        request, row = self._second
        self._paid = max(self._paid, now) + max(request, rows * row)
        return self.owed(now)


class Paces:
    """The pace of callers who have no stream, by their address."""

    def __init__(self, settings: CoachSettings) -> None:
        self._settings = settings
        self._known: OrderedDict[str, Pace] = OrderedDict()

    def of(self, caller: str) -> Pace:
        """The pace of `caller`."""
        pace = self._known.pop(caller, None) or Pace(self._settings)
        self._known[caller] = pace
        if len(self._known) > CALLERS:
            self._known.popitem(last=False)
        return pace
