"""Names of metrics are a contract; their exposition is well-formed."""

import shutil
import subprocess

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from copa.telemetry import metrics

PROMISED = [
    "copa_env_steps_total",
    "copa_episodes_total",
    "copa_episode_return",
    "copa_segments_acknowledged_total",
    "copa_segments_unacknowledged",
    "copa_segments_dropped_total",
    "copa_replay_segments",
    "copa_replay_bytes",
    "copa_limiter_wait_seconds_total",
    "copa_strategies_eligible_total",
    "copa_strategies_sent_total",
    "copa_strategy_bytes_total",
    "copa_coach_requests_total",
    "copa_coach_request_seconds",
    "copa_coach_batch_rows",
    "copa_coach_deadline_missed_total",
    "copa_updates_total",
    "copa_update_seconds",
    "copa_sample_seconds",
    "copa_loss",
    "copa_grad_norm",
    "copa_weights_version",
    "copa_weights_staleness_versions",
    "copa_weights_staleness_seconds",
    "copa_eval_return",
    "copa_epsilon",
    "copa_build_info",
]


def test_every_promised_metric_is_there() -> None:
    names = {
        name
        for collector in vars(metrics).values()
        if isinstance(collector, MetricWrapperBase)
        for family in collector.describe()
        for name in (family.name, f"{family.name}_total", f"{family.name}_info")
    }
    assert sorted(set(PROMISED) - names) == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_accepts_the_exposition() -> None:
    metrics.ENV_STEPS.labels("0").inc()
    metrics.LOSS.labels("td").set(1.0)
    metrics.LIMITER_WAIT.labels("actor", "actors ahead").inc()
    lines = generate_latest(REGISTRY).decode().splitlines(keepends=True)
    ours = "".join(line for line in lines if line.split(" ")[2 if line.startswith("#") else 0].startswith("copa_"))
    check = subprocess.run(["promtool", "check", "metrics"], input=ours, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr
