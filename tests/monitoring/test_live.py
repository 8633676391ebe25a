"""A real Prometheus scrapes a real run, and every query of every panel and rule finds data there.

`prometheus.yml` is used as it is but for the discovery. What a query is asked without:

- in alerts, the thresholds: a comparison with `bool` answers 0 or 1 instead of leaving healthy series out, so an alert
  without data is one whose names or labels match nothing;
- everywhere, `or vector(0)` and the like, which would be data whatever is scraped.
"""

import contextlib
import json
import math
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from prometheus_client.parser import text_string_to_metric_families

from copa.run_folder import RunFolder
from copa.telemetry.metrics import OF_ROLE
from deploy.grafana.preview import Prometheus, draw
from deploy.prometheus.local import configuration, targets_of
from tests.monitoring.parts import NEEDS_PROMETHEUS, dashboards, rules
from tests.system.conftest import Train

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None, reason=NEEDS_PROMETHEUS
)

SECONDS = 150.0
"""Longest wait for data; on a machine with nothing else to do they are all there after about 30 s."""

OF_PLAY, OF_SYSTEM = {"actor", "reason", "side", "part", "group", "team", "outcome"}, {"code", "device", "le"}
LABELS = OF_PLAY | OF_SYSTEM | {"version", "python", "role"}
"""Every label of our metrics; each has few values, which do not grow with the length of a run."""

NOTHING_WHEN_WELL = 'ALERTS{alertstate="firing"}'
"""Prometheus' own series of alerts that fire: in a healthy run there are none."""


@dataclass(frozen=True, slots=True)
class Live:
    """A run and the Prometheus that scrapes it."""

    url: str
    targets: Mapping[str, list[str]]

    def has_data(self, expression: str) -> bool:
        """Whether the answer has a number."""
        address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            found = json.load(answer)["data"]["result"]
        return any(math.isfinite(float(one["value"][1])) for one in found)

    def without_data(self, expressions: Mapping[str, str]) -> dict[str, str]:
        """Those of `expressions`, by name, that find nothing within `SECONDS` of the run."""
        deadline = time.monotonic() + SECONDS
        missing = dict(expressions)
        while missing and time.monotonic() < deadline:
            missing = {name: one for name, one in missing.items() if not self.has_data(one)}
            if missing:
                time.sleep(1.0)
        return missing


@contextlib.contextmanager
def prometheus(file: Path) -> Iterator[str]:
    """A Prometheus with the configuration `file` for as long as the block lasts; gives its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    url = f"http://{address}"
    command = ["prometheus", f"--config.file={file}", f"--web.listen-address={address}"]
    output = file.with_suffix(".txt")
    with output.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [*command, f"--storage.tsdb.path={file.parent / 'data'}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                break
            assert process.poll() is None, output.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    run = folder / "run"
    short = ("--telemetry.tensorboard", "false", "--evaluator.final_episodes", "0")
    telling = ("--task", "starcraft/3-8sz")  # one whose episodes have outcomes
    command = ["--preset", "smoke", *telling, "--run.steps", "10000000", *short, "--run-dir", str(run)]
    train = Train(command, folder / "train.txt")
    try:
        train.until(lambda: set(targets_of(RunFolder(run))) >= set(OF_ROLE), "all processes being up", 120.0)
        targets = {role: found for role, found in targets_of(RunFolder(run)).items() if role in OF_ROLE}
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(configuration(targets)), encoding="utf-8")
        with prometheus(file) as url:
            yield Live(url, targets)
        train.process.send_signal(signal.SIGINT)
        train.wait()
    finally:
        train.kill_all()


def bare(expression: str) -> str:
    """`expression` without what would be data in any case."""
    return re.sub(r"\s+or (label_replace\(vector\(0\)[^)]*\)|vector\(0\))", "", expression)


def panel_queries() -> dict[str, str]:
    """Every query of every panel, by where it stands."""
    return {
        f"{name}: {panel['title']} {target['refId']}": bare(target["expr"].replace("$__rate_interval", "1m"))
        for name, dashboard in dashboards().items()
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    }


def test_every_query_of_every_panel_finds_data(live: Live) -> None:
    """Let off are what only a GPU has where there is none, alerts that fire, and what the task does not count."""
    queries = {
        name: one
        for name, one in panel_queries().items()
        if NOTHING_WHEN_WELL not in one
        and '=~".*_per_episode"' not in one
        and (torch.cuda.is_available() or "copa_gpu_" not in one)
    }
    assert len(queries) > 60
    assert live.without_data(queries) == {}


def test_every_recording_rule_finds_data(live: Live) -> None:
    recorded = {rule["record"]: rule for rule in rules("record")}
    assert live.without_data({name: bare(rule["expr"]) for name, rule in recorded.items()}) == {}
    assert live.without_data({name: name for name in recorded}) == {}


def without_threshold(expression: str) -> str:
    """An alert's expression that answers for healthy series too."""
    return bare(re.sub(r"(==|!=|<=|>=|<|>)", r"\1 bool", expression))


def test_every_alert_looks_at_something_that_exists(live: Live) -> None:
    alerts = {f"{rule['alert']} {rule['labels']}": without_threshold(rule["expr"]) for rule in rules("alert")}
    assert all(" bool " in one for one in alerts.values())
    assert live.without_data(alerts) == {}


def test_a_query_without_data_is_found(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.monitoring.test_live.SECONDS", 1.5)
    queries = {
        "misspelt metric": "sum(rate(copa_env_step_total[1m]))",
        "label that nothing has": 'copa:limiter_wait:ratio1m{side="coach"}',
        "threshold over a name that is not there": without_threshold("copa:up:total == 0"),
        "made up for": bare('sum by (job) (upp) or label_replace(vector(0), "job", "actor", "", "") or vector(0)'),
        "no number": "copa_update_seconds_count * NaN",
    }
    assert live.without_data(queries) == queries


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_is_drawn_without_grafana(live: Live, tmp_path: Path, name: str) -> None:
    dashboard = dashboards()[name]
    figure = draw(dashboard, Prometheus(live.url, minutes=2.0))
    said = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {panel["title"] for panel in dashboard["panels"]} <= said
    figure.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("role", OF_ROLE)
def test_promtool_accepts_what_a_process_serves(live: Live, role: str) -> None:
    with urllib.request.urlopen(f"http://{live.targets[role][0]}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout + check.stderr
    samples = [
        sample
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("copa_")
    ]
    assert {label for sample in samples for label in sample.labels} <= LABELS
    leased: set[Any] = {sample.labels["actor"] for sample in samples if "actor" in sample.labels}
    assert leased == ({"0"} if role == "actor" else set())
