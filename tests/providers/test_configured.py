"""Configured headers and parameters: which go along, and what a person is told of them."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from codex_auth_lsp.config.model_providers import ProviderSettings
from codex_auth_lsp.config.settings import Settings
from codex_auth_lsp.providers.active import active_provider
from codex_auth_lsp.providers.configured import configured_headers
from codex_auth_lsp.providers.surroundings import Surroundings
from codex_auth_lsp.secret import Secret

KEY = "key-of-the-test"


def lab(base_url: str = "https://lab.example/v1", **table: object) -> ProviderSettings:
    """Return a provider; plain texts are made secrets."""
    for key in ("headers", "query_params"):
        texts = table.get(key, {})
        assert isinstance(texts, dict)
        table[key] = {name: Secret(text) for name, text in texts.items()}
    return ProviderSettings("Lab", base_url=base_url, **table)


def auth(provider: ProviderSettings, environment: dict[str, str] | None = None):
    """Return what may be told of it."""
    settings = Settings(model_provider="lab", model_providers=MappingProxyType({"lab": provider}))
    return active_provider(settings, Surroundings(environment or {}))


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"headers": {"Authorization": KEY}}, "http_headers"),
        ({"headers": {"x-api-key": KEY}}, "http_headers"),
        ({"headers": {"api-key": KEY}}, "http_headers"),
        ({"headers": {"Cookie": KEY}}, "http_headers"),
        ({"query_params": {"key": KEY}}, "query_params"),
        ({"query_params": {"subscription-key": KEY}}, "query_params"),
    ],
)
def test_configured_credential_in_the_clear_is_told_and_given(table, key):
    """The person has decided so, and the Codex CLI sends it; they are told who can read it."""
    found = auth(lab("http://lab.example/v1", **table))

    assert found.usable is True
    assert found.problems == (
        f"`{key}` seems to hold a credential, and `base_url` is plain http: others on the network "
        "can read it.",
    )


@pytest.mark.parametrize("base_url", ["https://lab.example/v1", "http://127.0.0.1:1/v1"])
def test_configured_credential_that_nobody_can_read_is_no_problem(base_url):
    """Over https, and on this machine."""
    assert auth(lab(base_url, headers={"Authorization": KEY})).problems == ()


def test_other_headers_go_over_plain_http_without_a_word():
    """A model server in the same house."""
    found = auth(lab("http://lab.example/v1", headers={"x-team": "a", "x-keyboard": "b"}))

    assert (found.usable, found.problems) == (True, ())


@pytest.mark.parametrize(
    "table",
    [
        {"bearer_token": Secret(KEY)},
        {"env_key": "LAB_KEY"},
        {"environment_headers": {"Authorization": "LAB_KEY"}},
    ],
)
def test_credential_of_its_own_never_goes_in_the_clear(table):
    """Neither a token nor what the environment holds."""
    found = auth(lab("http://lab.example/v1", **table), {"LAB_KEY": KEY})

    assert found.usable is False
    assert "plain http is for loopback addresses only" in found.problems[0]


def test_header_that_is_named_twice_is_sent_once():
    """Names have no case (RFC 9110 section 5.1); two would be a matter of luck."""
    provider = lab(headers={"X-A": "1", "x-a": "2", "x-b": "3"})

    assert configured_headers(provider, {}) == {"x-a": Secret("2"), "x-b": Secret("3")}
    assert auth(provider).problems == (
        "`http_headers` names a header more than once; the last one counts.",
    )


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection", "Upgrade"])
def test_header_that_frames_the_message_is_left_out(name):
    """It would let one request end where another begins (RFC 9112 section 11.2)."""
    provider = lab(headers={name: "1", "x-b": "3"}, environment_headers={name: "A"})

    assert configured_headers(provider, {"A": "1"}) == {"x-b": Secret("3")}
    assert f"`http_headers.{name}` is for the sender to decide; it is left out." in (
        auth(provider, {"A": "1"}).problems
    )


def test_key_in_the_place_of_a_variable_is_told_without_it():
    """A name that is only not set yet is none."""
    provider = lab(environment_headers={"x-a": "Bearer sk-proj-1234", "x-b": "NOT_SET"})
    found = auth(provider)

    assert found.problems == (
        "`env_http_headers.x-a` takes the name of an environment variable, and what stands there "
        "does not look like one.",
        "`env_http_headers.x-b` is left out: the environment variable NOT_SET is not set.",
    )
    assert found.usable is True


PASTED = "sk-proj-" + "aB3" * 14


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"environment_headers": {PASTED: "X-Api-Key"}}, "env_http_headers"),
        ({"headers": {PASTED: "a\nb"}}, "http_headers"),
    ],
)
def test_key_in_the_place_of_a_header_s_name_is_not_repeated(table, key):
    """(S21) Who swaps the two sides of an entry is told where, and not what."""
    problem, *others = auth(lab(**table)).problems

    assert problem.startswith(f"An entry of `{key}` ")
    assert not [text for text in (problem, *others) if PASTED in text]


@pytest.mark.parametrize("value", [None, " "])
def test_header_whose_variable_is_not_set_is_told(value):
    """The request goes without it, and the provider can be used."""
    environment = {} if value is None else {"LAB_TEAM": value}
    found = auth(lab(environment_headers={"x-team": "LAB_TEAM"}), environment)

    assert found.usable is True
    assert found.problems == (
        "`env_http_headers.x-team` is left out: the environment variable LAB_TEAM is not set.",
    )


def test_header_whose_variable_is_set_is_no_problem():
    """Its value goes along."""
    found = auth(lab(environment_headers={"x-team": "LAB_TEAM"}), {"LAB_TEAM": "blue"})

    assert found.problems == ()


def test_headers_that_openai_s_provider_may_have_are_not_missed():
    """`OPENAI_ORGANIZATION` and `OPENAI_PROJECT` are set by few."""
    assert active_provider(Settings(), Surroundings({})).problems == ()
