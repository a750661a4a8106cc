"""A client that stops reading while what it would be told goes on changing."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from e2e.shapes import api_key_login, example_key
from support.lsp_client import FULL_AUTH, clean_environment, server_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome

DEADLINE = 20.0
CHANGES = 30
REQUESTS = 600
"""Whose answers are more than a pipe and the reader's own buffer hold."""


def _frame(method: str, **more: Any) -> bytes:
    content = json.dumps({"jsonrpc": "2.0", "method": method, **more}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


def _frames(data: bytes) -> Iterator[dict[str, Any]]:
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        length = int(head.removeprefix(b"Content-Length: "))
        yield json.loads(data[:length])
        data = data[length:]


async def test_a_client_that_stops_reading_while_statuses_change_misses_none_that_counts(
    start: Starter, home: CodexHome, tmp_path: Path
):
    """(W17) It holds nobody else up, and what it reads in the end is whole, in order and true."""
    process = await asyncio.create_subprocess_exec(
        *server_command(home=home.path, issuer="http://127.0.0.1:9", log_level=None),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=clean_environment(tmp_path),
        limit=1024,  # beyond that the test's own end reads nothing until it is asked to
    )
    assert process.stdin is not None
    capabilities = {"experimental": {"auth": dict(FULL_AUTH)}}
    process.stdin.write(
        _frame("initialize", id=0, params={"processId": None, "capabilities": capabilities})
        + _frame("initialized", params={})
        + b"".join(_frame("auth/status", id=n, params={}) for n in range(1, REQUESTS))
    )
    await process.stdin.drain()
    reader = await start("http://127.0.0.1:9")

    for number in range(CHANGES):
        since = reader.mark()
        if number % 2:
            home.path.joinpath("auth.json").unlink()
        else:
            home.write(api_key_login(example_key(f"unread-{number}")))
        await reader.wait_for("auth/statusChanged", since=since, timeout=DEADLINE)
    home.write(api_key_login(example_key("unread-last")))
    process.stdin.write(
        _frame("auth/status", id=REQUESTS, params={})
        + _frame("shutdown", id=REQUESTS + 1)
        + _frame("exit")
    )
    stdout, stderr = await asyncio.wait_for(process.communicate(), DEADLINE)

    messages = list(_frames(stdout))
    told = [m["params"]["status"] for m in messages if m.get("method") == "auth/statusChanged"]
    answers = {m["id"]: m.get("result") for m in messages if "id" in m}
    revisions = [status["revision"] for status in told]
    assert list(answers) == list(range(REQUESTS + 2))
    assert revisions == sorted(set(revisions))
    assert {status["state"] for status in told} == {"signedIn", "signedOut"}
    assert answers[REQUESTS]["state"] == "signedIn"
    assert (process.returncode, stderr) == (0, b"")
