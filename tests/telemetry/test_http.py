"""`/metrics`, `/healthz`, `/readyz`, and a port that is taken."""

import socket
import urllib.error
import urllib.request

import pytest

from copa.errors import UnavailableError
from copa.telemetry import http
from copa.telemetry.http import Health, TelemetryServer
from copa.telemetry.metrics import registry_of


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_ready_healthy_and_metrics() -> None:
    health = Health()
    server = TelemetryServer("127.0.0.1", 0, health, registry_of("learner"))
    try:
        assert get(server.port, "/readyz") == (503, "not ready\n")
        health.ready.set()
        assert get(server.port, "/readyz")[0] == 200
        assert get(server.port, "/healthz")[0] == 200
        status, text = get(server.port, "/metrics")
        assert status == 200
        assert "# HELP copa_updates_total Learner updates." in text
        assert get(server.port, "/else")[0] == 404
    finally:
        server.close()


def test_a_stalled_loop_is_neither_healthy_nor_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "STALL_SECONDS", -1.0)
    health = Health()
    health.ready.set()
    server = TelemetryServer("127.0.0.1", 0, health, registry_of("coach"))
    try:
        assert get(server.port, "/healthz")[0] == 503
        assert get(server.port, "/readyz")[0] == 503
    finally:
        server.close()


def test_a_port_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=rf"telemetry\.port = {port}.*another port"):
            TelemetryServer("127.0.0.1", port, Health(), registry_of("actor"))
