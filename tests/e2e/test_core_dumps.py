"""A process that is killed leaves nothing of its memory on the disk."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import sys
from pathlib import Path

import pytest

from support.lsp_client import clean_environment, server_command

DEADLINE = 30.0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the limits of a process on Linux")
async def test_a_server_that_is_killed_leaves_no_core_dump(tmp_path: Path):
    """(S19) Also where the person lets every program leave one."""
    home = tmp_path / "codex"
    home.mkdir()
    command = shlex.join(server_command(home=home))
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"ulimit -c unlimited && exec {command}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env=clean_environment(tmp_path), cwd=tmp_path,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}'
    process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    async with asyncio.timeout(DEADLINE):
        await process.stdout.readline()  # it has begun
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        process.send_signal(signal.SIGQUIT)
        status = await process.wait()

    assert status == -signal.SIGQUIT
    assert re.findall(r"Max core file size +(\S+)", limits) == ["0"]
    assert [path for path in tmp_path.iterdir() if "core" in path.name] == []
