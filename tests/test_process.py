"""How the process ends: nothing that hangs holds it up, and nothing that was said is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from codex_auth_lsp.process import others_wait
from support.busy_machine import busy_machine

ENDS_WITH_A_THREAD_THAT_HANGS = """
import asyncio, threading
from codex_auth_lsp.process import leave, run_to_end

async def main():
    never = threading.Event()
    asyncio.get_running_loop().run_in_executor(None, never.wait)
    return 3

leave(run_to_end(main()))
"""

ENDS_WHILE_NOBODY_READS = """
import logging, os
from codex_auth_lsp.logs import configure_logging
from codex_auth_lsp.process import leave

configure_logging("DEBUG", None)
for number in range(5000):
    logging.getLogger("codex_auth_lsp").debug("%d %s", number, "x" * 100)
os.write(1, b"logged")
leave(4, "the last line")
"""

ENDS_AFTER_A_FULL_QUEUE = """
import logging
from codex_auth_lsp import logs
from codex_auth_lsp.process import leave

logs._HELD_LINES = 2
logs.configure_logging("INFO", None)
logger = logging.getLogger("codex_auth_lsp")
handler = logging.getLogger().handlers[0]
handler._thread = "not yet"
for number in range(5):
    logger.info("line %d", number)
handler._thread = None
handler._lines.get(), handler._lines.task_done()
logger.info("the last")
leave(0)
"""


def run(program: str, **options) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-I", "-c", program], timeout=20, check=False, **options)


def test_thread_that_hangs_does_not_hold_the_end_up():
    """A resolver that never answers sits in such a thread."""
    ended = run(ENDS_WITH_A_THREAD_THAT_HANGS, stderr=subprocess.PIPE)

    assert (ended.returncode, ended.stderr) == (3, b"")


def test_log_that_nobody_reads_holds_up_neither_the_work_nor_the_end():
    """An editor may leave the server's stderr unread, and its pipe is full after 64 KiB."""
    unread, stderr = os.pipe()
    try:
        ended = run(ENDS_WHILE_NOBODY_READS, stdout=subprocess.PIPE, stderr=stderr)
    finally:
        os.close(stderr)
        os.close(unread)

    assert (ended.returncode, ended.stdout) == (4, b"logged")


def test_lines_that_had_to_be_dropped_are_counted_in_the_log():
    """A log with a gap says so."""
    ended = run(ENDS_AFTER_A_FULL_QUEUE, stderr=subprocess.PIPE)

    texts = [line.rpartition("codex_auth_lsp: ")[2] for line in ended.stderr.decode().splitlines()]
    assert texts == ["(3 lines were dropped: nobody read the log)", "line 1", "the last"]


ENDED_BY_A_SIGNAL = """
import asyncio, os, signal
from codex_auth_lsp.process import leave, run_to_end

async def main():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(20)
    finally:
        print("tidied", flush=True)

try:
    run_to_end(main())
except KeyboardInterrupt:
    leave(5)
"""


def test_signal_that_ends_the_process_lets_the_work_end_in_order():
    """A credential command that runs, for instance, is ended with it."""
    ended = run(ENDED_BY_A_SIGNAL, stdout=subprocess.PIPE)

    assert (ended.returncode, ended.stdout) == (5, b"tidied\n")


def test_others_wait_where_more_runs_than_there_are_processors():
    """Linux says so; what is asked of it is about the whole machine."""
    if sys.platform != "linux":
        assert not others_wait()
        return
    with busy_machine():
        deadline = time.monotonic() + 20
        while not others_wait():
            assert time.monotonic() < deadline
