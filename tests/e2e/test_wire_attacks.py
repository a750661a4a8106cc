"""What a broken or hostile editor can try on the pipes, beyond frames and messages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from support.lsp_client import UNSET

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from support.sandbox import Sandbox

DECLARED = 2 * 1024**3
SENT_AT_MOST = 64 * 1024**2
MEMORY_AT_MOST = 16 * 1024**2

PRINTING = """
import os, sys
from codex_auth_lsp.service import auth_service
told = auth_service.AuthService.status_at_once
def status(self):
    print("a library prints")
    os.write(1, b"native code writes\\n")
    os.system("echo a child writes; cat")
    return told(self)
auth_service.AuthService.status_at_once = status
from codex_auth_lsp.cli import main
main(["--codex-home", sys.argv[1]])
"""

INCOMPLETE = """
import sys
sys.modules["pygls"] = None  # as where an installation has lost a part
from codex_auth_lsp.cli import main
main(["--codex-home", sys.argv[1]])
"""


def frame(body: str) -> bytes:
    """Return the frame of a message."""
    return f"Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_nothing_but_frames_reaches_stdout_whoever_writes(tmp_path):
    """(W18) `print`, a write to file descriptor 1, and a child process that also reads stdin."""
    asked = frame('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}')
    asked += frame('{"jsonrpc":"2.0","id":2,"method":"auth/status"}')
    asked += frame('{"jsonrpc":"2.0","id":3,"method":"shutdown"}')
    asked += frame('{"jsonrpc":"2.0","method":"exit"}')

    done = subprocess.run(
        [sys.executable, "-I", "-c", PRINTING, tmp_path],
        input=asked,
        capture_output=True,
        timeout=30,
        check=True,
    )

    output, answers = done.stdout, 0
    while output:
        header, _, rest = output.partition(b"\r\n\r\n")
        length = int(header.removeprefix(b"Content-Length: "))
        output, answers = rest[length:], answers + 1
    assert answers == 3
    for words in (b"a library prints", b"native code writes", b"a child writes"):
        assert words in done.stderr


def test_a_request_that_cannot_even_begin_is_answered(tmp_path):
    """(W11) Each time with an id for the log, and what needs nothing of it goes on."""
    asked = frame('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}')
    for number in range(10, 210):
        asked += frame(f'{{"jsonrpc":"2.0","id":{number},"method":"auth/doctor"}}')
    asked += frame('{"jsonrpc":"2.0","id":3,"method":"auth/status"}')

    done = subprocess.run(
        [sys.executable, "-I", "-c", INCOMPLETE, tmp_path],
        input=asked,
        capture_output=True,
        timeout=30,
        check=True,
    )

    for number in range(10, 210):
        assert done.stdout.count(b'"id":%d,"error":{"code":-32603,' % number) == 1
    assert done.stdout.count(b'"correlationId"') == 200
    assert b'"id":3,"result"' in done.stdout
    assert b"pygls" not in done.stdout


async def test_a_message_that_is_declared_huge_takes_no_memory(start: Starter):
    """(W5) Two gigabytes are refused by their header; nobody waits for what follows."""
    client = await start()
    before = resident(client.process.pid)

    await client.send_raw(b"Content-Length: %d\r\n\r\n" % DECLARED)
    peak, sent = before, 0
    try:
        while sent < SENT_AT_MOST:
            await client.send_raw(b" " * 65536)
            sent += 65536
            peak = max(peak, resident(client.process.pid))
    except (ConnectionError, FileNotFoundError):
        pass  # it has ended, as it should
    returncode = await client.wait_until_ended(timeout=5)

    assert returncode == 1
    assert peak - before < MEMORY_AT_MOST
    assert b"Traceback" not in client.stderr


def resident(process_id: int) -> int:
    """Return the memory that a process has in use, in bytes; 0 when it has ended."""
    try:
        pages = Path(f"/proc/{process_id}/statm").read_text().split()[1]
    except FileNotFoundError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def test_an_id_that_is_in_use_is_refused_and_the_first_request_goes_on(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(W13) Otherwise nobody could say whose answer it is; afterwards the id is free again."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("refresh", "hang")
    first = await client.start_request("auth/refresh", {"force": True})
    since = client.mark()

    methods = ("auth/refresh", "auth/status", "auth/logout")
    for method in methods:
        await client.send({"jsonrpc": "2.0", "id": first.id, "method": method, "params": {}})
    await client.request("auth/methods")  # by then they are answered
    refusals = [m for m in client.messages[since:] if m.body.get("id") == first.id]
    sandbox.release()

    assert [refusal.body["error"]["code"] for refusal in refusals] == [-32600] * len(methods)
    assert (await client.request("auth/status"))["state"] == "signedIn"


async def test_an_id_that_only_equals_the_one_of_a_request_cancels_nothing(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(W12) `true` is not the number 1."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("refresh", "hang")
    refresh = {"id": 1, "method": "auth/refresh", "params": {"force": True}}
    since = client.mark()
    await client.send({"jsonrpc": "2.0", **refresh})
    await sandbox.saw("refresh")

    await client.notify("$/cancelRequest", {"id": True})
    await client.request("auth/status")  # by then it would be answered
    early = [message.body for message in client.messages[since:] if message.body.get("id") == 1]
    sandbox.release()
    answer = await client.wait_until(lambda m: m.body.get("id") == 1, "the answer", since=since)

    assert early == []
    assert answer.body["error"]["data"]["kind"] == "networkUnreachable"  # what became of it


async def test_an_error_about_no_request_is_not_answered(start: Starter):
    """(W7) Two sides that answer each other's errors would never come to an end."""
    client = await start()
    since = client.mark()

    error = {"code": -32700, "message": "what you sent cannot be read"}
    await client.send({"jsonrpc": "2.0", "id": None, "error": error})
    await client.request("auth/status")

    assert [message for message in client.messages[since:] if "error" in message.body] == []


async def test_cancelling_what_nobody_asked_for_changes_nothing(start: Starter):
    """(W12) An id that never was, one that is over, and what is no id."""
    client = await start()

    for params in ({"id": 999}, {"id": "x"}, {"id": 1}, {"id": None}, {"id": {}}, {}, [], None):
        await client.notify("$/cancelRequest", params)
    await client.notify("$/cancelRequest", UNSET)

    assert (await client.request("auth/status"))["state"] == "signedOut"
