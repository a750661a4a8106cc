"""What runs: versions of this program, of Python, of the system and of the libraries."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING

from codex_auth_lsp import __version__
from codex_auth_lsp.doctor.check import Check, Health

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene

_LIBRARIES = ("pygls", "lsprotocol", "httpx", "pydantic", "truststore", "PyJWT", "keyring")


async def checks(_: Scene) -> list[Check]:
    """Return the versions; a missing library is one that a sign-in would stumble over."""
    found: dict[str, str] = {}
    missing = []
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    python = f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    detail = "\n".join(
        [
            f"{python} ({platform.machine()})",
            *(f"{name} {number}" for name, number in found.items()),
        ]
    )
    summary = f"codex-auth-lsp {__version__} is installed with all that it needs."
    if missing:
        lacking = f"codex-auth-lsp {__version__} lacks {', '.join(missing)}; install it again."
        return [Check("versions", Health.ERROR, lacking, detail)]
    return [Check("versions", Health.OK, summary, detail)]
