"""The schema that clients in other languages are written from: true, open, and never behind."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from codex_auth_lsp.wire import methods
from wire.json_schema import PROJECT, SCHEMA, schema, schema_text
from wire.specification import examples_of

EXAMPLES = examples_of((PROJECT / "protocol.md").read_text(encoding="utf-8"))

STATUS = json.loads(dict(EXAMPLES)[f"{methods.STATUS} result"])

PLACES = {"params": ("requestParams", "notificationParams"), "result": ("requestResults",)}


def where(marker: str) -> dict[str, object] | None:
    """Return the part of the schema that an example falls under, None for an error."""
    name, _, part = marker.rpartition(" ")
    if marker in ("client capabilities", "server capabilities"):
        return {"$ref": f"#/$defs/{name.title()}AuthCapabilities"}
    if part == "error":
        return None
    maps = (*PLACES[part], "commandResults") if part == "result" else PLACES[part]
    found = [schema()["properties"][place]["properties"].get(name) for place in maps]
    return next(reference for reference in found if reference)


def validator(part: dict[str, object]) -> Draft202012Validator:
    """Return what checks a message against a part of the schema, as a client's author would."""
    return Draft202012Validator({**part, "$defs": schema()["$defs"]})


def test_the_schema_is_what_the_models_and_the_text_say():
    """A change of a model or of its explanation reaches the schema."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text(), "run `make mirror`"


def test_the_schema_is_one():
    """Its keywords are those of the draft that it names."""
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_the_schema_has_every_method():
    """No request, notification or command of this version is left out."""
    parts = {
        name: list(part.get("properties", ())) for name, part in schema()["properties"].items()
    }

    assert parts == {
        "requestParams": list(methods.REQUESTS),
        "requestResults": list(methods.REQUESTS),
        "notificationParams": list(methods.NOTIFICATIONS),
        "commandResults": list(methods.COMMANDS),
        "errorData": [],
    }


@pytest.mark.parametrize(("marker", "body"), EXAMPLES, ids=[marker for marker, _ in EXAMPLES])
def test_every_example_of_the_specification_fits(marker, body):
    """What an author copies out of `protocol.md` passes the author's own validator."""
    message = json.loads(body)
    part = where(marker)

    if part is None:
        part, message = {"$ref": "#/$defs/ErrorData"}, message["data"]

    assert [error.message for error in validator(part).iter_errors(message)] == []


LATER = {
    "a value that is new in an enumeration": {"state": "resting"},
    "a member that is new": {"mood": "good"},
}

WRONG = {
    "a state that is no text": ({"state": 5}, "5 is not valid under any of the given schemas"),
    "a null": ({"account": None}, "None is not of type 'object'"),
    "a count below nothing": ({"revision": -1}, "-1 is less than the minimum of 0"),
    "a local time": ({"expiresAt": "2026-01-01T10:00:00+01:00"}, "does not match"),
}


@pytest.mark.parametrize("change", LATER.values(), ids=LATER)
def test_what_a_later_server_sends_passes(change):
    """A client that checks what it gets lives on when the protocol grows."""
    assert validator({"$ref": "#/$defs/AuthStatus"}).is_valid({**STATUS, **change})


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG)
def test_what_no_server_sends_does_not_pass(change, words):
    """The schema says no where the protocol does."""
    check = validator({"$ref": "#/$defs/AuthStatus"})

    [error] = check.iter_errors({**STATUS, **change})

    assert words in error.message


def test_a_missing_member_does_not_pass():
    """What the protocol promises always to be there is required."""
    lacking = {name: value for name, value in STATUS.items() if name != "store"}

    [error] = validator({"$ref": "#/$defs/AuthStatus"}).iter_errors(lacking)

    assert error.message == "'store' is a required property"


def test_secrets_are_marked():
    """A client's log can leave out what the schema calls a secret."""
    marked = {
        f"{name}.{field}"
        for name, model in schema()["$defs"].items()
        for field, words in model.get("properties", {}).items()
        if "x-secret" in words
    }

    assert marked == {
        "CredentialResult.headers",
        "CredentialResult.queryParams",
        "LoginParams.apiKey",
        "LoginPromptParams.completeUrl",
        "LoginPromptParams.url",
        "LoginPromptParams.userCode",
        "SubmitCallbackParams.url",
    }
