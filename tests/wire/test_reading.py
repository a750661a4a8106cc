"""Params from outside: what is taken, and what is refused in words that hold no value."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.wire.catalogue import REQUEST_MODELS
from codex_auth_lsp.wire.params import CredentialParams, LoginParams, LogoutParams, RefreshParams
from codex_auth_lsp.wire.reading import ParamsInvalid, read_params

VALUE = "value-that-must-not-come-back"
NUMBER = 731_973

LOGIN = "auth/login"
SUBMIT_CALLBACK = "auth/submitCallback"
BROWSER = {"method": "browser"}

A_NUMBER = "must be a whole number."
A_POSITIVE_NUMBER = "must be a whole number, at least 1."
A_STRING = "must be a string."
A_BOOLEAN = "must be true or false."
A_METHOD = "must be 'browser', 'deviceCode' or 'apiKey'."
AN_ID = "must be a string that matches ^[A-Za-z0-9._-]{1,128}$."

WRONG: list[tuple[str, dict[str, Any], str]] = [
    (LOGIN, {}, "`method` must be given."),
    (SUBMIT_CALLBACK, {}, "`url` must be given."),
    (SUBMIT_CALLBACK, {"url": [VALUE]}, f"`url` {A_STRING}"),
    (
        SUBMIT_CALLBACK,
        {"url": VALUE * 1000},
        "`url` must be a string of at most 16384 characters.",
    ),
    (LOGIN, {"method": None}, "`method` must be given."),
    (LOGIN, {"method": NUMBER}, f"`method` {A_METHOD}"),
    (LOGIN, {"method": VALUE}, f"`method` {A_METHOD}"),
    (LOGIN, {"method": [VALUE]}, f"`method` {A_METHOD}"),
    (LOGIN, {"method": "Browser"}, f"`method` {A_METHOD}"),
    (LOGIN, {"method": "apiKey"}, "`apiKey` must be given with method 'apiKey'."),
    (LOGIN, {"method": "apiKey", "apiKey": None}, "`apiKey` must be given with method 'apiKey'."),
    (LOGIN, {"method": "apiKey", "apiKey": NUMBER}, f"`apiKey` {A_STRING}"),
    (LOGIN, {"method": "apiKey", "apiKey": [VALUE]}, f"`apiKey` {A_STRING}"),
    (LOGIN, {"method": "apiKey", "api_key": VALUE}, "`apiKey` must be given with method 'apiKey'."),
    (LOGIN, BROWSER | {"apiKey": VALUE}, "`apiKey` must be left out unless method is 'apiKey'."),
    (LOGIN, BROWSER | {"apiKey": ""}, "`apiKey` must be left out unless method is 'apiKey'."),
    (LOGIN, {"apiKey": VALUE}, "`method` must be given."),
    (LOGIN, {"method": VALUE, "apiKey": VALUE}, f"`method` {A_METHOD}"),
    (LOGIN, BROWSER | {"timeoutSeconds": 0}, f"`timeoutSeconds` {A_POSITIVE_NUMBER}"),
    (LOGIN, BROWSER | {"timeoutSeconds": -5}, f"`timeoutSeconds` {A_POSITIVE_NUMBER}"),
    (
        LOGIN,
        BROWSER | {"timeoutSeconds": 1801},
        "`timeoutSeconds` must be a whole number, at most 1800.",
    ),
    (
        LOGIN,
        BROWSER | {"timeoutSeconds": 10**400},
        "`timeoutSeconds` must be a whole number, at most 1800.",
    ),
    (LOGIN, BROWSER | {"timeoutSeconds": VALUE}, f"`timeoutSeconds` {A_NUMBER}"),
    (LOGIN, BROWSER | {"timeoutSeconds": "60"}, f"`timeoutSeconds` {A_NUMBER}"),
    (LOGIN, BROWSER | {"timeoutSeconds": True}, f"`timeoutSeconds` {A_NUMBER}"),
    (LOGIN, BROWSER | {"timeoutSeconds": 60.5}, f"`timeoutSeconds` {A_NUMBER}"),
    (LOGIN, BROWSER | {"timeoutSeconds": 60.0}, f"`timeoutSeconds` {A_NUMBER}"),
    (LOGIN, BROWSER | {"attemptId": ""}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": "a" * 129}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": f"{VALUE} with space"}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": f"{VALUE}/slash"}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": f"{VALUE}\n"}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": f"\n{VALUE}"}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": f"{VALUE}\n{VALUE}"}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": f"{VALUE}-é"}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": f"{VALUE}-٣"}, f"`attemptId` {AN_ID}"),
    (LOGIN, BROWSER | {"attemptId": "\ud800"}, "`attemptId` must be a string of valid Unicode."),
    (LOGIN, BROWSER | {"attemptId": NUMBER}, f"`attemptId` {A_STRING}"),
    (LOGIN, BROWSER | {"ifRunning": VALUE}, "`ifRunning` must be 'supersede', 'join' or 'fail'."),
    (LOGIN, BROWSER | {"ifRunning": True}, "`ifRunning` must be 'supersede', 'join' or 'fail'."),
    (LOGIN, BROWSER | {"expectedAccountId": NUMBER}, f"`expectedAccountId` {A_STRING}"),
    (
        LOGIN,
        BROWSER | {"expectedAccountId": VALUE * 100},
        "`expectedAccountId` must be a string of at most 1024 characters.",
    ),
    (
        LOGIN,
        BROWSER | {"workDoneToken": {"a": VALUE}},
        "`workDoneToken` must be a string or an integer.",
    ),
    (LOGIN, BROWSER | {"workDoneToken": True}, "`workDoneToken` must be a string or an integer."),
    (LOGIN, BROWSER | {"workDoneToken": 1.5}, "`workDoneToken` must be a string or an integer."),
    ("auth/cancelLogin", {"attemptId": NUMBER}, f"`attemptId` {A_STRING}"),
    ("auth/cancelLogin", {"attemptId": [VALUE]}, f"`attemptId` {A_STRING}"),
    ("auth/cancelLogin", {"attemptId": f"{VALUE}\n"}, f"`attemptId` {AN_ID}"),
    ("auth/logout", {"revoke": VALUE}, f"`revoke` {A_BOOLEAN}"),
    ("auth/logout", {"revoke": NUMBER}, f"`revoke` {A_BOOLEAN}"),
    ("auth/logout", {"revoke": 1}, f"`revoke` {A_BOOLEAN}"),
    ("auth/refresh", {"force": VALUE}, f"`force` {A_BOOLEAN}"),
    ("auth/refresh", {"minValiditySeconds": VALUE}, f"`minValiditySeconds` {A_NUMBER}"),
    ("auth/refresh", {"minValiditySeconds": True}, f"`minValiditySeconds` {A_NUMBER}"),
    (
        "auth/refresh",
        {"minValiditySeconds": -1},
        "`minValiditySeconds` must be a whole number, at least 0.",
    ),
    (
        "auth/refresh",
        {"minValiditySeconds": 2**31},
        "`minValiditySeconds` must be a whole number, at most 2147483647.",
    ),
    ("auth/credential", {"providerId": NUMBER}, f"`providerId` {A_STRING}"),
    ("auth/credential", {"minValiditySeconds": VALUE}, f"`minValiditySeconds` {A_NUMBER}"),
    ("auth/credential", {"rejectedRevision": VALUE}, f"`rejectedRevision` {A_NUMBER}"),
    (
        "auth/credential",
        {"rejectedRevision": -1},
        "`rejectedRevision` must be a whole number, at least 0.",
    ),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(
    str(info.alias)
    for exchange in REQUEST_MODELS.values()
    for info in exchange.params.model_fields.values()
)


@pytest.mark.parametrize(("method", "params", "sentence"), WRONG)
def test_params_that_do_not_fit_are_refused_by_field(method, params, sentence):
    """The sentence names the field and what is expected there."""
    with pytest.raises(ParamsInvalid) as refusal:
        read_params(REQUEST_MODELS[method].params, params)

    assert str(refusal.value) == sentence


@pytest.mark.parametrize(("method", "params", "sentence"), WRONG)
def test_a_refusal_carries_no_value(method, params, sentence):
    """Neither the sentence nor a printed traceback tells what was sent, a key above all."""
    with pytest.raises(ParamsInvalid) as refusal:
        read_params(REQUEST_MODELS[method].params, params)

    assert (refusal.value.__cause__, refusal.value.__context__) == (None, None)
    told = "".join(traceback.format_exception(refusal.value))
    assert [value for value in (VALUE, str(NUMBER)) if value in told] == []


@pytest.mark.parametrize("raw", [[1], [{}], "", "browser", 0, 5, 1.5, True, False], ids=repr)
@pytest.mark.parametrize("method", REQUEST_MODELS)
def test_params_that_are_no_object_are_refused_as_a_whole(method, raw):
    """A list with content, a string, a number and a boolean are no params."""
    with pytest.raises(ParamsInvalid) as refusal:
        read_params(REQUEST_MODELS[method].params, raw)

    assert str(refusal.value) == "`params` must be an object."


@pytest.mark.parametrize("raw", [None, {}, []], ids=repr)
def test_no_params_are_the_defaults(raw):
    """Missing, `null`, `{}` and `[]` are the same where every field is optional."""
    read = {
        method: read_params(exchange.params, raw).model_dump()
        for method, exchange in REQUEST_MODELS.items()
        if method not in (LOGIN, SUBMIT_CALLBACK)
    }

    assert read == {
        "auth/status": {},
        "auth/methods": {},
        "auth/cancelLogin": {"attempt_id": None},
        "auth/reopenBrowser": {"attempt_id": None},
        "auth/logout": {"revoke": True},
        "auth/refresh": {"force": False, "min_validity_seconds": 300},
        "auth/credential": {
            "provider_id": None,
            "min_validity_seconds": 300,
            "rejected_revision": None,
        },
        "auth/providers": {},
        "auth/doctor": {"network": False},
    }


def test_params_that_are_left_out_are_no_params():
    """`read_params` without params is what a request without them gets."""
    assert read_params(LogoutParams) == LogoutParams()


def test_a_login_has_its_defaults():
    """A method alone suffices."""
    params = read_params(LoginParams, {"method": "browser"})

    assert params.model_dump() == {
        "method": "browser",
        "api_key": None,
        "attempt_id": None,
        "if_running": "supersede",
        "expected_account_id": None,
        "timeout_seconds": 600,
        "work_done_token": None,
    }


def test_every_field_of_a_login_is_read():
    """Each wire name arrives under its own attribute."""
    params = read_params(
        LoginParams,
        {
            "method": "apiKey",
            "apiKey": VALUE,
            "attemptId": "Az09._-",
            "ifRunning": "fail",
            "expectedAccountId": "account-ada",
            "timeoutSeconds": 1800,
            "workDoneToken": "token",
        },
    )

    assert params.api_key is not None
    assert params.api_key.get_secret_value() == VALUE
    assert params.model_dump(exclude={"api_key"}) == {
        "method": "apiKey",
        "attempt_id": "Az09._-",
        "if_running": "fail",
        "expected_account_id": "account-ada",
        "timeout_seconds": 1800,
        "work_done_token": "token",
    }


def test_the_key_of_a_login_does_not_show_itself():
    """Neither printed nor dumped for the wire does a login give its key away."""
    params = read_params(LoginParams, {"method": "apiKey", "apiKey": VALUE})

    assert VALUE not in f"{params} {params!r} {params.to_wire()}"


def test_an_empty_key_is_a_key_that_the_login_will_refuse():
    """That it cannot be a key is a matter of the login, with its own kind of error."""
    params = read_params(LoginParams, {"method": "apiKey", "apiKey": ""})

    assert params.api_key is not None
    assert params.api_key.get_secret_value() == ""


@pytest.mark.parametrize("attempt_id", ["a", "0", ".", "-", "_", "a" * 128])
def test_the_shortest_and_the_longest_attempt_id_are_taken(attempt_id):
    """1 to 128 characters."""
    params = read_params(LoginParams, BROWSER | {"attemptId": attempt_id})

    assert params.attempt_id == attempt_id


@pytest.mark.parametrize("token", ["", "a b", 0, -1, 2**31 - 1])
def test_a_work_done_token_is_any_string_or_integer(token):
    """The token is the client's own, and comes back as it was."""
    params = read_params(LoginParams, BROWSER | {"workDoneToken": token})

    assert (params.work_done_token, type(params.work_done_token)) == (token, type(token))


def test_null_fields_are_absent_and_unknown_fields_ignored():
    """`null` gives the default, and a field of the future does no harm."""
    raw = {"force": None, "minValiditySeconds": None, "fieldOfTheFuture": {"deep": [None, 1]}}

    assert read_params(RefreshParams, raw) == RefreshParams()


def test_attribute_names_are_no_wire_names():
    """`min_validity_seconds` on the wire is an unknown field like any other."""
    params = read_params(CredentialParams, {"min_validity_seconds": 5, "providerId": "openai"})

    assert (params.min_validity_seconds, params.provider_id) == (300, "openai")


def test_what_was_read_cannot_be_changed():
    """Params are values."""
    params = read_params(LogoutParams, {"revoke": False})

    with pytest.raises(ValueError, match="frozen"):
        params.revoke = True


@given(st.sampled_from(sorted(REQUEST_MODELS)), st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_is_read_or_refused_in_one_sentence(method, raw):
    """Whatever a client sends, there is a model or a sentence, never another exception."""
    model = REQUEST_MODELS[method].params
    try:
        params = read_params(model, json.loads(json.dumps(raw)))
    except ParamsInvalid as refusal:
        field = str(refusal).split("`")[1]
        assert field in {info.alias for info in model.model_fields.values()}
    else:
        assert isinstance(params, model)
