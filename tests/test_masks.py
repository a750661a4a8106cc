"""What holds a secret does not show it: every class of the package, found by introspection."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

import codex_auth_lsp
from codex_auth_lsp.http1 import Request as HttpRequest
from codex_auth_lsp.oauth.http import Reply as IssuerReply
from codex_auth_lsp.transport.envelope import read_message

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET_NAMES = re.compile(
    r"(?!.*_(?:endpoint|uri|url|instructions)$)"
    r".*(?:token|key|secret|verifier|password|cookie|credential|header|query|body|content|params"
    r"|document|raw|claims|callback|authorization|nonce|(?:^|_)(?:state|code)$)"
)
"""Names of fields that hold a secret, or something in which one may stand."""

CAN_HOLD_ONE = re.compile(r"\b(?:str|bytes|dict|Mapping|list|Any|object)\b")

MASKED = re.compile(r"\bSecret(?:Str)?\b")

SHOWN = {
    "authorization": "an issuer's endpoint",
    "content_type": "a media type",
    "env_key": "the name of a variable",
    "environment_headers": "names of variables",
    "environment_key": "the name of a variable",
    "ignored_environment_key": "the name of a variable",
    "work_done_token": "the client's own mark for progress",
}
"""Fields whose names look like it, and why they may be shown."""

NO_SECRETS = {
    ("codex_auth_lsp.domain.notice", "code"): "the kind of a notice",
    ("codex_auth_lsp.domain.status", "state"): "the state of sign-in",
    ("codex_auth_lsp.flows.device_code", "token"): "an issuer's endpoint",
    ("codex_auth_lsp.conformance.attempt", "token"): "a mark for progress",
}

MADE_UP = ("codex_auth_lsp.sandbox", "codex_auth_lsp.demo")
"""Programs for tests and tours: their secrets open nothing."""


def classes() -> Iterator[type]:
    for module in pkgutil.walk_packages(codex_auth_lsp.__path__, "codex_auth_lsp."):
        if module.name.endswith("__main__") or module.name.startswith(MADE_UP):
            continue
        members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        yield from (found for _, found in members if found.__module__ == module.name)


def shown_fields(found: type) -> Iterator[tuple[str, str]]:
    """Yield name and type of each field that the `repr` of a class shows."""
    if dataclasses.is_dataclass(found):
        params = getattr(found, "__dataclass_params__", None)  # what `values` makes has none
        if params is None or params.repr:
            for field in dataclasses.fields(found):
                if field.repr:
                    yield field.name, str(field.type)
    elif issubclass(found, BaseModel):
        for name, info in found.model_fields.items():
            if info.repr:
                yield name, str(info.annotation)
    elif hasattr(found, "_fields"):  # a named tuple
        yield from ((name, "object") for name in found._fields)


def unmasked(found: type) -> list[str]:
    return [
        f"{found.__module__}.{found.__name__}.{name}"
        for name, kind in shown_fields(found)
        if SECRET_NAMES.match(name)
        and CAN_HOLD_ONE.search(kind)
        and not MASKED.search(kind)
        and name not in SHOWN
        and (found.__module__, name) not in NO_SECRETS
    ]


def test_no_class_shows_what_may_hold_a_secret():
    """(S19) A `repr` ends up in logs, tracebacks and bug reports."""
    checked = list(classes())

    assert len(checked) > 150
    assert [field for found in checked for field in unmasked(found)] == []


def test_an_unmasked_field_would_be_found():
    """In a dataclass as in a model."""

    @dataclasses.dataclass
    class Open:
        access_token: str
        expires_in: int

    class Model(BaseModel):
        headers: dict[str, str]

    assert len(unmasked(Open)) == len(unmasked(Model)) == 1


MARK = "the-secret-itself"


@pytest.mark.parametrize(
    "holder",
    [
        read_message(
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "m", "params": MARK}).encode()
        ),
        read_message(json.dumps({"jsonrpc": "2.0", "method": "m", "params": [MARK]}).encode()),
        HttpRequest("GET", "/", f"code={MARK}", (("cookie", MARK),), MARK.encode()),
        IssuerReply(200, {"set-cookie": MARK}, MARK.encode()),
    ],
    ids=["a request", "a notification", "a redirect", "an issuer's answer"],
)
def test_what_came_in_is_not_shown(holder: Any):
    """(S19) Messages, redirects and answers are the first to hold what is secret."""
    assert MARK not in repr(holder)
