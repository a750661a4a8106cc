"""Amazon Bedrock: which of several credentials it uses, and where requests go."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from codex_auth_lsp.config.model_providers import CommandSettings, ProviderSettings
from codex_auth_lsp.config.settings import Settings
from codex_auth_lsp.domain.credential import (
    ApiKeyCredential,
    BedrockKeyCredential,
    ForeignCredential,
)
from codex_auth_lsp.providers.catalogue import all_providers, find_provider
from codex_auth_lsp.providers.surroundings import Surroundings
from codex_auth_lsp.secret import Secret

STORED = BedrockKeyCredential(Secret("stored-key"), "eu-central-1")
VARIABLE = {"AWS_BEARER_TOKEN_BEDROCK": "key-of-the-environment", "AWS_REGION": "us-east-1"}
ADDRESS = "https://bedrock-mantle.{}.api.aws/openai/v1"


def found(login=None, environment=None, provider_id="amazon-bedrock", **table):
    """Return what may be told of the provider."""
    own = {provider_id: ProviderSettings("x", **table)} if table else {}
    settings = Settings(model_providers=MappingProxyType(own))
    surroundings = Surroundings(environment or {}, login)
    provider = find_provider(settings, surroundings, provider_id)
    assert provider is not None
    return provider.to_auth(surroundings.environment)


def test_stored_key_goes_over_the_variable_and_with_its_own_region():
    """As in the Codex CLI 0.169.0, whatever regions the environment and the table name."""
    auth = found(STORED, VARIABLE, aws_region="us-west-2")

    assert (auth.auth_kind, auth.usable, auth.uses_stored_key) == ("bearerToken", True, True)
    assert auth.base_url == ADDRESS.format("eu-central-1")
    assert auth.problems == (
        "AWS_BEARER_TOKEN_BEDROCK is ignored because the login cache holds a key for Bedrock.",
    )
    assert auth.ignored_environment_key == "AWS_BEARER_TOKEN_BEDROCK"


def test_stored_key_needs_no_region_beside_its_own():
    """Both ids use it."""
    for provider_id in ("amazon-bedrock", "amazon-bedrock-runtime"):
        auth = found(STORED, provider_id=provider_id)
        assert (auth.usable, "eu-central-1" in (auth.base_url or "")) == (True, True)


def test_command_of_the_table_goes_over_the_stored_key():
    """Its region is then none that counts."""
    auth = found(STORED, {"AWS_REGION": "us-east-1"}, command=CommandSettings("printkey"))

    assert (auth.auth_kind, auth.uses_stored_key) == ("command", False)
    assert auth.base_url == ADDRESS.format("us-east-1")


@pytest.mark.parametrize("login", [STORED, None], ids=["stored", "variable"])
def test_profile_is_never_replaced_by_a_bearer_key(login):
    """The Codex CLI signs with that profile's keys: another account may pay for a bearer key."""
    auth = found(login, VARIABLE, aws_profile="team")

    assert auth.usable is False
    assert auth.problems[0].startswith("`aws.profile` chooses AWS credentials that sign requests")
    assert "team" not in auth.problems[0]


def test_stored_access_keys_are_never_replaced_by_the_variable():
    """The Codex CLI signs with them."""
    auth = found(ForeignCredential("bedrockAccessKeys"), VARIABLE)

    assert (auth.usable, auth.ignored_environment_key) == (False, None)
    assert "AWS access keys" in auth.problems[0]


@pytest.mark.parametrize("login", [None, ApiKeyCredential(Secret("sk-1"))], ids=["none", "OpenAI"])
def test_variable_is_used_without_a_key_for_bedrock(login):
    """A login for OpenAI is none."""
    auth = found(login, VARIABLE)

    assert (auth.auth_kind, auth.usable) == ("environmentKey", True)
    assert auth.base_url == ADDRESS.format("us-east-1")


@pytest.mark.parametrize(
    "stored",
    [
        BedrockKeyCredential(Secret(""), "eu-central-1"),
        BedrockKeyCredential(Secret("a\nb"), "eu-central-1"),
        BedrockKeyCredential(Secret("k"), ""),
        BedrockKeyCredential(Secret("k"), "evil.example/"),
    ],
    ids=["empty", "two lines", "no region", "a region that is an address"],
)
def test_stored_key_that_cannot_be_used_is_told_of(stored):
    """And the variable does not take its place unnoticed."""
    auth = found(stored, VARIABLE)

    assert (auth.usable, auth.auth_kind) == (False, "bearerToken")
    assert "evil" not in repr(auth)


def test_no_other_provider_has_the_stored_key():
    """(P18) Neither a built-in one nor one that looks like Bedrock."""
    own = {
        "lab": ProviderSettings("Lab", base_url="https://lab.example", requires_openai_auth=True),
        "Amazon-Bedrock": ProviderSettings("Lab", base_url="https://lab.example"),
    }
    settings = Settings(model_providers=MappingProxyType(own))

    users = [
        provider.definition.id
        for provider in all_providers(settings, Surroundings({}, STORED))
        if provider.definition.stored_key is not None
    ]

    assert users == ["amazon-bedrock", "amazon-bedrock-runtime"]
