"""The language server as a process: pipes, signals, the conversation, and an orderly end.

Ends with status 0 after `shutdown` and `exit`, at the end of its input or of the process that the
client names as its own, and on a signal; 1 after `exit` alone and where the stream cannot be
trusted. Before it goes, listeners close at once and the answer to a refresh under way is stored.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from codex_auth_lsp.process import ProcessFailed
from codex_auth_lsp.service.auth_service import AuthService
from codex_auth_lsp.transport.conversation import Conversation
from codex_auth_lsp.transport.framing import FrameDecoder, FramingError
from codex_auth_lsp.transport.parent import on_end_of_process
from codex_auth_lsp.transport.stdio import Stdio

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.service.auth_service import ServiceOptions

FLUSH_SECONDS = 2.0
"""How long the last answers may take to be read."""

_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")


async def serve(options: ServiceOptions) -> int:
    """Serve the client on stdin and stdout; return the exit status.

    Raises:
        ProcessFailed: What came on stdin cannot be trusted.
    """
    return await _Process(options).run()


class _Process:
    def __init__(self, options: ServiceOptions) -> None:
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._distrust: FramingError | None = None
        self._decoder = FrameDecoder()
        self._stdio = Stdio(self._on_data, lambda _reason: self._end(0))
        self._service = AuthService(options)
        self._conversation = Conversation(
            self._service,
            options.environment,
            self._stdio.write,
            on_exit=self._end,
            on_parent=lambda process_id: on_end_of_process(process_id, lambda: self._end(0)),
        )

    async def run(self) -> int:
        _on_signals(lambda: self._end(0))
        await self._stdio.open()
        status = await self._ended
        self._stdio.stop_reading()
        await self._service.close(hurried=True)
        await self._conversation.close()
        await self._stdio.flush(FLUSH_SECONDS)
        if self._distrust is not None:
            raise ProcessFailed(f"not a language client's stream: {self._distrust}")
        return status

    def _on_data(self, data: bytes) -> None:
        try:
            for content in self._decoder.feed(data):
                if self._ended.done():
                    return
                self._conversation.receive(content)
                if self._stdio.is_full:
                    return  # the decoder keeps the rest
        except FramingError as exc:
            if not self._ended.done():
                self._distrust = exc
            self._end(1)

    def _end(self, status: int) -> None:
        if not self._ended.done():
            self._ended.set_result(status)


def _on_signals(end: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, end)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(end))
