"""The error tree: what its docstring draws is what is there, and each error is fit for the wire."""

from __future__ import annotations

import inspect
import logging
import re
from typing import get_args

import pytest

from codex_auth_lsp import errors
from codex_auth_lsp.errors import AuthError, InvalidParams, Remediation
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.wire.types import ErrorKind

KINDS = set(get_args(ErrorKind))
"""Every `kind` of `protocol.md`; a class comes with the first code that raises it."""

RETRYABLE = {
    "loginInProgress",
    "callbackPortUnavailable",
    "networkUnreachable",
    "proxyError",
    "issuerUnavailable",
    "rateLimited",
    "storeWriteFailed",
    "lockTimedOut",
    "credentialCommandFailed",
}

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, AuthError)
}
GROUPS = {"AuthError", "LoginError", "CredentialError", "IssuerError", "StoreError"}
LEAVES = [value for name, value in CLASSES.items() if name not in GROUPS]


def drawn_tree() -> dict[str, tuple[str | None, str, bool]]:
    """Return each line of the tree in the docstring: a name's group, its kind, and retryability."""
    tree: dict[str, tuple[str | None, str, bool]] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ([│├└─ ]*)(\w+) *(.*)", line)
        if match is not None:
            depth, name, rest = len(match[1]) // 3, match[2], match[3]
            kind = "" if name in GROUPS else rest.partition(" ")[0]
            tree[name] = (above[depth - 1] if depth else None, kind, rest.endswith("retryable"))
            above[depth:] = [name]
    return tree


def test_tree_in_the_docstring_is_the_tree_of_classes():
    """Whoever reads the module's head knows every class, its kind and whether to try again."""
    # The refresh errors are kinds of `NeedsReauth`; the picture puts them beside it.
    groups = {
        name: next((base.__name__ for base in error.__mro__[1:] if base.__name__ in GROUPS), None)
        for name, error in CLASSES.items()
    }
    expected = {
        name: (groups[name], "" if name in GROUPS else error.kind, error.retryable)
        for name, error in CLASSES.items()
    }

    assert expected == drawn_tree()


def test_kinds_are_unique_and_known():
    """A client can tell every error apart by its kind."""
    kinds = [error.kind for error in LEAVES]

    assert len(set(kinds)) == len(kinds)
    assert set() == set(kinds) - KINDS


def test_retryable_errors_are_those_that_may_pass_by_themselves():
    """A client may try again without asking anybody."""
    assert {error.kind for error in LEAVES if error.retryable} == RETRYABLE


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_leaf_has_its_own_kind_and_a_sentence(error):
    """Raised without a word, it still says one whole sentence of its own."""
    raised = error()

    assert {"kind", "sentence"} <= set(vars(error))
    assert re.fullmatch(r"[A-Z\dc].{10,220}\.", raised.message)
    assert raised.message == str(raised) == error.sentence


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_advice_can_be_followed(error):
    """Each remedy has a title, and leads to a command, to an https page, or is advice in words."""
    for remediation in error.advice:
        assert remediation.title.strip() == remediation.title != ""
        assert remediation.command is None or remediation.url is None
        assert re.fullmatch(r"codexAuth\.[a-zA-Z]+", remediation.command or "codexAuth.signIn")
        assert (remediation.url or "https://").startswith("https://")


def test_error_on_the_wire_has_what_is_known_and_no_more():
    """Optional fields are left out, never null; the message stands beside the data."""
    bare = errors.LoginSuperseded()
    full = errors.RateLimited(
        "Wait.",
        retry_after_seconds=7,
        oauth_error="slow_down",
        provider_id="openai",
        remediation=(Remediation("Look", url="https://example.com/"),),
    )
    full.attempt_id, full.correlation_id = "a-1", "c-1"

    assert bare.to_data() == {"kind": "loginSuperseded", "retryable": False, "remediation": []}
    assert full.to_wire() == {
        "kind": "rateLimited",
        "retryable": True,
        "retryAfterSeconds": 7,
        "attemptId": "a-1",
        "providerId": "openai",
        "oauthError": "slow_down",
        "correlationId": "c-1",
        "remediation": [{"title": "Look", "url": "https://example.com/"}],
        "message": "Wait.",
    }


def test_own_remediation_replaces_the_advice_of_the_class():
    """An empty one stays empty: not every failure has a remedy."""
    assert errors.LoginCancelled().remediation == (errors.SIGN_IN_AGAIN,)
    assert errors.LoginCancelled(remediation=()).remediation == ()


def test_invalid_params_are_no_auth_error():
    """What a client did wrong never reaches a person as an error of sign-in."""
    assert not issubclass(InvalidParams, AuthError)


def test_defect_in_the_log_tells_where_and_never_what(caplog):
    """An exception's text can hold what a request carried; the id leads from an answer to it.

    (S19)
    """
    try:
        raise ValueError("secret-value")
    except ValueError as exc:
        correlation_id = log_defect(logging.getLogger("codex_auth_lsp.tests"), exc)

    assert "secret-value" not in caplog.text
    assert f"Defect {correlation_id}: ValueError in test_defect_in_the_log" in caplog.text
