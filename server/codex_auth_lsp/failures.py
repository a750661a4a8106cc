"""Defects of ours in the log: where they happened, never what an exception says.

An exception's text can hold what a request carried; file names, lines and types cannot.
"""

from __future__ import annotations

import secrets
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def log_defect(logger: logging.Logger, exc: BaseException) -> str:
    """Log where `exc` was raised; return the id that an answer can name beside it."""
    correlation_id = secrets.token_hex(6)
    frames = traceback.extract_tb(exc.__traceback__)
    where = " < ".join(f"{frame.name} line {frame.lineno}" for frame in reversed(frames))
    logger.error("Defect %s: %s in %s", correlation_id, type(exc).__name__, where)
    return correlation_id
