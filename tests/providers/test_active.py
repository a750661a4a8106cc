"""The provider in use and how it authenticates, from `config.toml` and the environment."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from codex_auth_lsp.config.model_providers import ProviderSettings
from codex_auth_lsp.config.settings import Settings
from codex_auth_lsp.domain.provider import ProviderAuth
from codex_auth_lsp.providers.active import active_provider
from codex_auth_lsp.providers.surroundings import Surroundings

BASE_URL = "https://lab.example/v1"
NO_NAME = (
    "`env_key` must be the name of an environment variable, and what stands there does not look "
    "like one."
)


def settings(provider_id: str = "lab", **provider: object) -> Settings:
    defined = {"lab": ProviderSettings("The Lab", base_url=BASE_URL, **provider)}
    return Settings(model_provider=provider_id, model_providers=MappingProxyType(defined))


@pytest.mark.parametrize(
    ("provider", "environment", "kind", "present", "problems"),
    [
        ({}, {}, "none", False, ()),
        ({"env_key": "LAB_KEY"}, {"LAB_KEY": "secret"}, "environmentKey", True, ()),
        (
            {"env_key": "LAB_KEY"},
            {},
            "environmentKey",
            False,
            ("The environment variable LAB_KEY is not set.",),
        ),
        (
            {"env_key": "LAB_KEY", "env_key_instructions": "Ask at the desk."},
            {"LAB_KEY": "  "},
            "environmentKey",
            False,
            ("The environment variable LAB_KEY is not set. Ask at the desk.",),
        ),
        (
            {"env_key": ""},
            {"": "x"},
            "environmentKey",
            False,
            (NO_NAME,),
        ),
        (
            {"env_key": "secret-key"},
            {"secret-key": "x"},
            "environmentKey",
            False,
            (NO_NAME,),
        ),
        ({"requires_openai_auth": True}, {}, "openai", False, ()),
        (
            {"requires_openai_auth": True, "env_key": "LAB_KEY"},
            {"LAB_KEY": "secret"},
            "openai",
            False,
            ("`env_key` is ignored because `requires_openai_auth` is true.",),
        ),
    ],
)
def test_provider_of_the_configuration(provider, environment, kind, present, problems):
    """OpenAI sign-in goes before a variable, a variable before nothing; no value is told."""
    found = active_provider(settings(**provider), Surroundings(environment))
    required = kind == "openai"
    named = provider.get("env_key") if provider.get("env_key") == "LAB_KEY" else None
    variable = None if required else named

    assert found == ProviderAuth(
        id="lab",
        name="The Lab",
        auth_kind=kind,
        requires_openai_auth=required,
        base_url=BASE_URL,
        environment_key=variable,
        environment_key_present=present,
        environment_key_instructions=provider.get("env_key_instructions"),
        problems=problems,
        usable=required or not problems,
        ignored_environment_key=named if required else None,
    )
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("provider_id", "name", "kind"),
    [
        ("openai", "OpenAI", "openai"),
        ("ollama", "Ollama", "none"),
        ("lmstudio", "LM Studio", "none"),
    ],
)
def test_built_in_provider_needs_no_table(provider_id, name, kind):
    """OpenAI asks for its sign-in, the local ones for nothing."""
    found = active_provider(settings(provider_id), Surroundings({}))

    assert (found.id, found.name, found.auth_kind, found.problems) == (provider_id, name, kind, ())


def test_default_is_openai():
    """A person without a `config.toml` uses it."""
    assert active_provider(Settings(), Surroundings({})).id == "openai"


def test_undefined_provider_is_told_as_a_problem_of_itself():
    """A typo in `model_provider` does not look as if nothing were needed, nor ready."""
    found = active_provider(settings("lap"), Surroundings({}))

    assert (found.id, found.auth_kind, found.requires_openai_auth) == ("lap", "openai", True)
    assert (found.usable, found.defined) == (False, False)
    assert found.problems == ("`model_provider` in config.toml names `lap`, which is not defined.",)


def test_provider_in_a_status_has_no_value_of_a_variable():
    """Whether it is ready is decided with the whole status."""
    provider = active_provider(settings(env_key="LAB_KEY"), Surroundings({"LAB_KEY": "secret"}))

    assert provider.to_status_wire(ready=True) == {
        "id": "lab",
        "authKind": "environmentKey",
        "requiresOpenaiAuth": False,
        "ready": True,
        "problems": [],
    }
