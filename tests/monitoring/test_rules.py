"""Prometheus' configuration and rules: accepted by promtool, tested, and explained in the runbook."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.prometheus.local import configuration
from tests.monitoring.parts import NEEDS_PROMETHEUS, PROMETHEUS, ROOT, RUNBOOK, read, rules

SERVICES = ("actor", "coach", "learner", "evaluator")
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason=NEEDS_PROMETHEUS)


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_accepts_configuration_and_rules() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")
    promtool("check", "rules", "--lint=all", "--lint-fatal", *(PROMETHEUS / "rules").glob("*.yml"))


@needs_promtool
@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rules_do_as_their_tests_say(path: Path) -> None:
    promtool("test", "rules", path)


def test_every_rule_has_a_test_and_every_alert_one_in_which_it_is_silent() -> None:
    cases = [case for path in RULE_TESTS for case in read(path)["tests"]]
    expressions = " ".join(check["expr"] for case in cases for check in case.get("promql_expr_test", ()))
    recorded = {rule["record"] for rule in rules("record")}
    assert {name for name in recorded if not re.search(rf"{name}\b", expressions)} == set()

    alerts = {rule["alert"] for rule in rules("alert")}
    checks = [check for case in cases for check in case.get("alert_rule_test", ())]
    assert {check["alertname"] for check in checks if check.get("exp_alerts")} == alerts
    assert {check["alertname"] for check in checks if not check.get("exp_alerts")} == alerts


def test_every_alert_has_a_severity_and_a_section_of_the_runbook() -> None:
    sections = re.split(r"^## ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    by_anchor = {section.splitlines()[0].strip().lower(): section for section in sections}
    for rule in rules("alert"):
        assert rule["labels"]["severity"] in ("warning", "critical")
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert ROOT / path == RUNBOOK
        assert anchor == rule["alert"].lower()
        section = by_anchor[anchor]
        for part in ("**Means**", "**Look at**", "**Do**"):
            assert part in section, (anchor, part)
    assert set(by_anchor) == {rule["alert"].lower() for rule in rules("alert")}


def test_services_are_found_by_their_names_on_the_port_of_the_containers() -> None:
    jobs = read(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    found = {job["job_name"]: job["dns_sd_configs"] for job in jobs}
    assert set(found) == set(SERVICES)
    for name, ways in found.items():
        assert ways == [{"names": [name], "type": "A", "port": 9100, "refresh_interval": "5s"}]


def test_a_local_configuration_differs_only_in_how_processes_are_found() -> None:
    whole = read(PROMETHEUS / "prometheus.yml")
    local = configuration({"actor": ["127.0.0.1:1", "127.0.0.1:2"], "coach": ["127.0.0.1:3"]})
    targets = {job["job_name"]: job.pop("static_configs")[0]["targets"] for job in local["scrape_configs"]}
    assert targets == {
        "actor": ["127.0.0.1:1", "127.0.0.1:2"],
        "coach": ["127.0.0.1:3"],
        "learner": [],
        "evaluator": [],
    }
    for job in whole["scrape_configs"]:
        del job["dns_sd_configs"]
    assert [Path(path).relative_to(PROMETHEUS) for path in local.pop("rule_files")] == [
        Path(path) for path in whole.pop("rule_files")
    ]
    assert local == whole
