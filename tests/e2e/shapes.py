"""Contents of `auth.json` in every shape that a Codex CLI version has written, made up on the spot.

Nothing here is signed or was ever valid anywhere: each token says in its own text what it is.
"""

from __future__ import annotations

import base64
import json
import stat
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from support.secrets_guard import SecretsGuard

OPENAI_ISSUER = "https://auth.openai.com"
CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
"""The public client id of the Codex CLI."""

AUTH_CLAIM = "https://api.openai.com/auth"
PROFILE_CLAIM = "https://api.openai.com/profile"

EXAMPLE_KEY = "sk-test"
"""The key of the 58-byte file that the Codex CLI writes."""

EXAMPLE_KEY_FILE = b'{\n  "auth_mode": "apikey",\n  "OPENAI_API_KEY": "sk-test"\n}'


def example_key(name: str) -> str:
    """Return an API key that is new to the test and tells what it is for."""
    return f"sk-example-{name}"


def jwt(claims: dict[str, Any], *, signature: str = "c2lnbmF0dXJl") -> str:
    """Return an unsigned token with these claims."""
    return ".".join((_part({"alg": "none", "typ": "JWT"}), _part(claims), signature))


def id_token(
    *,
    email: str | None = "ada@example.com",
    account_id: str | None = "account-ada",
    plan_type: str | None = "plus",
    **claims: Any,
) -> str:
    """Return an id token for this account, with more top-level claims where given."""
    account = {
        "chatgpt_account_id": account_id,
        "chatgpt_plan_type": plan_type,
        "chatgpt_user_id": "user-of-the-test",
    }
    body = {
        "iss": OPENAI_ISSUER,
        "aud": [CLIENT_ID],
        "sub": "user-of-the-test",
        "email": email,
        AUTH_CLAIM: {key: value for key, value in account.items() if value is not None},
        **claims,
    }
    return jwt({key: value for key, value in body.items() if value is not None})


def access_token(*, valid_for: float = 86_400, name: str = "first") -> str:
    """Return an access token that ends in this many seconds."""
    return jwt({"sub": "user-of-the-test", "name": name, "exp": int(time.time() + valid_for)})


def tokens(**changes: Any) -> dict[str, Any]:
    """Return the `tokens` of an older file, with fields changed, or left out where `...` is."""
    whole = {
        "id_token": id_token(),
        "access_token": access_token(),
        "refresh_token": "refresh-token-of-the-test",
        "account_id": "account-ada",
        **changes,
    }
    return {key: value for key, value in whole.items() if value is not ...}


def provenance(issuer: str, client_id: str = CLIENT_ID) -> dict[str, str]:
    """Return the record of who issued the tokens."""
    return {"issuer": issuer, "client_id": client_id}


def chatgpt_login(
    *, issuer: str = OPENAI_ISSUER, key: str | None = None, **changes: Any
) -> dict[str, Any]:
    """Return what the newest Codex CLI stores after a browser login."""
    parts = tokens(**changes)
    account_id = parts.pop("account_id", None)
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": key,
        "tokens": {
            **parts,
            "oauth_provenance": provenance(issuer),
            "login_owner_id": "login-owner-id-of-the-test-with-43-characters",
            "account_id": account_id,
        },
        "last_refresh": now(),
    }


def api_key_login(key: str) -> dict[str, Any]:
    """Return what the newest Codex CLI stores for an API key."""
    return {"auth_mode": "apikey", "OPENAI_API_KEY": key}


def changed(login: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a login with some of its tokens changed."""
    return login | {"tokens": login["tokens"] | changes}


def aged(login: dict[str, Any], *, left: float) -> dict[str, Any]:
    """Return a login that is an hour old and has `left` seconds to live."""
    token = access_token(valid_for=left)
    return changed(login, access_token=token) | {"last_refresh": ago(timedelta(hours=1))}


def ago(age: timedelta) -> str:
    """Return a moment of the past as it stands in a file."""
    return (datetime.now(UTC) - age).strftime("%Y-%m-%dT%H:%M:%SZ")


def now() -> str:
    """Return the time as the Codex CLI writes it, with nine digits."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def codex_bytes(login: Any) -> bytes:
    """Return the bytes that the Codex CLI writes: two spaces, no newline at the end."""
    return json.dumps(login, indent=2, ensure_ascii=False).encode()


@dataclass(frozen=True)
class CodexHome:
    """A folder with a login cache, as a Codex CLI and other editors see it."""

    path: Path
    guard: SecretsGuard

    @property
    def auth_file(self) -> Path:
        return self.path / "auth.json"

    def write(self, content: Any, *, mode: int = 0o600) -> bytes:
        """Replace `auth.json` in one step, as the Codex CLI does; return its bytes."""
        data = content if isinstance(content, bytes) else codex_bytes(content)
        temporary = self.path / ".auth-other"
        temporary.write_bytes(data)
        temporary.chmod(mode)
        temporary.replace(self.auth_file)
        self.guard.add_login_file(self.auth_file)
        return data

    def bytes(self) -> bytes | None:
        """Return the content of `auth.json`, or nothing where there is none."""
        try:
            return self.auth_file.read_bytes()
        except FileNotFoundError:
            return None

    def read(self) -> Any:
        """Return `auth.json`, parsed; its secrets are watched for from now on."""
        self.guard.add_login_file(self.auth_file)
        return json.loads(self.auth_file.read_bytes())

    def mode(self) -> int:
        """Return the permission bits of `auth.json`."""
        return stat.S_IMODE(self.auth_file.stat().st_mode)

    def configure(self, text: str) -> None:
        """Write the user's `config.toml`."""
        (self.path / "config.toml").write_text(text)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
