"""What was proved with what: the commit, and the versions of everything that took part."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from support import parts

ROOT = Path(__file__).resolve().parents[2]

_SECONDS = 20.0


def commit() -> str:
    """Return the commit of the checkout, and whether the server in it was changed since."""
    number = _said("git", "-C", str(ROOT), "rev-parse", "--short=12", "HEAD")
    if not number:
        return "unknown"
    changed = _said("git", "-C", str(ROOT), "status", "--porcelain", "--", "server")
    return f"{number} with uncommitted changes" if changed else number


def changed_since(number: str) -> int | None:
    """Return how many files of the server changed since a commit; None where nobody knows."""
    words = ("git", "-C", str(ROOT), "diff", "--name-only", number, "--", "server")
    try:
        ran = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return len(ran.stdout.splitlines()) if ran.returncode == 0 else None


def digest_of(*folders: Path) -> str:
    """Return what tells one code in these folders from another."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def today() -> str:
    """Return the date in UTC."""
    return datetime.now(UTC).date().isoformat()


def versions() -> dict[str, str]:
    """Return the name and version of everything that took part."""
    found = {
        "codex-auth-lsp": importlib.metadata.version("codex-auth-lsp"),
        "Python": platform.python_version(),
        "pygls": importlib.metadata.version("pygls"),
        "httpx": importlib.metadata.version("httpx"),
        "Codex CLI": _npm("@openai/codex"),
        "oidc-provider": _npm("oidc-provider"),
        "Node": _version(_said("node", "--version")),
        "gnome-keyring": _version(_said("gnome-keyring-daemon", "--version")),
        "strace": _version(_said("strace", "--version")),
        "kernel": f"{platform.system()} {_version(platform.release())}",
        "file system of the tests": _file_system(),
        "processors": str(os.cpu_count()),
    }
    return {name: version or "missing" for name, version in found.items()}


def _npm(name: str) -> str:
    package = parts.npm_package(name)
    return json.loads((package / "package.json").read_text())["version"] if package else ""


def _file_system() -> str:
    import tempfile

    return _said("stat", "--file-system", "--format=%T", tempfile.gettempdir())


def _said(*words: str) -> str:
    try:
        ran = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def _version(text: str) -> str:
    match = re.search(r"\d+(?:\.\d+)+", text)
    return match[0] if match else ""
