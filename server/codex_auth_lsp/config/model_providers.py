"""`[model_providers.<id>]` as frozen values: the keys that concern authentication, and no others.

What can be a secret is one here already. Whether the keys fit together is judged in `providers`,
since a table that two files share is complete only when both were read.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.values import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.secret import Secret

DEFAULT_TIMEOUT_MS = 5_000
"""How long a credential command may take, as in the Codex CLI 0.169.0."""

DEFAULT_REFRESH_INTERVAL_MS = 300_000
"""How long what it printed is used."""


def _no_secrets() -> Mapping[str, Secret]:
    return MappingProxyType({})


def _no_names() -> Mapping[str, str]:
    return MappingProxyType({})


@frozen
class CommandSettings:
    """A provider's `auth` table: a program that prints a token.

    `refresh_interval_ms` 0 means that only a refusal by the provider makes it run again.
    """

    command: str
    args: tuple[str, ...] = field(default=(), repr=False)
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    refresh_interval_ms: int = DEFAULT_REFRESH_INTERVAL_MS
    cwd: str | None = None


@frozen
class ProviderSettings:
    """What a `[model_providers.<id>]` table says of authentication."""

    name: str
    base_url: str | None = None
    env_key: str | None = None
    env_key_instructions: str | None = None
    requires_openai_auth: bool = False
    bearer_token: Secret | None = None
    command: CommandSettings | None = None
    headers: Mapping[str, Secret] = field(default_factory=_no_secrets)
    environment_headers: Mapping[str, str] = field(default_factory=_no_names)
    query_params: Mapping[str, Secret] = field(default_factory=_no_secrets)
    gateway_oauth: bool = False
    aws_region: str | None = None
    aws_profile: str | None = None
    project_id: str | None = None
    location: str | None = None
