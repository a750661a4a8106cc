"""Params read by hand: the models of `wire/` are the measure, whatever comes."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.errors import InvalidParams
from codex_auth_lsp.transport.handlers import read
from codex_auth_lsp.transport.plain_params import (
    credential_values,
    logout_values,
    refresh_values,
)
from codex_auth_lsp.wire.params import CredentialParams, LogoutParams, RefreshParams

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([300, 2**31 - 1, 2**31, 10**40, 1.0, 0.5]),
    st.text(max_size=3),
    st.sampled_from(["openai", "x" * 1024, "x" * 1025, "\u00e9", "\ud800"]),
    st.lists(st.integers(), max_size=1),
)

READERS = [
    (refresh_values, RefreshParams),
    (credential_values, CredentialParams),
    (logout_values, LogoutParams),
]


def params_of(model: Any) -> st.SearchStrategy[Any]:
    """Return params with any value in any field, and what is no object at all."""
    fields = {str(info.alias): values for info in model.model_fields.values()}
    return st.one_of(st.fixed_dictionaries({}, optional={**fields, "other": values}), values)


@pytest.mark.parametrize(("by_hand", "model"), READERS, ids=["refresh", "credential", "logout"])
def test_reader_agrees_with_the_model(by_hand, model):
    """(W9) The same values, the same defaults, and the same sentence about what is wrong."""

    @given(params_of(model))
    def agrees(raw):
        assert outcome(by_hand, model, raw) == outcome(partial(read, model), model, raw)

    agrees()


def outcome(reader: Any, model: Any, raw: Any) -> dict[str, Any] | str:
    """Return the values that a reader finds, or what it says is wrong."""
    try:
        found = reader(raw)
    except InvalidParams as exc:
        return str(exc)
    return {name: getattr(found, name) for name in model.model_fields}


ASK_ALL_DAY = """
import asyncio, json, sys
from pathlib import Path
from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.transport.conversation import Conversation
from codex_auth_lsp.transport.framing import FrameDecoder

async def main():
    home = CodexHome(Path(sys.argv[1]), "option")
    service = AuthService(ServiceOptions(home=home, issuer=IssuerSettings(), environment={}))
    decoder, answers = FrameDecoder(), {}
    def write(frame):
        for content in decoder.feed(frame):
            message = json.loads(content)
            if "id" in message:
                answers[message["id"]] = "result" in message
    conversation = Conversation(service, {}, write, lambda status: None, lambda process: None)
    auth = {"experimental": {"auth": {"credential": True}}}
    asked = [("initialize", {"capabilities": auth}), ("auth/status", None), ("auth/methods", {}),
             ("auth/providers", []), ("auth/cancelLogin", {}), ("auth/refresh", {"force": True}),
             ("auth/credential", {"minValiditySeconds": 5, "later": 1}),
             ("auth/logout", {"revoke": False})]
    for number, (method, params) in enumerate(asked):
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        conversation.receive(json.dumps(message).encode())
    await service.close(hurried=True)
    await conversation.close()
    heavy = {"pygls", "lsprotocol", "pydantic", "httpx", "cattrs"} & set(sys.modules)
    print(json.dumps([sorted(answers.items()), sorted(heavy)]))

asyncio.run(main())
"""


def test_what_a_window_is_asked_all_day_brings_in_no_library(tmp_path):
    """A renewal, a credential and a logout that need no network are as cheap as the status."""
    login = {"auth_mode": "apikey", "OPENAI_API_KEY": "a-key-of-the-test"}
    (tmp_path / "auth.json").write_text(json.dumps(login))

    done = subprocess.run(
        [sys.executable, "-I", "-c", ASK_ALL_DAY, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [[[number, True] for number in range(8)], []]
