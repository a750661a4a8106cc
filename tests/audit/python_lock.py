"""pip-audit over a lock file of Python packages, those for other systems included."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from audit.asking import NoAnswer, ask
from audit.verdict import Verdict, some_of

_PIN = re.compile(r"^([a-z0-9-]+)==(\S+?)(?: ;.*)? \\$", re.MULTILINE)

SECONDS = 300.0
"""How long all questions about one lock file may take."""


def audit(lock: Path, osv: str | None = None, seconds: float = SECONDS) -> Verdict:
    """Ask about each package of a lock file.

    Args:
        lock: The lock file.
        osv: The address of a service that speaks OSV's protocol; without it pip-audit's own.
        seconds: How long that may take.
    """
    pins = dict(_PIN.findall(lock.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        # Without the markers, by which pip-audit would leave out what is not for this system.
        pinned = Path(folder, "pinned.txt")
        pinned.write_text("".join(f"{name}=={version}\n" for name, version in pins.items()))
        words = [sys.executable, "-m", "pip_audit", "--requirement", str(pinned), "--no-deps"]
        words += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
        words += ["--cache-dir", str(Path(folder, "cache"))]  # what was said once may have changed
        if osv is not None:
            words += ["--vulnerability-service", "osv", "--osv-url", osv]
        try:
            answer = ask(words, seconds, folder=Path(folder), environment=os.environ)
            return _judge(lock.name, pins, answer)
        except NoAnswer as exc:
            return Verdict(lock.name, unchecked=str(exc))


def _judge(lock: str, pins: dict[str, str], answer: dict[str, Any]) -> Verdict:
    judged = [one for one in answer.get("dependencies", []) if "vulns" in one]
    checked = {one["name"] for one in judged if pins.get(one["name"]) == one["version"]}
    vulnerable = tuple(
        f"{one['name']} {one['version']}: {', '.join([found['id'], *found['aliases']])}"
        for one in judged
        for found in one["vulns"]
    )
    left = sorted(pins.keys() - checked)
    unchecked = f"the service does not know {some_of(left)}" if left or not pins else None
    return Verdict(lock, len(checked), vulnerable, unchecked)
