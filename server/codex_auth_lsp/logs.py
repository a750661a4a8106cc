"""The log: to stderr or a file, never to stdout, and never with what a message carried.

pygls writes whole bodies at INFO and params beside errors, httpx URLs and httpcore headers: the
loggers of other people's libraries stay at WARNING, whatever level is asked for.
"""

from __future__ import annotations

import logging
import os
import sys

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_FILE_MODE = 0o600


def configure_logging(level: str, path: str | None) -> None:
    """Send the log to `path`, else to stderr.

    Raises:
        OSError: The file cannot be opened.
    """
    handler = logging.StreamHandler(sys.stderr) if path is None else _file_handler(path)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("codex_auth_lsp").setLevel(level)


def _file_handler(path: str) -> logging.Handler:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _FILE_MODE)
    return logging.StreamHandler(os.fdopen(descriptor, "a", encoding="utf-8"))
