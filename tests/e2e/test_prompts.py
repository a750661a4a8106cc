"""How the address of the sign-in page reaches the person: by the best means that a client has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Starter
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

SHOWS = {"showDocument": {"support": True}}

MEANS = ("auth/loginPrompt", "window/showDocument", "window/showMessage")


async def prompted(client: LanguageClient) -> dict[str, int]:
    """Let a browser login pass its deadline; return by which means the person was asked.

    The login waits for a second, which is when a means that is none of its own would show.
    """
    error = await client.request_error("auth/login", {"method": "browser", "timeoutSeconds": 1})
    assert error.kind == "loginTimedOut"
    counts = {means: len(client.all(means)) for means in MEANS}
    return {means: count for means, count in counts.items() if count}


@pytest.mark.parametrize("window", [None, SHOWS], ids=["shows no pages", "shows pages"])
async def test_a_client_that_handles_prompts_gets_nothing_else(
    start: Starter, sandbox: Sandbox, window
):
    """`auth/loginPrompt` is enough: no page is opened and no message shown beside it."""
    client = await start(sandbox, auth={"loginPrompt": True}, window=window)

    assert await prompted(client) == {"auth/loginPrompt": 1}


async def test_a_client_that_shows_pages_is_asked_to(start: Starter, sandbox: Sandbox):
    """Without `loginPrompt`: `window/showDocument`, external, and no message once it is shown.

    (P1)
    """
    client = await start(sandbox, auth={}, window=SHOWS)

    assert await prompted(client) == {"window/showDocument": 1}
    params = client.all("window/showDocument")[0].params
    assert params["external"] is True
    assert params["uri"].startswith(f"{sandbox.issuer}/oauth/authorize?")


@pytest.mark.parametrize(
    "window", [None, {}, {"showDocument": {}}, {"showDocument": {"support": False}}]
)
async def test_a_client_that_shows_no_pages_gets_a_message(
    start: Starter, sandbox: Sandbox, window
):
    """`window/showMessage` holds the address."""
    client = await start(sandbox, auth={}, window=window)

    assert await prompted(client) == {"window/showMessage": 1}
    assert (
        f"{sandbox.issuer}/oauth/authorize?"
        in client.all("window/showMessage")[0].params["message"]
    )


@pytest.mark.parametrize("wrong", [1, "true", None, {}])
async def test_a_capability_of_the_wrong_type_counts_as_absent(
    start: Starter, sandbox: Sandbox, wrong
):
    """`initialize` does not fail because of it, and nothing is sent on a guess."""
    client = await start(sandbox, auth={"loginPrompt": wrong})

    assert await prompted(client) == {"window/showMessage": 1}


# The browser of the server's own machine


@pytest.fixture
def desktop(tmp_path: Path) -> Desktop:
    """A browser program that only notes which page it was asked for."""
    return Desktop(tmp_path)


class Desktop:
    """Stands in for the desktop's browser; keeps the address without its query."""

    def __init__(self, folder: Path) -> None:
        self._notes = folder / "opened"
        self.program = folder / "browser"
        self.program.write_text(f'#!/bin/sh\necho "${{1%%\\?*}}" >> "{self._notes}"\n')
        self.program.chmod(0o755)

    def opened(self) -> list[str]:
        """Return the pages that were asked for."""
        return self._notes.read_text().split() if self._notes.exists() else []


def environment(desktop: Desktop, **variables: str) -> dict[str, str]:
    return {"BROWSER": str(desktop.program), **variables}


async def test_the_server_opens_its_own_browser_where_the_client_says_that_it_is_near(
    start: Starter, sandbox: Sandbox, desktop: Desktop
):
    """The address in a message is hard to open; the person sits in front of this machine."""
    client = await start(
        sandbox, auth={"browserOnServerHost": True}, environment=environment(desktop)
    )

    request = await client.start_request("auth/login", {"method": "browser"})
    opened = await eventually(desktop.opened, "a page in the browser")
    await request.cancel()
    await request.error()

    assert [message.method for message in client.messages if message.method in MEANS] == [
        "window/showMessage"
    ]
    assert opened == [f"{sandbox.issuer}/oauth/authorize"]


async def test_the_server_opens_its_own_browser_where_the_client_refused_to(
    start: Starter, sandbox: Sandbox, desktop: Desktop
):
    """A page that the client did not show is opened beside the message."""
    client = await start(
        sandbox,
        auth={"browserOnServerHost": True},
        window=SHOWS,
        handlers={"window/showDocument": lambda _: {"success": False}},
        environment=environment(desktop),
    )

    request = await client.start_request("auth/login", {"method": "browser"})
    await client.wait_for("window/showMessage")
    opened = await eventually(desktop.opened, "a page in the browser")
    await request.cancel()
    await request.error()

    assert opened == [f"{sandbox.issuer}/oauth/authorize"]


FAR_AWAY: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "the client says so": ({"browserOnServerHost": False}, {}),
    "a client over SSH": ({"environment": "ssh"}, {}),
    "a client in a container": ({"environment": "container"}, {}),
    "a client in Codespaces": ({"environment": "codespaces"}, {}),
    "a client on the web": ({"environment": "web"}, {}),
    "a server behind SSH": ({}, {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}),
    "a server in Codespaces": ({"environment": "local"}, {"CODESPACES": "true"}),
    "a client with prompts": ({"loginPrompt": True, "browserOnServerHost": True}, {}),
}


@pytest.mark.parametrize("name", FAR_AWAY)
async def test_the_server_opens_no_browser_that_the_person_cannot_see(
    start: Starter, sandbox: Sandbox, desktop: Desktop, name
):
    """Over SSH, in a container, on the web, or where the client does it itself."""
    auth, variables = FAR_AWAY[name]
    client = await start(sandbox, auth=auth, environment=environment(desktop, **variables))

    await prompted(client)
    await client.close()

    assert desktop.opened() == []


async def test_the_server_opens_no_browser_where_the_client_shows_the_page(
    start: Starter, sandbox: Sandbox, desktop: Desktop
):
    """Nobody gets the same page twice."""
    client = await start(
        sandbox,
        auth={"browserOnServerHost": True},
        window=SHOWS,
        environment=environment(desktop),
    )

    assert await prompted(client) == {"window/showDocument": 1}
    await client.close()
    assert desktop.opened() == []
