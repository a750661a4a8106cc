"""Clients with no code of their own: commands, and standard messages for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import begin, completion, parameters
from e2e.shapes import api_key_login, example_key
from support import raw_callback
from support.lsp_client import EXECUTE_COMMAND, NO_ANSWER, RpcError

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient, Message
    from support.sandbox import Sandbox

SHOWS = {"showDocument": {"support": True}}
"""`capabilities.window` of a client that opens pages."""

AT_ONCE = 5.0
"""Seconds within which a command is answered: many clients give up after ten."""

ERROR, INFO = 1, 3
"""LSP's MessageType."""


async def execute(client: LanguageClient, command: str, **more: Any) -> Any:
    """Run a command and return its result."""
    return await client.request(EXECUTE_COMMAND, {"command": command, **more}, timeout=AT_ONCE)


async def shown_page(client: LanguageClient, since: int = 0) -> dict[str, Any]:
    """Return the params of the next `window/showDocument`."""
    return dict((await client.wait_for("window/showDocument", since=since)).params)


async def said(client: LanguageClient, since: int = 0) -> dict[str, Any]:
    """Return the params of the next `window/showMessage`."""
    return dict((await client.wait_for("window/showMessage", since=since)).params)


def address_in(message: dict[str, Any]) -> str:
    """Return the URL that a message shows."""
    (address,) = [word for word in message["message"].split() if word.startswith("http")]
    return str(address)


def methods_of(messages: list[Message]) -> list[str]:
    return [message.method for message in messages if message.method is not None]


# Signing in


async def test_a_person_signs_in_with_a_command_alone(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The command is answered at once, the page is opened by the client, the end is a message."""
    client = await start(sandbox, auth=None, window=SHOWS)

    answer = await execute(client, "codexAuth.signIn")
    page = await shown_page(client)
    since = client.mark()
    await browser.visit(page["uri"])
    message = await said(client, since)

    assert list(answer) == ["attemptId"]
    assert page["external"] is True
    assert page["uri"].startswith(f"{sandbox.issuer}/oauth/authorize?")
    assert message["type"] == INFO
    assert "plus@example.com" in message["message"]
    assert home.read()["auth_mode"] == "chatgpt"
    assert set(methods_of(client.messages)) == {"window/showDocument", "window/showMessage"}


async def test_the_phases_are_shown_where_the_client_can_show_them(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`window/workDoneProgress/create` comes before the progress, the last word after it."""
    client = await start(sandbox, auth=None, window=SHOWS | {"workDoneProgress": True})

    await execute(client, "codexAuth.signIn")
    page = await shown_page(client)
    await client.wait_for("$/progress", lambda params: params["value"]["kind"] == "begin")
    since = client.mark()
    await browser.visit(page["uri"])
    await said(client, since)

    (create,) = client.all("window/workDoneProgress/create")
    progress = client.all("$/progress")
    kinds = [message.params["value"]["kind"] for message in progress]
    assert create.index < progress[0].index
    assert {message.params["token"] for message in progress} == {create.params["token"]}
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert "report" in kinds
    assert progress[-1].index < client.all("window/showMessage")[-1].index


async def test_a_client_that_refuses_progress_gets_none(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """It changed its mind: the login works all the same."""

    def refuse(_: Any) -> Any:
        raise RpcError(-32603, "no progress today", None)

    client = await start(
        sandbox,
        auth=None,
        window=SHOWS | {"workDoneProgress": True},
        handlers={"window/workDoneProgress/create": refuse},
    )

    await execute(client, "codexAuth.signIn")
    page = await shown_page(client)
    since = client.mark()
    await browser.visit(page["uri"])

    assert (await said(client, since))["type"] == INFO
    assert client.all("$/progress") == []


async def test_cancelling_the_progress_cancels_the_login(start: Starter, sandbox: Sandbox):
    """The client's own button for it does what `codexAuth.cancel` does."""
    client = await start(sandbox, auth=None, window=SHOWS | {"workDoneProgress": True})
    await execute(client, "codexAuth.signIn")
    begun = await client.wait_for("$/progress", lambda params: params["value"]["kind"] == "begin")
    page = await shown_page(client)

    since = client.mark()
    await client.notify("window/workDoneProgress/cancel", {"token": begun.params["token"]})

    assert "cancelled" in (await said(client, since))["message"]
    await raw_callback.until_closed(raw_callback.port_of(parameters(page["uri"])["redirect_uri"]))


async def test_a_second_command_joins_the_running_login(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """One attempt, one page, and one word at the end."""
    client = await start(sandbox, auth=None, window=SHOWS)
    first = await execute(client, "codexAuth.signIn")
    page = await shown_page(client)

    second = await execute(client, "codexAuth.signIn")
    since = client.mark()
    await browser.visit(page["uri"])
    await said(client, since)
    await execute(client, "codexAuth.status")

    told = client.all("window/showMessage", since)
    assert first == second
    assert len(client.all("window/showDocument")) == 1
    assert len(told) == 2  # the end of the login, and the status that was asked for


async def test_a_command_joins_a_login_that_a_request_began(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """The commands are answered for every client, and there is one attempt at a time."""
    client = await start(sandbox)
    attempt = await begin(client)

    answer = await execute(client, "codexAuth.signIn")
    await browser.visit(attempt.url)
    result = await attempt.request.result()

    assert answer == {"attemptId": attempt.id}
    assert result["attemptId"] == attempt.id
    assert len(client.all("auth/loginPrompt")) == 1


async def test_a_login_that_a_command_began_is_told_to_a_client_that_speaks_auth(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`auth/loginCompleted` comes for every attempt, however it began."""
    client = await start(sandbox)

    answer = await execute(client, "codexAuth.signIn")
    prompt = await client.wait_for("auth/loginPrompt")
    await browser.visit(prompt.params["url"])

    assert prompt.params["attemptId"] == answer["attemptId"]
    assert (await completion(client, answer["attemptId"]))["outcome"] == "signedIn"


async def test_a_login_that_was_denied_is_told(start: Starter, sandbox: Sandbox, browser: Browser):
    """The sentence of the error, as an error."""
    client = await start(sandbox, auth=None, window=SHOWS)
    await execute(client, "codexAuth.signIn")
    page = await shown_page(client)

    since = client.mark()
    await browser.visit(page["uri"], decision="deny")
    message = await said(client, since)

    assert message["type"] == ERROR
    assert "refused" in message["message"]


async def test_a_login_that_cannot_begin_is_told_and_answered(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """The command's answer is the error of `auth/login`, and the person reads it too."""
    home.configure('forced_login_method = "api"\n')
    client = await start(sandbox, auth=None, window=SHOWS)

    error = await client.request_error(EXECUTE_COMMAND, {"command": "codexAuth.signIn"})
    message = await said(client)

    assert error.summary == (-32803, "loginMethodNotAllowed")
    assert message == {"type": ERROR, "message": error.message}


async def test_the_device_code_command_says_when_it_is_switched_off(
    start: Starter, sandbox: Sandbox
):
    """The command is answered at once; the issuer's word comes as a message, with what to do."""
    sandbox.policy(deviceEnabled=False)
    client = await start(sandbox, auth=None, window=SHOWS)

    answer = await execute(client, "codexAuth.signInWithDeviceCode")
    message = await said(client)

    assert list(answer) == ["attemptId"]
    assert message["type"] == ERROR
    assert "security settings" in message["message"]


# How the page reaches the person


async def test_a_client_that_refuses_to_show_the_page_gets_its_address_in_a_message(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`success: false` is no dead end."""
    client = await start(
        sandbox,
        auth=None,
        window=SHOWS,
        handlers={"window/showDocument": lambda _: {"success": False}},
    )

    await execute(client, "codexAuth.signIn")
    message = await said(client)
    since = client.mark()
    await browser.visit(address_in(message))

    assert address_in(message) == (await shown_page(client))["uri"]
    assert "plus@example.com" in (await said(client, since))["message"]


async def test_a_client_that_fails_to_show_the_page_gets_its_address_in_a_message(
    start: Starter, sandbox: Sandbox
):
    """An error answers like a refusal."""

    def fail(_: Any) -> Any:
        raise RpcError(-32601, "no such request", None)

    client = await start(sandbox, auth=None, window=SHOWS, handlers={"window/showDocument": fail})

    await execute(client, "codexAuth.signIn")

    assert address_in(await said(client)).startswith(f"{sandbox.issuer}/oauth/authorize?")


async def test_a_client_that_does_not_say_whether_it_shows_the_page_gets_its_address(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Five seconds of silence count as a refusal; the login waits all the while."""
    client = await start(
        sandbox,
        auth=None,
        window=SHOWS,
        handlers={"window/showDocument": lambda _: NO_ANSWER},
    )

    await execute(client, "codexAuth.signIn")
    asked = await client.wait_for("window/showDocument")
    told = await client.wait_for("window/showMessage")
    since = client.mark()
    await browser.visit(address_in(told.params))

    assert 4.5 < told.at - asked.at < 7
    assert "plus@example.com" in (await said(client, since))["message"]


async def test_a_client_that_shows_no_pages_gets_the_address_at_once(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Without `window.showDocument.support` the request is not even made."""
    client = await start(sandbox, auth=None)

    await execute(client, "codexAuth.signIn")
    message = await said(client)
    since = client.mark()
    await browser.visit(address_in(message))

    assert message["type"] == INFO
    assert client.all("window/showDocument") == []
    assert "plus@example.com" in (await said(client, since))["message"]


# The other commands


async def test_the_status_command_answers_and_says_it_in_a_sentence(
    start: Starter, home: CodexHome
):
    """The result is that of `auth/status`."""
    client = await start(auth=None)
    out = await execute(client, "codexAuth.status")
    home.write(api_key_login(example_key("commands")))
    since = client.mark()
    signed_in = await execute(client, "codexAuth.status")

    messages = [message.params for message in client.all("window/showMessage")]
    assert (out["state"], signed_in["state"]) == ("signedOut", "signedIn")
    assert "Nobody is signed in" in messages[0]["message"]
    assert "API key" in (await said(client, since))["message"]
    assert len(messages) == 2
    assert signed_in == await client.request("auth/status", {})


@pytest.mark.parametrize(("person", "is_asked"), [("password", True), ("google", False)])
async def test_the_status_command_says_what_codex_cloud_asks_for_first(
    start: Starter, sandbox: Sandbox, browser: Browser, person: str, is_asked: bool
):
    """A client that shows no more than this one message shows a required MFA, too."""
    client = await start(sandbox, auth=None, window=SHOWS)
    await execute(client, "codexAuth.signIn")
    await browser.visit((await shown_page(client))["uri"], person=person)
    await said(client)
    since = client.mark()
    status = await execute(client, "codexAuth.status")

    message = (await said(client, since))["message"]
    assert status["account"]["email"] in message
    assert ("MFA must be set up on it before using Codex cloud" in message) is is_asked


async def test_the_sign_out_command_says_what_nobody_could_read(start: Starter, home: CodexHome):
    """What could not be read could not be revoked, in an editor as in a terminal."""
    home.write(b"{no login")
    client = await start(auth=None)

    result = await execute(client, "codexAuth.signOut")
    message = await said(client)

    assert result["removed"] == ["file"]
    assert set(result) == {"removed", "remaining", "revoked", "status"}
    assert "could not be read, so it could not be revoked" in message["message"]


async def test_the_sign_out_command_signs_out_and_says_it_in_a_sentence(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The result is that of `auth/logout`."""
    client = await start(sandbox, auth=None, window=SHOWS)
    await execute(client, "codexAuth.signIn")
    page = await shown_page(client)
    since = client.mark()
    await browser.visit(page["uri"])
    await said(client, since)

    since = client.mark()
    result = await execute(client, "codexAuth.signOut")
    again = await execute(client, "codexAuth.signOut")

    assert (result["removed"], result["revoked"]) == (["file"], "yes")
    assert (again["removed"], again["revoked"]) == ([], "notApplicable")
    assert "Signed out" in (await said(client, since))["message"]
    assert len(client.all("window/showMessage", since)) == 2
    assert home.bytes() is None


async def test_the_cancel_command_ends_a_login_and_says_it_in_a_sentence(
    start: Starter, sandbox: Sandbox
):
    """The result is that of `auth/cancelLogin`."""
    client = await start(sandbox, auth=None, window=SHOWS)
    nothing = await execute(client, "codexAuth.cancel")
    await execute(client, "codexAuth.signIn")
    page = await shown_page(client)
    since = client.mark()

    cancelled = await execute(client, "codexAuth.cancel")

    assert nothing == {"outcome": "notFound"}
    assert cancelled == {"outcome": "cancelled"}
    assert "cancelled" in (await said(client, since))["message"]
    await raw_callback.until_closed(raw_callback.port_of(parameters(page["uri"])["redirect_uri"]))


async def test_the_cancel_command_ends_a_login_that_a_request_waits_for(
    start: Starter, sandbox: Sandbox
):
    """A command is a wish of the person: `loginCancelled`, outcome `cancelled`."""
    client = await start(sandbox)
    attempt = await begin(client)

    await execute(client, "codexAuth.cancel")
    error = await attempt.request.error()

    assert error.summary == (-32802, "loginCancelled")
    assert (await completion(client, attempt.id))["outcome"] == "cancelled"


@pytest.mark.parametrize(
    "params",
    [
        {"command": "codexAuth.unheardOf"},
        {"command": "codexAuth.signInWithApiKey"},
        {"command": ""},
        {"command": 5},
        {"command": None},
        {},
        [],
        None,
    ],
)
async def test_an_unknown_command_is_refused(start: Starter, params):
    """-32602: what is not listed is not run, whatever it looks like."""
    client = await start(auth=None)

    error = await client.request_error(EXECUTE_COMMAND, params)

    assert error.code == -32602
    assert client.all("window/showMessage") == []


async def test_arguments_decide_nothing(start: Starter, sandbox: Sandbox, home: CodexHome):
    """A command takes none; those that come along are ignored."""
    home.write(api_key_login(example_key("arguments")))
    client = await start(sandbox, auth=None)

    status = await execute(
        client, "codexAuth.status", arguments=[{"codexHome": "/elsewhere", "issuer": "http://x"}]
    )

    assert status["store"]["path"] == str(home.auth_file)
    assert status["state"] == "signedIn"


async def test_nothing_is_pushed_to_a_client_without_auth(start: Starter, home: CodexHome):
    """It asks when it wants to know, and then gets the latest state."""
    client = await start(auth=None)

    home.write(api_key_login(example_key("pushed")))
    status = await execute(client, "codexAuth.status")

    assert status["state"] == "signedIn"
    assert methods_of(client.messages) == ["window/showMessage"]
