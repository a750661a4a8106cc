"""A login in its file, as any program beside the language server sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID

if TYPE_CHECKING:
    from pathlib import Path


def stored_login(issuer: str, tokens: dict[str, Any], account_id: str) -> dict[str, Any]:
    """Return what the newest Codex CLI stores for the tokens of a new sign-in."""
    names = ("id_token", "access_token", "refresh_token")
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": {
            **{name: tokens[name] for name in names},
            "oauth_provenance": {"issuer": issuer, "client_id": CODEX_CLIENT_ID},
            "login_owner_id": "login-owner-id-of-the-proof-with-43-letters",
            "account_id": account_id,
        },
        "last_refresh": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
    }


def key_login(key: str) -> dict[str, Any]:
    """Return what the newest Codex CLI stores for an API key."""
    return {"auth_mode": "apikey", "OPENAI_API_KEY": key}


@dataclass(frozen=True, slots=True)
class LoginFile:
    """The folder that every program shares."""

    folder: Path

    @classmethod
    def make(cls, parent: Path, name: str = "codex") -> LoginFile:
        """Make a new, empty one."""
        folder = parent / name
        folder.mkdir(mode=0o700)
        return cls(folder)

    @property
    def path(self) -> Path:
        """The login's file."""
        return self.folder / "auth.json"

    def write(self, login: dict[str, Any]) -> bytes:
        """Replace the login in one step, as the Codex CLI does; return its bytes."""
        content = json.dumps(login, indent=2).encode()
        temporary = self.folder / ".another-program"
        temporary.write_bytes(content)
        temporary.chmod(0o600)
        temporary.replace(self.path)
        return content

    def remove(self) -> None:
        """Take the login away."""
        self.path.unlink(missing_ok=True)

    def bytes(self) -> bytes | None:
        """Return the content, None where there is no file."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    def read(self) -> dict[str, Any]:
        """Return the login.

        Raises:
            ValueError: The file is no JSON object.
        """
        login = json.loads(self.path.read_bytes())
        if not isinstance(login, dict):
            raise ValueError("the file is no JSON object")
        return login

    def refresh_token(self) -> str:
        """Return the refresh token that is stored."""
        return str(self.read()["tokens"]["refresh_token"])

    def temporaries(self) -> list[Path]:
        """Return the temporary files that somebody left."""
        prefixes = (".auth-", ".refresh-", ".tmp")
        return sorted(path for path in self.folder.iterdir() if path.name.startswith(prefixes))
