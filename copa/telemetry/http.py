"""The small HTTP server of every process: `/metrics`, `/healthz`, `/readyz`."""

import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from copa.config.schema import TelemetrySettings
from copa.errors import ConfigError, UnavailableError
from copa.security.loopback import loopback_only

log = logging.getLogger(__name__)

STALL_SECONDS = 120.0
"""A process whose loop has not beaten for this long is reported as not healthy."""


def check_exposure(settings: TelemetrySettings) -> None:
    """Refuse to serve telemetry beyond this machine unless that is allowed; raises ConfigError.

    Telemetry is plain HTTP that asks nobody who they are. It holds numbers and names, and no secret.
    """
    try:
        exposed = not loopback_only(settings.host)
    except OSError as error:
        raise ConfigError(f"telemetry.host: {settings.host!r} is not known: {error.strerror}") from None
    if exposed and settings.insecure:
        log.warning("telemetry.insecure is set, and %s can be reached from other machines", settings.host)
    elif exposed:
        raise ConfigError(
            f"telemetry.host: {settings.host!r} reaches beyond this machine, and telemetry is plain HTTP for whoever"
            " reaches it; listen on 127.0.0.1, or, on a network of the run's own, set telemetry.insecure (--insecure)"
        )


class Health:
    """Whether this process is ready, and when its loop last went round."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self._beaten = time.monotonic()

    def beat(self) -> None:
        """Say that the main loop is alive."""
        self._beaten = time.monotonic()

    @property
    def stalled_seconds(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._beaten


class TelemetryServer:
    """Serves telemetry on `host:port` from a thread; port 0 takes a free one."""

    def __init__(self, host: str, port: int, health: Health, registry: CollectorRegistry) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self._answer(200, generate_latest(registry), CONTENT_TYPE_LATEST)
                elif self.path == "/healthz" or (self.path == "/readyz" and health.ready.is_set()):
                    stalled = health.stalled_seconds
                    well = stalled < STALL_SECONDS
                    self._answer(200 if well else 503, f"last beat {stalled:.1f} s ago\n".encode())
                elif self.path == "/readyz":
                    self._answer(503, b"not ready\n")
                else:
                    self._answer(404, b"paths: /metrics /healthz /readyz\n")

            def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Scrapes are not worth a line each."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError as error:
            raise UnavailableError(
                f"telemetry.port = {port}: cannot listen on {host}:{port} ({error.strerror});"
                " choose another port, or 0 for a free one"
            ) from None
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, name="telemetry", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
