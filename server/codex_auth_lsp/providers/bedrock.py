"""Amazon Bedrock as the Codex CLI 0.169.0 authenticates to it, as far as a bearer key goes.

A command of the table comes first, then `aws.profile`, then what the login cache holds, with the
region that is stored beside it, then the variable. Signing needs the whole request, which only its
sender has: what would be signed is told of and never replaced by another credential.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_auth_lsp.config.model_providers import ProviderSettings
from codex_auth_lsp.domain.credential import BedrockKeyCredential
from codex_auth_lsp.providers.definition import Definition
from codex_auth_lsp.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.providers.surroundings import Surroundings

KEY_VARIABLE = "AWS_BEARER_TOKEN_BEDROCK"

ENDPOINTS: Mapping[str, tuple[str, str]] = {
    "amazon-bedrock": ("Amazon Bedrock", "https://bedrock-mantle.{region}.api.aws/openai/v1"),
    "amazon-bedrock-runtime": (
        "Amazon Bedrock Runtime",
        "https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
    ),
}
"""The name and the address of each id."""

_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_INSTRUCTIONS = (
    "It takes an Amazon Bedrock API key; requests that are signed with AWS access keys are not "
    "produced here."
)
_PROFILE = (
    "`aws.profile` chooses AWS credentials that sign requests, and signed requests are not "
    "produced here; without it a Bedrock API key is used."
)
_ACCESS_KEYS = (
    "The login cache holds AWS access keys for Amazon Bedrock, and requests that are signed with "
    "them are not produced here; sign out, or store a Bedrock API key in their place."
)


def define(
    provider_id: str, own: ProviderSettings | None, surroundings: Surroundings
) -> Definition:
    """Return the provider with what it authenticates with, given its table and what is beside."""
    name, url = ENDPOINTS[provider_id]
    changed = own or ProviderSettings(name=name)
    base = ProviderSettings(name=name, command=changed.command, headers=changed.headers)
    login = surroundings.login
    region = _region(changed, surroundings)
    if base.command is not None:
        found = Definition(provider_id, base)
    elif changed.aws_profile is not None:
        found = Definition(provider_id, base, obstacles=(_PROFILE,))
    elif isinstance(login, BedrockKeyCredential):
        found = Definition(provider_id, base, stored_key=login.api_key)
        region = login.region
    elif login is not None and login.method == "bedrockAccessKeys":
        found = Definition(provider_id, base, obstacles=(_ACCESS_KEYS,))
    else:
        by_variable = replace(base, env_key=KEY_VARIABLE, env_key_instructions=_INSTRUCTIONS)
        found = Definition(provider_id, by_variable)
    base_url, obstacle = _address(provider_id, changed, region, url)
    return replace(
        found,
        settings=replace(found.settings, base_url=base_url),
        obstacles=(*found.obstacles, *([obstacle] if obstacle else ())),
    )


def _region(changed: ProviderSettings, surroundings: Surroundings) -> str | None:
    named = (surroundings.environment.get(key) for key in _REGIONS)
    return changed.aws_region or next((region for region in named if region), None)


def _address(
    provider_id: str, changed: ProviderSettings, region: str | None, url: str
) -> tuple[str | None, str | None]:
    """Return where requests go, and what is in the way of that; a key needs a region always."""
    if region is None and changed.command is None:
        return changed.base_url, (
            f"Amazon Bedrock needs a region: set `model_providers.{provider_id}.aws.region`, "
            "AWS_REGION or AWS_DEFAULT_REGION."
        )
    if region is not None and not _HOST_LABEL.fullmatch(region):
        return changed.base_url, "The AWS region is not the name of one."
    if changed.base_url is None and region is None:
        return None, f"Neither `model_providers.{provider_id}.base_url` nor a region is set."
    return changed.base_url or url.format(region=region), None
