"""What the server sends: the models take exactly that, and the domain makes exactly that."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from pydantic import ValidationError

from codex_auth_lsp import errors
from codex_auth_lsp.config.settings import STORE_MODES, Settings
from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
    ForeignCredential,
)
from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.domain.pending_login import PendingLogin
from codex_auth_lsp.domain.provider import ProviderAuth
from codex_auth_lsp.domain.status import Environment, StatusFacts, derive_status
from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.flows.base import LoginPhase
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.attempt import Ending
from codex_auth_lsp.service.methods import login_methods
from codex_auth_lsp.wire import types
from codex_auth_lsp.wire.notifications import LoginPromptParams
from codex_auth_lsp.wire.results import CredentialResult, MethodsResult, RemainingLogin
from e2e.shapes import AUTH_CLAIM, jwt
from wire.specification import error_classes

NOW = datetime(2026, 11, 23, 10, 32, 42, 873_813, tzinfo=UTC)
SECRET = "value-that-must-not-come-back"

PROMPT = {
    "attemptId": "attempt-1",
    "kind": "openUrl",
    "url": f"https://issuer.example/{SECRET}",
    "message": "Finish signing in.",
}


# What the models refuse


def test_an_unknown_field_is_refused():
    """We are the sender, so a field that is not in the specification is a defect."""
    with pytest.raises(ValidationError, match="callback_port"):
        LoginPromptParams.model_validate(PROMPT | {"callback_port": 1455})


def test_a_null_is_refused():
    """A field without a value is left out."""
    with pytest.raises(ValidationError, match="null instead of a missing field: userCode, expires"):
        LoginPromptParams.model_validate(PROMPT | {"userCode": None, "expiresAt": None})


@pytest.mark.parametrize("name", PROMPT)
def test_a_missing_field_is_refused(name):
    """What is not optional is always there."""
    with pytest.raises(ValidationError, match=f"{name}\n  Field required"):
        LoginPromptParams.model_validate({k: v for k, v in PROMPT.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attemptId", "attempt 1"),
        ("kind", "openUrl "),
        ("url", "javascript:alert()"),
        ("expiresAt", "2026-11-23T10:32:42"),
        ("expiresAt", "2026-11-23T10:32:42+00:00"),
        ("expiresAt", "2026-11-23T10:32:42Z\n"),
        ("callbackPort", 0),
        ("callbackPort", "1455"),
        ("message", ""),
    ],
)
def test_a_value_that_is_never_sent_is_refused(name, value):
    """Types, patterns and known values are exact."""
    with pytest.raises(ValidationError, match=name):
        LoginPromptParams.model_validate(PROMPT | {name: value})


def test_what_was_read_goes_out_as_it_came():
    """A model becomes the JSON that it was made of, without the fields that have no value."""
    assert LoginPromptParams.model_validate(PROMPT).to_wire() == PROMPT


def test_secrets_show_neither_in_a_model_nor_in_its_error():
    """A failed check of a message must not print what the message keeps secret."""
    credential = {
        "providerId": "openai",
        "baseUrl": "https://api.example/v1",
        "headers": {"Authorization": SECRET},
        "queryParams": {"key": SECRET},
        "revision": 1,
    }
    told = [
        repr(LoginPromptParams.model_validate(PROMPT)),
        repr(CredentialResult.model_validate(credential)),
    ]
    for model, raw in (
        (LoginPromptParams, PROMPT | {"url": SECRET}),
        (CredentialResult, credential | {"headers": {"Authorization": [SECRET]}}),
    ):
        with pytest.raises(ValidationError) as refusal:
            model.model_validate(raw)
        told.append(str(refusal.value))

    assert [text for text in told if SECRET in text] == []


# What the domain and the service send

WORKSPACE = {"chatgpt_account_id": "workspace-1", "chatgpt_plan_type": "team"}

STORED = [
    None,
    ApiKeyCredential(Secret("key")),
    AccessTokenCredential(Secret("token")),
    ChatGptCredential(Secret(jwt({})), Secret("opaque"), Secret("refresh")),
    ChatGptCredential(
        Secret(jwt({"email": "ada@example.com", AUTH_CLAIM: WORKSPACE})),
        Secret(jwt({"exp": NOW.timestamp() + 3600})),
        Secret("refresh"),
        last_refresh=NOW,
    ),
    BedrockKeyCredential(Secret("bedrock-key"), "eu-west-1"),
    *(ForeignCredential(mode) for mode in ("bedrockAccessKeys", "agentIdentity")),
]
PROVIDERS = [
    ProviderAuth("openai", "OpenAI", "openai", requires_openai_auth=True),
    ProviderAuth("local", "Local", "none", requires_openai_auth=False),
    ProviderAuth(
        "other",
        "Other",
        "environmentKey",
        requires_openai_auth=False,
        environment_key="OTHER_KEY",
        environment_key_present=True,
        problems=("A problem.",),
    ),
]
ENVIRONMENTS = [
    Environment(),
    Environment(AccessTokenCredential(Secret("t")), api_key_present=True),
]
REPORTS = [
    StoreReport(mode, backend, health, path="/home/ada/.codex/auth.json", detail="A detail.")
    for mode, backend, health in zip(
        itertools.cycle(get_args(types.StoreMode)),
        itertools.cycle(get_args(types.StoreBackend)),
        get_args(types.StoreHealth),
        strict=False,
    )
]


@pytest.mark.parametrize("stored", STORED, ids=lambda stored: getattr(stored, "method", "nothing"))
def test_every_status_of_the_domain_is_one_of_the_wire(stored):
    """The first status of a window is made without pydantic, and is exactly what the model says."""
    pending = PendingLogin("attempt-1", "browser", NOW, NOW + timedelta(seconds=600))
    facts = itertools.product(PROVIDERS, ENVIRONMENTS, REPORTS, (False, True))

    for provider, environment, report, troubled in facts:
        status = derive_status(
            StatusFacts(
                now=NOW,
                store=report,
                source=CredentialSource("file", report.path),
                stored=stored,
                provider=provider,
                environment=environment,
                refused=troubled,
                refresh_failed=troubled,
                last_error=errors.NeedsReauth() if troubled else None,
                pending_login=pending if troubled else None,
            )
        )
        wire = {"revision": 1, "serverInstanceId": "instance", **status.to_wire()}
        assert types.AuthStatus.model_validate(wire).to_wire() == wire


@pytest.mark.parametrize("kind", sorted(error_classes()))
def test_every_error_is_one_of_the_wire(kind):
    """An error, with all that it may carry, is what the model says."""
    error = error_classes()[kind](
        retry_after_seconds=5, oauth_error="access_denied", provider_id="openai"
    )
    error.attempt_id = "attempt-1"
    error.correlation_id = "a1b2c3"

    assert types.AuthError.model_validate(error.to_wire()).to_wire() == error.to_wire()
    assert types.ErrorData.model_validate(error.to_data()).to_wire() == error.to_data()


@pytest.mark.parametrize("forced", [None, "chatgpt", "api"])
def test_every_list_of_login_methods_is_one_of_the_wire(forced):
    """Whatever policy allows, the list is what the model says."""
    result = {"methods": login_methods(Settings(forced_login_method=forced))}

    assert MethodsResult.model_validate(result).to_wire() == result


def test_a_login_that_a_logout_left_is_named_with_the_reason():
    """`remaining` tells the store and the kind of error that kept it."""
    remaining = {"store": "keyring", "kind": "storeLocked"}

    assert RemainingLogin.model_validate(remaining).to_wire() == remaining


def test_the_lists_of_values_are_those_of_the_code():
    """An enumeration of the wire and the one that the code decides by hold the same values."""
    outcomes = {
        Ending(error() if error else None).outcome
        for error in (
            None,
            errors.LoginCancelled,
            errors.LoginSuperseded,
            errors.LoginTimedOut,
            errors.LoginDenied,
        )
    }

    assert get_args(types.LoginPhase) == tuple(LoginPhase)
    assert get_args(types.LoginMethodId) == tuple(LoginMethodId)
    assert get_args(types.StoreMode) == STORE_MODES
    assert set(get_args(types.LoginOutcome)) == outcomes
