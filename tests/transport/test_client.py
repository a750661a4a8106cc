"""The hand-written reader of a client's capabilities, measured by the model of the same object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.transport.client import ClientCapabilities, read_client_capabilities
from codex_auth_lsp.wire.capabilities import ClientAuthCapabilities
from codex_auth_lsp.wire.methods import PROTOCOL_VERSION

VALUES = (
    st.none() | st.booleans() | st.integers(-2, 5) | st.text(max_size=6) | st.just([]) | st.floats()
)
AUTH = st.fixed_dictionaries(
    {},
    optional={
        "protocolVersion": VALUES,
        "loginPrompt": VALUES,
        "credential": VALUES,
        "environment": VALUES | st.sampled_from(["local", "ssh", "web"]),
        "browserOnServerHost": VALUES,
        "portForwarding": VALUES,
        "fieldOfTheFuture": VALUES,
    },
)


@given(AUTH)
def test_reader_agrees_with_the_model(auth):
    """Whatever a client sends, both read the same; a wrong field counts as absent."""
    model = ClientAuthCapabilities.model_validate(auth)

    read = read_client_capabilities({"capabilities": {"experimental": {"auth": auth}}})

    assert read == ClientCapabilities(
        speaks_auth=True,
        protocol_version=min(model.protocol_version, PROTOCOL_VERSION),
        login_prompt=model.login_prompt,
        credential=model.credential,
        environment=model.environment,
        browser_on_server_host=model.browser_on_server_host,
        port_forwarding=model.port_forwarding,
    )


@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        "text",
        {},
        {"capabilities": None},
        {"capabilities": []},
        {"capabilities": {"experimental": None}},
        {"capabilities": {"experimental": {"auth": None}}},
        {"capabilities": {"experimental": {"auth": True}}},
        {"capabilities": {"window": True}},
    ],
)
def test_client_that_says_nothing_of_auth_speaks_standard_messages(params):
    """No `experimental.auth`, no `auth/*` notifications."""
    assert read_client_capabilities(params) == ClientCapabilities()


def test_empty_object_is_a_client_of_version_1():
    """`{}` suffices."""
    params = {"capabilities": {"experimental": {"auth": {}}}}

    assert read_client_capabilities(params) == ClientCapabilities(speaks_auth=True)


def test_window_capabilities_are_read():
    """The standard ways to show a page and a progress."""
    window = {"showDocument": {"support": True}, "workDoneProgress": True}

    read = read_client_capabilities({"capabilities": {"window": window}})

    assert (read.show_document, read.work_done_progress) == (True, True)
