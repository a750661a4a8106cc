"""A way out that leads nowhere, for every process that a test starts.

A program that honours proxies can then reach loopback addresses alone: every other address goes
through a port where nothing listens, which refuses at once.
"""

from __future__ import annotations

CLOSED_PROXY = "http://127.0.0.1:9"
"""The discard service's port, where nothing listens."""

LOOPBACK = "127.0.0.1,localhost"


def closed_proxies() -> dict[str, str]:
    """Return the variables, in both spellings that programs look for."""
    variables = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), CLOSED_PROXY)
    variables["NO_PROXY"] = LOOPBACK
    return variables | {name.lower(): value for name, value in variables.items()}


NO_PROXIES = dict.fromkeys(closed_proxies(), "")
"""What takes them back, for a test of a machine that has no proxy and no network either."""
