"""Names, types and places of metrics are a contract."""

from pathlib import Path

import pytest
from prometheus_client import REGISTRY, Counter, Gauge, Histogram, Info
from prometheus_client.metrics import MetricWrapperBase

from copa.config.schema import RedisSettings
from copa.errors import UnavailableError
from copa.replay.connection import Link, open_client
from copa.replay.server import running
from copa.telemetry import metrics
from copa.telemetry.metrics import OF_ROLE, registry_of

REFERENCE = Path(__file__).parents[2] / "docs" / "monitoring.md"

PROMISED = {
    "copa_env_steps_total": Counter,
    "copa_episodes_total": Counter,
    "copa_episode_return": Histogram,
    "copa_segments_acknowledged_total": Counter,
    "copa_segments_unacknowledged": Gauge,
    "copa_segments_dropped_total": Counter,
    "copa_replay_segments": Gauge,
    "copa_replay_bytes": Gauge,
    "copa_limiter_wait_seconds_total": Counter,
    "copa_strategies_eligible_total": Counter,
    "copa_strategies_sent_total": Counter,
    "copa_strategy_bytes_total": Counter,
    "copa_coach_requests_total": Counter,
    "copa_coach_request_seconds": Histogram,
    "copa_coach_batch_rows": Histogram,
    "copa_coach_deadline_missed_total": Counter,
    "copa_updates_total": Counter,
    "copa_update_seconds": Histogram,
    "copa_sample_seconds": Histogram,
    "copa_loss": Gauge,
    "copa_grad_norm": Gauge,
    "copa_weights_version": Gauge,
    "copa_weights_staleness_versions": Histogram,
    "copa_weights_staleness_seconds": Gauge,
    "copa_eval_return": Gauge,
    "copa_epsilon": Gauge,
    "copa_build_info": Info,
}
SUFFIX = {Counter: "_total", Info: "_info"}


def declared() -> dict[str, MetricWrapperBase]:
    """Every metric by the name that a scrape shows."""
    return {
        family.name + SUFFIX.get(type(metric), ""): metric
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
        for family in metric.describe()
    }


def test_every_promised_metric_is_there_with_its_type() -> None:
    found = declared()
    assert {name: type(found.get(name)) for name in PROMISED} == PROMISED


def test_every_metric_is_served_by_some_role() -> None:
    served = {id(metric) for role in OF_ROLE.values() for metric in role}
    assert [name for name, metric in declared().items() if id(metric) not in served] == []


@pytest.mark.parametrize("role", OF_ROLE)
def test_a_role_serves_its_own_metrics_and_those_of_any_process(role: str) -> None:
    families = {family.name for family in registry_of(role).collect()}
    ours = {family.name for metric in OF_ROLE[role] for family in metric.describe()}
    assert ours <= families
    assert {name for name in families if name.startswith("copa_")} == ours
    assert "process_resident_memory_bytes" in families


def test_the_reference_has_every_metric_as_the_code_does() -> None:
    """Metric, type, labels, who serves it, meaning; the unit is written by hand."""
    lines = [line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if line.startswith("| `copa_")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert all(len(row) == 6 and row[2] for row in rows)
    written = {name: (kind, labels, by, meaning) for name, kind, _, labels, by, meaning in rows}
    assert len(written) == len(rows)
    assert written == {f"`{name}`": described(metric) for name, metric in declared().items()}


def described(metric: MetricWrapperBase) -> tuple[str, str, str, str]:
    """Type, labels, roles and meaning, as the reference writes them."""
    labels = ["version", "python", "role"] if isinstance(metric, Info) else metric._labelnames
    by = [role for role, served in OF_ROLE.items() if metric in served]
    return (
        type(metric).__name__.lower(),
        ", ".join(f"`{label}`" for label in labels) or "-",
        "all" if len(by) == len(OF_ROLE) else ", ".join(by),
        metric._documentation,
    )


def sample(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(name, labels)
    assert value is not None, name
    return value


def test_redis_counts_as_up_from_a_command_that_succeeds_until_one_that_fails() -> None:
    before = sample("copa_redis_failures_total", reason="unreachable")
    with running() as server:
        link = Link(open_client(server.url, RedisSettings()), patience=0.05)
        link.command("PING")
        assert sample("copa_redis_up") == 1.0
    with pytest.raises(UnavailableError):
        link.command("PING")
    assert sample("copa_redis_up") == 0.0
    assert sample("copa_redis_failures_total", reason="unreachable") > before
