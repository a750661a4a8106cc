"""Services on loopback that know of vulnerabilities: OSV's question, and a registry of npm."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ADVISORY = "EXAMPLE-2026-0001"


class _Service(ThreadingHTTPServer):
    """Answers for the packages that it knows; `known` has their vulnerable versions."""

    daemon_threads = True

    def __init__(self, known: Mapping[str, str], status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.known = known
        self.status = status

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Service

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            asked = gzip.decompress(asked)
        question = json.loads(asked)
        self._answer(self._osv(question) if self.path == "/v1/query" else self._npm(question))

    def do_GET(self) -> None:
        name = self.path.strip("/")
        versions = {"1.0.0": {"name": name, "version": "1.0.0"}}
        self._answer({"name": name, "versions": versions, "dist-tags": {"latest": "1.0.0"}})

    def _osv(self, question: dict[str, Any]) -> dict[str, Any]:
        name = question["package"]["name"]
        if self.server.known.get(name) != question["version"]:
            return {}
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": []}]
        return {"vulns": [{"id": ADVISORY, "summary": "an example", "affected": affected}]}

    def _npm(self, question: dict[str, list[str]]) -> dict[str, Any]:
        return {
            name: [
                {
                    "id": 1,
                    "url": f"https://advisories.example/{ADVISORY}",
                    "title": ADVISORY,
                    "severity": "high",
                    "vulnerable_versions": self.server.known[name],
                }
            ]
            for name in question
            if name in self.server.known
        }

    def _answer(self, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name
        """Say nothing."""


@contextmanager
def service(known: Mapping[str, str], status: int = 200) -> Iterator[str]:
    """Run a service and return its address; it may answer with an error instead."""
    with _Service(known, status) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()
