"""The end of a server by a signal while something runs in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from transport.test_stdio import frame, pipe

IN_TIME = 5.0
"""Seconds within which a process has ended after it was told to."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_it_in_order(tmp_path, number):
    """What runs is ended, told and answered first."""
    server = subprocess.Popen(
        [
            *(sys.executable, "-I", "-m", "codex_auth_lsp", "--codex-home", os.fspath(tmp_path)),
            *("--issuer", "http://127.0.0.1:9"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    capabilities = {"experimental": {"auth": {"loginPrompt": True}}}
    pipe(server.stdin).write(
        frame(id=1, method="initialize", params={"capabilities": capabilities})
        + frame(method="initialized", params={})
        + frame(id=2, method="auth/login", params={"method": "browser"})
    )
    pipe(server.stdin).flush()
    received = b""
    while b'"waitingForUser"' not in received:
        received += os.read(pipe(server.stdout).fileno(), 65536)
    server.send_signal(number)
    rest, log = pipe(server.stdout).read(), pipe(server.stderr).read()

    assert (server.wait(IN_TIME), log) == (0, b"")
    assert b'"outcome":"cancelled"' in rest
    assert b'"kind":"shuttingDown"' in rest
    server.communicate()
