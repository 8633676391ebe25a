"""Prometheus samples of several processes, added up over their restarts."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

WINDOW_SECONDS = 20.0
"""Span over which rates are taken."""

Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]


def parse(text: str) -> Samples:
    """Samples of an exposition, by name and sorted labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@dataclass(slots=True)
class _Source:
    """One process slot: the samples of its present incarnation, and what earlier ones had counted."""

    incarnation: object
    samples: Samples = field(default_factory=dict)
    before: Samples = field(default_factory=dict)
    silent: bool = False
    """Whether it did not answer when last asked."""


class Counters:
    """Totals and rates over all sources; a source whose incarnation changes goes on from its last total."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}
        self._past: deque[tuple[float, Samples]] = deque()

    def put(self, source: str, incarnation: object, samples: Samples) -> None:
        """Take in what `source`, in its present incarnation, counted so far."""
        known = self._sources.setdefault(source, _Source(incarnation))
        if known.incarnation != incarnation:
            for key, value in known.samples.items():
                known.before[key] = known.before.get(key, 0.0) + value
            known.incarnation = incarnation
        known.samples = samples
        known.silent = False

    def gone(self, source: str) -> None:
        """Leave out the gauges of a source while it does not answer; what it counted stays."""
        if source in self._sources:
            self._sources[source].silent = True

    def mark(self, now: float) -> None:
        """Remember the totals at `now`, in seconds, for rates."""
        self._past.append((now, self._totals()))
        while now - self._past[0][0] > WINDOW_SECONDS and len(self._past) > 2:
            self._past.popleft()

    def total(self, name: str, **labels: str) -> float:
        """Sum over all sources and all samples called `name` that have `labels`."""
        return _sum(self._totals(), name, labels)

    def increase(self, name: str, **labels: str) -> float:
        """Growth of the total within the window."""
        if not self._past:
            return 0.0
        (_, first), (_, last) = self._past[0], self._past[-1]
        return max(0.0, _sum(last, name, labels) - _sum(first, name, labels))

    def rate(self, name: str, **labels: str) -> float:
        """Growth of the total per second within the window, from the moment at which something was counted at all."""
        values = [(now, _sum(totals, name, labels)) for now, totals in self._past]
        counting = [(now, value) for now, value in values if value > 0.0]
        if len(counting) < 2:
            return 0.0
        (began, first), (ended, last) = counting[0], counting[-1]
        return max(0.0, last - first) / (ended - began)

    def mean(self, histogram: str, **labels: str) -> float | None:
        """Mean of what a histogram observed within the window, or so far if that is nothing.

        Only for histograms of what is never negative: of others Prometheus keeps no sum.
        """
        count = self.increase(f"{histogram}_count", **labels)
        if count > 0:
            return self.increase(f"{histogram}_sum", **labels) / count
        count = self.total(f"{histogram}_count", **labels)
        return self.total(f"{histogram}_sum", **labels) / count if count > 0 else None

    def gauges(self, name: str) -> dict[Labels, float]:
        """Present values of a gauge by labels; the largest where sources share labels."""
        found: dict[Labels, float] = {}
        for source in self._sources.values():
            for (sample, labels), value in source.samples.items():
                if sample == name and not source.silent:
                    found[labels] = max(value, found.get(labels, value))
        return found

    def by_label(self, name: str, label: str) -> dict[str, float]:
        """Rates of a counter by the values of one of its labels."""
        values = {dict(labels).get(label) for (sample, labels) in self._totals() if sample == name}
        return {value: self.rate(name, **{label: value}) for value in sorted(v for v in values if v is not None)}

    def _totals(self) -> Samples:
        totals: Samples = {}
        for source in self._sources.values():
            for part in (source.samples, source.before):
                for key, value in part.items():
                    totals[key] = totals.get(key, 0.0) + value
        return totals


def _sum(samples: Samples, name: str, labels: Mapping[str, str]) -> float:
    wanted = set(labels.items())
    return sum(value for (sample, has), value in samples.items() if sample == name and wanted <= set(has))
