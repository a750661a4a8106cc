"""A program that asks a service, in a limited time, with its answer as JSON."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class NoAnswer(Exception):
    """The service has not answered, or not with what can be understood; the text says which."""


def ask(
    words: list[str], seconds: float, *, folder: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Run a program and return the JSON object that it writes, whatever its exit status.

    Raises:
        NoAnswer: It took too long or wrote something else.
    """
    try:
        ran = subprocess.run(
            words,
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"no answer within {seconds:g} seconds") from None
    except OSError as exc:
        raise NoAnswer(f"{words[0]} cannot be started: {exc.strerror}") from exc
    try:
        answer = json.loads(ran.stdout)
    except ValueError:
        raise NoAnswer(_last_line(ran.stderr) or "no answer") from None
    if not isinstance(answer, dict):
        raise NoAnswer("an answer that nobody understands")
    return answer


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
