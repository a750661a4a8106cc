"""A plugin for proxy.py: every host name is this machine, so that a test needs no name server."""

from __future__ import annotations

from proxy.http.proxy import HttpProxyBasePlugin


class ThisMachine(HttpProxyBasePlugin):
    """Sends each connection to the same port of the loopback interface."""

    def resolve_dns(self, host: str, port: int) -> tuple[str | None, None]:
        return "127.0.0.1", None
