"""The tour's windows: what their status bars say, and what a silent language server costs."""

from __future__ import annotations

import sys

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.demo import window as window_module
from codex_auth_lsp.demo.failure import DemoFailed
from codex_auth_lsp.demo.programs import Programs, child_environment
from codex_auth_lsp.demo.window import Window, status_bar
from support.lsp_client import clean_environment

SERVER = """
import json, sys
while line := sys.stdin.buffer.readline():
    sys.stdin.buffer.readline()
    message = json.loads(sys.stdin.buffer.read(int(line.split()[1])))
    if message["method"] == "exit" and "stay" not in sys.argv:
        break
    if message["method"] == "junk":
        sys.stdout.buffer.write(b"this is no frame\\r\\n\\r\\n")
    elif message["method"] != "silent" and "id" in message:
        answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": None}).encode()
        sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(answer), answer))
    sys.stdout.buffer.flush()
"""
"""A server that answers everything with null, but for what is called `silent` and `junk`."""


class OtherServer(Programs):
    """Programs whose language server is that one."""

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-I", "-c", SERVER]


class StubbornServer(OtherServer):
    """One that does not go when it is told to."""

    def command(self, *arguments: str) -> list[str]:
        return [*super().command(), "stay"]


def programs_in(folder, programs=OtherServer):
    return programs(folder, "http://127.0.0.1:9", clean_environment(folder))


async def test_request_without_an_answer_ends_at_its_deadline(tmp_path):
    """No wait of the tour is without an end, and the sentence names what was missing."""
    async with Window.open("A", programs_in(tmp_path), SystemClock()) as window:
        with pytest.raises(DemoFailed) as failure:
            await window.request("silent", seconds=0.2)

    assert str(failure.value) == "Window A did not get an answer to silent within 0.2 seconds."


async def test_server_that_stays_after_exit_is_ended_by_force(tmp_path, monkeypatch):
    """A server that ignores `exit` does not outlive its window."""
    monkeypatch.setattr(window_module, "END_SECONDS", 0.2)
    programs = programs_in(tmp_path, StubbornServer)

    async with Window.open("A", programs, SystemClock()) as window:
        process = window.process

    assert process.returncode not in (None, 0)


async def test_server_that_goes_when_it_is_told_to_ends_with_status_0(tmp_path):
    """Force is for those alone that need it."""
    async with Window.open("A", programs_in(tmp_path), SystemClock()) as window:
        process = window.process

    assert process.returncode == 0


async def test_server_that_talks_no_frames_counts_as_gone(tmp_path):
    """What cannot be read any more is not waited for."""
    async with Window.open("A", programs_in(tmp_path), SystemClock()) as window:
        with pytest.raises(DemoFailed, match=r"^The language server of window A ended\.$"):
            await window.request("junk")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"state": "signedOut"}, "Codex: Sign In"),
        ({"state": "signedOut", "pendingLogin": {"attemptId": "1"}}, "Codex: Signing in..."),
        ({"state": "signedIn", "account": {"label": "ada@example.com"}}, "ada@example.com"),
        ({"state": "needsReauth", "account": {"label": "ada@example.com"}}, "Codex: Sign In Again"),
        ({"state": "unavailable"}, "Codex: Login Unreadable"),
        ({}, "Codex"),
    ],
)
def test_status_bar_says_what_the_status_means(status, expected):
    """The bar is the one of the editor's client."""
    assert status_bar(status) == expected


def test_child_gets_the_environment_without_what_concerns_codex():
    """The person's own login stays out, and what their system needs stays in."""
    own = {"PATH": "/bin", "CODEX_HOME": "/x", "CODEX_API_KEY": "k", "OPENAI_API_KEY": "k"}

    assert child_environment(own) == {"PATH": "/bin"}
