"""Odd content for the three things that a login is read from: `auth.json`, `config.toml`, a JWT."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from fuzz.values import MARKER, altered, json_bytes, json_value, nested, pumped, spoiled, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_PUMPED_SHARE = 0.002
"""Of the cases: each of them costs as much as a thousand others."""

_MOST_BYTES = 1_000_000
"""Somewhat below what is read of a file."""

CLAIMS: dict[str, Any] = {
    "iss": "https://auth.openai.com",
    "aud": ["client"],
    "sub": "auth0|someone",
    "exp": 4102444800,
    "iat": 1700000000,
    "email": "someone@example.com",
    "amr": ["pwd", "mfa"],
    "https://api.openai.com/auth": {
        "chatgpt_account_id": "account",
        "chatgpt_plan_type": "pro",
        "organizations": [{"id": "org", "is_default": True}],
    },
    "https://api.openai.com/profile": {"email": "someone@example.com"},
}


def jwt(rng: Random) -> bytes:
    """Return an id token or access token, mostly one with something wrong in it."""
    header: Any = {"alg": "RS256", "kid": "1", "typ": "JWT"}
    claims: Any = CLAIMS
    for _ in range(rng.randrange(3)):
        header, claims = (altered(rng, header), claims) if rng.random() < 0.3 else (
            header, altered(rng, claims)
        )  # fmt: skip
    if rng.random() < 0.02:
        parts = [_base64url(nested(rng)) for _ in range(2)]
    else:
        parts = [_base64url(json_bytes(rng, part)) for part in (header, claims)]
    if rng.random() < _PUMPED_SHARE:
        parts[1] = _base64url(pumped(rng, json_bytes(rng, claims), 20_000))
    token = b".".join([*parts, _base64url(MARKER.encode())])
    return spoiled(rng, token) if rng.random() < 0.25 else token


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def auth_json(rng: Random, corpus: Sequence[bytes]) -> bytes:
    """Return what may stand in `auth.json`: logins of every kind, changed and spoiled."""
    if rng.random() < 0.02:
        return nested(rng)
    raw = rng.choice(corpus)
    if rng.random() < _PUMPED_SHARE:
        return pumped(rng, raw, _MOST_BYTES)
    if rng.random() < 0.1:
        return spoiled(rng, raw)
    members: Any = json.loads(raw)
    if rng.random() < 0.5 and isinstance(members.get("tokens"), dict):
        tokens = dict(members["tokens"])
        tokens[rng.choice(("id_token", "access_token"))] = jwt(rng).decode("utf-8", "replace")
        members = {**members, "tokens": tokens}
    for _ in range(rng.randrange(4)):
        members = altered(rng, members)
    return json_bytes(rng, members)


_TOML_KEYS = (
    "cli_auth_credentials_store", "forced_login_method", "forced_chatgpt_workspace_id",
    "chatgpt_base_url", "openai_base_url", "model_provider", "model_providers", "profile",
    "profiles", "features", "secret_auth_storage", "name", "base_url", "env_key",
    "env_key_instructions", "requires_openai_auth", "experimental_bearer_token", "http_headers",
    "env_http_headers", "query_params", "auth", "command", "args", "timeout_ms",
    "refresh_interval_ms", "cwd", "aws", "a", "openai",
)  # fmt: skip
_TOML_VALUES = (
    '"file"', '"keyring"', '"auto"', '"ephemeral"', '"chatgpt"', '"api"', '"https://x.example/v1"',
    '"http://x.example"', '"PATH"', f'"{MARKER}"', "true", "false", "5000", "0", "-1", "1e9",
    "inf", "nan", "1979-05-27", "07:32:00", "0x7fffffffffffffff", "[]", '["a", "b"]', "{}",
    '""', "'''x'''", f'["{MARKER}"]', f'{{ x = "{MARKER}" }}', "{ command = 'x' }", "9" * 5000,
)  # fmt: skip


def config_toml(rng: Random, corpus: Sequence[bytes]) -> bytes:
    """Return what may stand in `config.toml`: known keys with any value, in any table, spoiled."""
    if rng.random() < 0.3:
        return spoiled(rng, rng.choice(corpus))
    if rng.random() < _PUMPED_SHARE:
        return pumped(rng, rng.choice(corpus), _MOST_BYTES)
    if rng.random() < 0.01:
        return b"a." * rng.choice((5, 120, 5_000)) + b"b = 1"
    lines = []
    for _ in range(rng.randrange(1, 12)):
        if rng.random() < 0.3:
            path = ".".join(_toml_key(rng) for _ in range(rng.randrange(1, 4)))
            lines.append(f"[{path}]" if rng.random() < 0.9 else f"[[{path}]]")
        else:
            lines.append(f"{_toml_key(rng)} = {_toml_value(rng)}")
    data = rng.choice(("\n", "\r\n", "\n\n")).join(lines).encode("utf-8", "surrogatepass")
    return spoiled(rng, data) if rng.random() < 0.2 else data


def _toml_key(rng: Random) -> str:
    if rng.random() < 0.9:
        return rng.choice(_TOML_KEYS)
    return json.dumps(text(rng))


def _toml_value(rng: Random) -> str:
    if rng.random() < 0.85:
        return rng.choice(_TOML_VALUES)
    return json.dumps(json_value(rng, 2))
