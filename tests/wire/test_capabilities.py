"""The client's capabilities: lenient, and read by hand exactly as by the model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.transport.client import ClientCapabilities, read_client_capabilities
from codex_auth_lsp.wire.capabilities import ClientAuthCapabilities
from codex_auth_lsp.wire.methods import PROTOCOL_VERSION

FIELDS = [str(info.alias) for info in ClientAuthCapabilities.model_fields.values()]

DECLARED = {
    "protocolVersion": 1,
    "loginPrompt": True,
    "credential": True,
    "environment": "ssh",
    "browserOnServerHost": False,
    "portForwarding": True,
}

WRONG_VALUES: list[Any] = [None, 1.0, 0, [], {}, [True], {"a": 1}]

ANYTHING = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.booleans())
)


def test_an_empty_object_declares_a_client_that_can_nothing():
    """`{}` suffices: version 1, and nothing beyond the notifications."""
    assert ClientAuthCapabilities.model_validate({}).model_dump() == {
        "protocol_version": 1,
        "login_prompt": False,
        "credential": False,
        "environment": None,
        "browser_on_server_host": None,
        "port_forwarding": False,
    }


def test_every_declared_field_is_read():
    """Each wire name arrives, and comes out again as it went in."""
    assert ClientAuthCapabilities.model_validate(DECLARED).to_wire() == DECLARED


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_the_wrong_type_counts_as_absent_and_the_others_stay(name):
    """A wrong capability must not make `initialize` fail."""
    without = {key: value for key, value in DECLARED.items() if key != name}
    expected = ClientAuthCapabilities.model_validate(without)

    read = [ClientAuthCapabilities.model_validate(DECLARED | {name: it}) for it in WRONG_VALUES]

    assert read == [expected] * len(WRONG_VALUES)


@pytest.mark.parametrize("version", [0, -1, True, "2", 2.0])
def test_a_version_that_is_none_counts_as_the_first(version):
    """Versions begin at 1."""
    read = ClientAuthCapabilities.model_validate({"protocolVersion": version})

    assert read.protocol_version == 1


def test_an_unknown_environment_is_kept():
    """Enumerations are open: an editor may run where nobody has thought of."""
    read = ClientAuthCapabilities.model_validate({"environment": "moon"})

    assert read.environment == "moon"


@given(st.dictionaries(st.sampled_from([*FIELDS, "fieldOfTheFuture"]), ANYTHING))
def test_the_reader_of_initialize_agrees_with_the_model(auth):
    """`initialize` is read by hand, because pydantic would cost a window's start."""
    model = ClientAuthCapabilities.model_validate(auth)

    assert read_client_capabilities(
        {"capabilities": {"experimental": {"auth": auth}}}
    ) == ClientCapabilities(
        speaks_auth=True,
        protocol_version=min(model.protocol_version, PROTOCOL_VERSION),
        login_prompt=model.login_prompt,
        credential=model.credential,
        environment=model.environment,
        browser_on_server_host=model.browser_on_server_host,
        port_forwarding=model.port_forwarding,
    )
