"""npm audit over a `package-lock.json`, as npm does it without installing anything."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from audit.asking import NoAnswer, ask
from audit.verdict import Verdict

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 300.0
"""How long all questions about one lock file may take."""


def audit(lock: Path, name: str, registry: str | None = None, seconds: float = SECONDS) -> Verdict:
    """Ask about all packages of a lock file at once.

    Args:
        lock: The lock file.
        name: What it is called in the verdict.
        registry: The address of the registry to ask; without it the one that npm is set up with.
        seconds: How long that may take.
    """
    packages = len([path for path in json.loads(lock.read_bytes())["packages"] if path])
    words = ["npm", "audit", "--package-lock-only", "--json", "--fetch-retries=0"]
    words += [f"--fetch-timeout={seconds * 1000:.0f}"]
    environment = dict(os.environ)
    if registry is not None:
        environment["npm_config_registry"] = registry
    try:
        answer = ask(words, seconds, folder=lock.parent, environment=environment)
        return _judge(name, packages, answer)
    except NoAnswer as exc:
        return Verdict(name, unchecked=str(exc))


def _judge(name: str, packages: int, answer: dict[str, Any]) -> Verdict:
    found = answer.get("vulnerabilities")
    if not isinstance(found, dict) or "metadata" not in answer:
        raise NoAnswer(str(answer.get("message") or "an answer that nobody understands"))
    vulnerable = tuple(
        f"{package}: {advisory.get('title', 'no title')}, {advisory.get('url', 'no address')}"
        for package, one in sorted(found.items())
        for advisory in one["via"]
        if isinstance(advisory, dict)  # a text names the package through which it is vulnerable
    )
    if found and not vulnerable:
        raise NoAnswer("it names vulnerable packages and no advisory")
    return Verdict(name, packages, vulnerable)
