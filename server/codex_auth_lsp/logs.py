"""The log: to stderr or a file, never to stdout, and never with what a message carried.

pygls writes whole bodies at INFO and params beside errors, httpx URLs and httpcore headers: the
loggers of other people's libraries stay at WARNING, whatever level is asked for. A thread writes,
so that whoever reads the log, or does not, never holds the conversation up.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from contextlib import suppress
from typing import TextIO

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_FILE_MODE = 0o600
_HELD_LINES = 1000


def configure_logging(level: str, path: str | None) -> None:
    """Send the log to `path`, else to stderr.

    Raises:
        OSError: The file cannot be opened.
    """
    handler = _ThreadedHandler(sys.stderr if path is None else _open(path))
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("codex_auth_lsp").setLevel(level)


class _ThreadedHandler(logging.Handler):
    """Writes in a thread of its own; what it cannot hold until then is counted and dropped."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str] = queue.Queue(_HELD_LINES)
        self._dropped = 0
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, daemon=True)
            self._thread.start()
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        self._lines.join()

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            dropped, self._dropped = self._dropped, 0
            more = f"({dropped} lines were dropped: nobody read the log)\n" if dropped else ""
            with suppress(OSError, ValueError):  # whoever read it has gone
                self._stream.write(f"{more}{line}\n")
                self._stream.flush()
            self._lines.task_done()


def _open(path: str) -> TextIO:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _FILE_MODE)
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
