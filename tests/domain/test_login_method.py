"""Which way of signing in is offered first, as a table of situations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from codex_auth_lsp.domain.login_method import (
    ClientFacts,
    LoginMethodId,
    ServerFacts,
    callback_arrives,
    rank_methods,
)

EDITOR = ClientFacts(opens_pages=True)
LOCAL = replace(EDITOR, environment="local")
TERMINAL = ClientFacts()
NEAR = replace(EDITOR, browser_on_server_host=True)
FAR = replace(EDITOR, browser_on_server_host=False)

DESKTOP = ServerFacts()
HEADLESS = ServerFacts(has_screen=False)
SSH = ServerFacts(ssh=True)
CONTAINER = ServerFacts(container=True, has_screen=False, has_browser=False)
CODESPACES = ServerFacts(codespaces=True, has_screen=False, has_browser=False)
WSL = ServerFacts(wsl=True, has_screen=False, has_browser=False)

BROWSER_FIRST = ["browser", "deviceCode", "apiKey"]
CODE_FIRST = ["deviceCode", "browser", "apiKey"]

SITUATIONS: dict[str, tuple[ClientFacts, ServerFacts, list[str]]] = {
    "an editor on a desktop": (EDITOR, DESKTOP, BROWSER_FIRST),
    "a terminal on a desktop": (TERMINAL, DESKTOP, BROWSER_FIRST),
    "an editor that says it is local": (LOCAL, DESKTOP, BROWSER_FIRST),
    "a client over SSH": (replace(EDITOR, environment="ssh"), DESKTOP, CODE_FIRST),
    "a client in a container": (replace(EDITOR, environment="container"), DESKTOP, CODE_FIRST),
    "a client in Codespaces": (replace(EDITOR, environment="codespaces"), DESKTOP, CODE_FIRST),
    "a client on the web": (replace(EDITOR, environment="web"), DESKTOP, CODE_FIRST),
    "a client in WSL": (replace(EDITOR, environment="wsl"), HEADLESS, BROWSER_FIRST),
    "a client where nobody has thought of": (
        replace(EDITOR, environment="moon"),
        DESKTOP,
        BROWSER_FIRST,
    ),
    "a server behind SSH": (EDITOR, SSH, CODE_FIRST),
    "a server behind SSH, and a client that calls it local": (LOCAL, SSH, CODE_FIRST),
    "a server in a container": (EDITOR, CONTAINER, CODE_FIRST),
    "a container of a desktop": (LOCAL, CONTAINER, BROWSER_FIRST),
    "a server in Codespaces": (EDITOR, CODESPACES, CODE_FIRST),
    "a server in Codespaces, and a client that calls it local": (LOCAL, CODESPACES, CODE_FIRST),
    "a terminal in WSL": (TERMINAL, WSL, BROWSER_FIRST),
    "a terminal without a screen": (TERMINAL, HEADLESS, CODE_FIRST),
    "a terminal without a browser": (TERMINAL, ServerFacts(has_browser=False), CODE_FIRST),
    "an editor that opens pages, no screen here": (LOCAL, HEADLESS, BROWSER_FIRST),
    "the browser is here, says the client": (NEAR, SSH, BROWSER_FIRST),
    "the browser is here, although no page is opened": (
        ClientFacts(browser_on_server_host=True),
        HEADLESS,
        BROWSER_FIRST,
    ),
    "the browser is elsewhere, says the client": (FAR, DESKTOP, CODE_FIRST),
    "elsewhere, with the port forwarded": (
        replace(FAR, port_forwarding=True),
        SSH,
        BROWSER_FIRST,
    ),
    "over SSH, with the port forwarded": (
        replace(EDITOR, environment="ssh", port_forwarding=True),
        SSH,
        BROWSER_FIRST,
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_order_fits_the_situation(name):
    """The first is the one that works without an effort; all three stay available."""
    client, server, expected = SITUATIONS[name]

    ranked = rank_methods(None, client, server)

    assert [method.id.value for method in ranked] == expected
    assert [method.id for method in ranked if method.unavailable_reason is not None] == []
    browser = next(method for method in ranked if method.id is LoginMethodId.BROWSER)
    assert (browser.hint is None) is (expected == BROWSER_FIRST)


@pytest.mark.parametrize("client", [EDITOR, NEAR, FAR, TERMINAL])
@pytest.mark.parametrize("server", [DESKTOP, SSH, CONTAINER])
def test_two_taken_ports_take_the_browser_off_the_list(client, server):
    """It is told as such, and stands last; the others are in their order."""
    ranked = rank_methods(None, client, replace(server, ports_taken=True))

    assert [method.id.value for method in ranked] == ["deviceCode", "apiKey", "browser"]
    assert [method.unavailable_reason is None for method in ranked] == [True, True, False]
    assert "1455 and 1457" in (ranked[-1].unavailable_reason or "")


@pytest.mark.parametrize("server", [DESKTOP, SSH])
@pytest.mark.parametrize(
    ("forced", "allowed"), [("api", {"apiKey"}), ("chatgpt", {"browser", "deviceCode"})]
)
def test_policy_is_obeyed_and_named_wherever_the_person_sits(forced, allowed, server):
    """`forced_login_method` wins over every other reason."""
    ranked = rank_methods(forced, EDITOR, replace(server, ports_taken=forced == "api"))

    assert {method.id.value for method in ranked if method.unavailable_reason is None} == allowed
    assert [method.by_policy for method in ranked].count(True) == 3 - len(allowed)
    for method in ranked[len(allowed) :]:
        assert f'`forced_login_method = "{forced}"`' in (method.unavailable_reason or "")


@pytest.mark.parametrize("client", [NEAR, FAR])
@pytest.mark.parametrize("server", [DESKTOP, SSH, CONTAINER, CODESPACES])
def test_what_the_client_says_of_the_browser_is_not_judged_anew(client, server):
    """It knows its window; the server can only guess."""
    assert callback_arrives(client, server) is client.browser_on_server_host
