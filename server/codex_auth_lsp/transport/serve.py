"""The language server as a process: pipes, signals, the conversation, and an orderly end.

Ends with status 0 after `shutdown` and `exit`, at the end of its input or of the process that the
client names as its own, and on a signal; 1 after `exit` alone and where the stream cannot be
trusted. Before it goes, listeners close at once and the answer to a refresh under way is stored.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from itertools import chain
from typing import TYPE_CHECKING, NoReturn

from codex_auth_lsp.process import (
    ProcessFailed,
    call_on_signals,
    collect_garbage,
    leave,
    others_wait,
    run_to_end,
)
from codex_auth_lsp.service.auth_service import AuthService
from codex_auth_lsp.transport.conversation import Conversation
from codex_auth_lsp.transport.framing import FrameDecoder, FramingError
from codex_auth_lsp.transport.parent import find_client
from codex_auth_lsp.transport.stdio import Stdio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codex_auth_lsp.service.auth_service import ServiceOptions
    from codex_auth_lsp.transport.parent import Watch

FLUSH_SECONDS = 2.0
"""How long the last answers may take to be read."""

QUIET_SECONDS = 0.05
"""How long the first status is waited for before the event loop, which takes its time to load."""

EARLY_SECONDS = 1.0
"""How long it waits at the most, whoever else wants the processor and whatever comes."""

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


def serve(options: ServiceOptions) -> int:
    """Serve the client on stdin and stdout; return the exit status.

    Raises:
        ProcessFailed: What came on stdin cannot be trusted.
    """
    process = _Process(options)
    process.open()
    try:
        return run_to_end(process.run(), stopped_by=())
    finally:
        process.give_back()


class _Process:
    def __init__(self, options: ServiceOptions) -> None:
        self._status: int | None = None
        self._ended: asyncio.Future[int] | None = None
        self._distrust: FramingError | None = None
        self._bad_frame: FramingError | None = None
        self._decoder = FrameDecoder()
        self._held: list[bytes] = []
        self._is_early = True
        self._early_client: Watch | None = None
        self._stdio = Stdio(self._on_data, lambda _reason: self._end(0))
        self._service = AuthService(options)
        self._conversation = Conversation(
            self._service,
            options.environment,
            self._stdio.write,
            on_exit=self._end,
            on_parent=self._on_parent,
        )

    def open(self) -> None:
        """Answer `initialize` and the status, for which no event loop is needed.

        With the first message of another kind, or when the client is quiet, it is over; what came
        and was not answered is held for the event loop, as is the end that a bad frame brings. On a
        busy machine that waits for others: of many windows that start together, all tell their
        status before any loads more, and what changes meanwhile.
        """
        self._on_early_signals()
        ends = time.monotonic() + EARLY_SECONDS
        while not (self._status is not None or self._held or self._bad_frame):
            if time.monotonic() > ends:
                return
            is_busy = others_wait()
            if self._conversation.has_told_status and not is_busy:
                return
            if self._stdio.has_input(QUIET_SECONDS):
                if not self._stdio.take_early():
                    return
            elif not (is_busy and self._conversation.look_early()):
                return

    async def run(self) -> int:
        """Serve until the end."""
        collect_garbage()
        call_on_signals(_SIGNALS, lambda: self._end(0))
        self._ended = asyncio.get_running_loop().create_future()
        self._is_early = False
        if self._early_client is not None:
            self._early_client(lambda: self._end(0))
        await self._stdio.open()
        self._conversation.begin()
        self._on_data(b"")
        if self._status is None:
            await self._ended
        self._stdio.stop_reading()
        await self._conversation.catch_up()
        await self._service.close(hurried=True)
        await self._conversation.close()
        await self._stdio.flush(FLUSH_SECONDS)
        if self._distrust is not None:
            raise ProcessFailed(f"not a language client's stream: {self._distrust}")
        return self._status or 0

    def give_back(self) -> None:
        """Leave the pipes to others as they were; nothing may be written any more, or it waits."""
        self._stdio.give_back()

    def _on_data(self, data: bytes) -> None:
        """Take what was read together, and what was held or had no room before."""
        self._conversation.begin_chunk()
        try:
            contents = iter(()) if self._bad_frame else self._decoder.feed(data)
            if self._is_early:
                self._receive_early(contents)
            else:
                self._receive(chain(self._no_longer_held(), contents))
        except FramingError as exc:
            self._bad_frame = exc
        finally:
            self._conversation.end_chunk()
        if self._bad_frame and not self._is_early and not self._held:
            self._end(1, self._bad_frame)

    def _receive_early(self, contents: Iterable[bytes]) -> None:
        for content in contents:
            must_wait = self._held or self._stdio.is_full
            if must_wait or not self._conversation.receive_early(content):
                self._held.append(content)

    def _receive(self, contents: Iterable[bytes]) -> None:
        for content in contents:
            if self._status is not None:
                return
            self._conversation.receive(content)
            if self._stdio.is_full:
                return  # the rest is kept where it is

    def _no_longer_held(self) -> Iterator[bytes]:
        while self._held:
            yield self._held.pop(0)

    def _on_parent(self, process_id: int) -> None:
        watch = find_client(process_id)
        if self._is_early:
            self._early_client = watch
        elif watch is not None:
            watch(lambda: self._end(0))

    def _end(self, status: int, distrust: FramingError | None = None) -> None:
        if self._status is None:
            self._status, self._distrust = status, distrust
            if self._ended is not None:
                self._ended.set_result(status)

    def _on_early_signals(self) -> None:
        """End at once while there is nothing yet that would have to end in order."""

        def end(*_: object) -> NoReturn:
            self.give_back()
            leave(0)

        if os.name == "posix":
            for name in _SIGNALS:
                signal.signal(getattr(signal, name), end)
