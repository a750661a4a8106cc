"""A redirect that never arrives and is pasted instead, and a page that is opened again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from e2e.logins import begin, completion, parameters
from support import raw_callback
from support.lsp_client import EXECUTE_COMMAND

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Attempt, Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

SUBMIT = "auth/submitCallback"
REOPEN = "auth/reopenBrowser"

SSH = {"loginPrompt": True, "environment": "ssh"}

LONGEST = 16_384
"""Characters of the longest address that is read."""


async def refused(client: LanguageClient, url: str, **more: Any) -> tuple[int, str | None]:
    """Return code and kind of the error that an address gets."""
    return (await client.request_error(SUBMIT, {"url": url, **more})).summary


async def test_a_pasted_address_signs_in_where_the_callback_cannot_arrive(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The listener gets nothing; the answer is quick, the outcome is the login's."""
    client = await start(sandbox, auth=SSH)
    attempt = await begin(client)
    url = await browser.callback_url(attempt.url, person="password")

    answer = await client.request(SUBMIT, {"attemptId": attempt.id, "url": f"  {url}#\n"})
    result = await attempt.request.result()
    await raw_callback.until_closed(attempt.port)

    assert answer == {"accepted": True}
    assert result["status"]["account"]["email"] == "pro@example.com"
    assert home.read()["auth_mode"] == "chatgpt"
    assert (await completion(client, attempt.id))["outcome"] == "signedIn"
    order = [message.answers for message in client.messages if message.answers]
    assert order.index(SUBMIT) < order.index("auth/login")


def wrong_addresses(attempt: Attempt, true_url: str) -> dict[str, str]:
    """Return addresses that are almost the attempt's."""
    base, state = attempt.redirect_uri, attempt.state
    code = parameters(true_url)["code"]

    def with_query(**query: str) -> str:
        return f"{base}?{urlencode(query)}"

    return {
        "another state": with_query(code=code, state=f"{state[:-1]}_"),
        "no state": with_query(code=code),
        "an empty state": with_query(code=code, state=""),
        "an error without the state": with_query(error="access_denied"),
        "an error with another state": with_query(error="access_denied", state="x"),
        "no code": with_query(state=state),
        "two states": f"{with_query(code=code, state=state)}&state=x",
        "two codes": f"{with_query(code=code, state=state)}&code=x",
        "another scheme": true_url.replace("http://", "https://"),
        "no scheme": true_url.removeprefix("http://"),
        "another host": true_url.replace("127.0.0.1", "127.0.0.2"),
        "the host by its name": true_url.replace("127.0.0.1", "localhost"),
        "a name before the host": true_url.replace("127.0.0.1", "evil@127.0.0.1"),
        "another port": true_url.replace(f":{attempt.port}", ":1456"),
        "another path": true_url.replace("/auth/callback", "/auth/callback/"),
        "the issuer's page": attempt.url,
        "no address": "code",
        "nothing": "",
        "a line break inside": true_url.replace("?", "?\n", 1),
    }


async def test_p5_an_address_that_is_not_the_attempt_s_changes_nothing(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`callbackRejected` for each, no token request, and the true address then signs in."""
    client = await start(sandbox, auth=SSH)
    attempt = await begin(client)
    true_url = await browser.callback_url(attempt.url)

    answers = {
        name: await refused(client, url) for name, url in wrong_addresses(attempt, true_url).items()
    }
    asked = sandbox.requests("token")
    await client.request(SUBMIT, {"url": true_url})

    assert set(answers.values()) == {(-32803, "callbackRejected")}
    assert asked == []
    assert (await attempt.request.result())["status"]["state"] == "signedIn"


async def test_the_refusal_names_the_attempt_and_repeats_nothing(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """What was pasted is a secret; the guard searches every output for it."""
    client = await start(sandbox, auth=SSH)
    attempt = await begin(client)
    url = f"{await browser.callback_url(attempt.url)}&state=marker-that-must-not-come-back"

    error = await client.request_error(SUBMIT, {"url": url})
    await client.request("auth/cancelLogin", {})
    await attempt.request.error()

    assert error.data["attemptId"] == attempt.id
    assert "marker" not in f"{error.message} {error.data} {client.stderr.decode()}"


async def test_p7_an_attempt_is_answered_once(start: Starter, sandbox: Sandbox, browser: Browser):
    """Of an address pasted twice and delivered too, one counts; there is one token request."""
    client = await start(sandbox, auth=SSH)
    attempt = await begin(client)
    url = await browser.callback_url(attempt.url)
    sandbox.fault("token", "hang", times=1)

    await client.request(SUBMIT, {"url": url})
    await sandbox.saw("token")
    again = await refused(client, url)
    delivered = await raw_callback.deliver(url)
    sandbox.release()
    await attempt.request.message()

    assert again == (-32803, "callbackRejected")
    assert delivered.refused
    assert len(sandbox.requests("token")) == 1


async def test_a_denial_that_is_pasted_ends_the_login(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """It is the issuer's answer as much as a code is."""
    client = await start(sandbox, auth=SSH)
    attempt = await begin(client)
    url = await browser.callback_url(attempt.url, decision="deny")

    answer = await client.request(SUBMIT, {"url": url})
    error = await attempt.request.error()

    assert answer == {"accepted": True}
    assert error.summary == (-32803, "loginDenied")
    assert home.bytes() is None


async def test_without_a_waiting_login_there_is_nothing_to_paste(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`attemptNotFound` before, after, and with the id of another attempt."""
    url = "http://127.0.0.1:1455/auth/callback?code=x&state=y"
    client = await start(sandbox, auth=SSH)

    before = await refused(client, url)
    attempt = await begin(client)
    another = await refused(client, url, attemptId="another")
    await client.request(SUBMIT, {"url": await browser.callback_url(attempt.url)})
    await attempt.request.result()
    after = await refused(client, url, attemptId=attempt.id)

    assert {before, another, after} == {(-32803, "attemptNotFound")}


async def test_a_login_with_a_code_waits_for_no_address(start: Starter, sandbox: Sandbox):
    """It goes on."""
    client = await start(sandbox, auth=SSH)
    attempt = await begin(client, method="deviceCode")

    error = await refused(client, "http://127.0.0.1:1455/auth/callback?code=x&state=y")
    pending = (await client.request("auth/status", {}))["pendingLogin"]
    await client.request("auth/cancelLogin", {})
    await attempt.request.error()

    assert error == (-32803, "callbackRejected")
    assert pending["attemptId"] == attempt.id


async def test_an_address_beyond_16_kib_is_not_read(start: Starter, sandbox: Sandbox):
    """-32602 names the field; one of just that length is read, and refused for what it is."""
    client = await start(sandbox, auth=SSH)
    attempt = await begin(client)
    url = f"{attempt.redirect_uri}?state="

    longest = await refused(client, url.ljust(LONGEST, "x"))
    longer = await client.request_error(SUBMIT, {"url": url.ljust(LONGEST + 1, "x")})
    await client.request("auth/cancelLogin", {})
    await attempt.request.error()

    assert longest == (-32803, "callbackRejected")
    assert longer.code == -32602
    assert longer.message == "`url` must be a string of at most 16384 characters."


# The page once more


@pytest.mark.parametrize("method", ["browser", "deviceCode"])
async def test_the_same_prompt_is_sent_again_before_the_answer(
    start: Starter, sandbox: Sandbox, method
):
    """The address or code is the same, and so is the attempt."""
    client = await start(sandbox)
    attempt = await begin(client, method=method)

    request = await client.start_request(REOPEN, {"attemptId": attempt.id})
    answer = await request.message()
    first, second = client.all("auth/loginPrompt")
    await client.request("auth/cancelLogin", {})
    await attempt.request.error()

    assert answer.result() == {}
    assert first.params == second.params
    assert second.index < answer.index


async def test_a_client_without_prompts_is_asked_to_show_the_page_again(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """By the means that it has; the answer does not wait for it."""
    client = await start(sandbox, auth=None, window={"showDocument": {"support": True}})
    await client.request(EXECUTE_COMMAND, {"command": "codexAuth.signIn"})
    await client.wait_for("window/showDocument")

    assert await client.request(REOPEN) == {}
    first, second = client.all("window/showDocument")
    await browser.visit(second.params["uri"])
    await client.wait_for("window/showMessage")

    assert first.params == second.params


async def test_the_answer_does_not_wait_for_a_client_that_shows_pages(
    start: Starter, sandbox: Sandbox
):
    """It comes while the page is still asked for; a message follows when none is shown."""
    may_refuse = asyncio.Event()
    may_refuse.set()

    async def refuse(_params: Any) -> dict[str, bool]:
        await may_refuse.wait()
        return {"success": False}

    client = await start(
        sandbox,
        auth={},
        window={"showDocument": {"support": True}},
        handlers={"window/showDocument": refuse},
    )
    login = await client.start_request("auth/login", {"method": "browser"})
    await client.wait_for("window/showMessage")
    may_refuse.clear()
    mark = client.mark()

    request = await client.start_request(REOPEN)
    answer = await request.message()
    may_refuse.set()
    message = await client.wait_for("window/showMessage", since=mark)
    await client.request("auth/cancelLogin", {})
    await login.error()

    (asked,) = client.all("window/showDocument", since=mark)
    assert answer.result() == {}
    assert asked.index < answer.index < message.index


async def test_nothing_is_shown_again_where_nothing_waits(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Before a login, for another's id, and after it: `attemptNotFound`."""
    client = await start(sandbox)

    errors = [await client.request_error(REOPEN)]
    attempt = await begin(client)
    errors.append(await client.request_error(REOPEN, {"attemptId": "another"}))
    await browser.visit(attempt.url)
    await attempt.request.result()
    errors.append(await client.request_error(REOPEN, {"attemptId": attempt.id}))

    assert {error.summary for error in errors} == {(-32803, "attemptNotFound")}
    assert len(client.all("auth/loginPrompt")) == 1


async def test_an_attempt_that_shows_nothing_yet_goes_on(start: Starter, sandbox: Sandbox):
    """What runs is still being prepared: there is no page to be shown again, and no advice."""
    sandbox.fault("metadata", "hang")
    client = await start(sandbox)
    login = await client.start_request("auth/login", {"method": "browser"})
    progress = await client.wait_for("auth/loginProgress")
    attempt_id = progress.params["attemptId"]

    error = await client.request_error(REOPEN)
    await client.request("auth/cancelLogin", {})
    await login.error()

    assert error.message == "The sign-in that runs has nothing to show at this moment; it goes on."
    assert error.data == {
        "kind": "attemptNotFound",
        "retryable": False,
        "attemptId": attempt_id,
        "remediation": [],
    }


async def test_an_attempt_that_is_not_found_is_told_apart_from_one_that_waits(
    start: Starter, sandbox: Sandbox
):
    """While another one waits no advice would end that; the answer names what was asked for."""
    client = await start(sandbox)
    url = "http://127.0.0.1:1455/auth/callback?code=x&state=y"
    nothing = await client.request_error(REOPEN, {"attemptId": "another"})
    attempt = await begin(client)

    wrong = [
        await client.request_error(REOPEN, {"attemptId": "another"}),
        await client.request_error(SUBMIT, {"attemptId": "another", "url": url}),
    ]
    await client.request("auth/cancelLogin", {})
    await attempt.request.error()
    without = await client.request_error(REOPEN)

    for error in wrong:
        assert error.message == "Another sign-in is waiting, and not this one; it goes on."
        assert error.data == {
            "kind": "attemptNotFound",
            "retryable": False,
            "attemptId": "another",
            "remediation": [],
        }
    sentence = "No sign-in is waiting for this any more; sign in again."
    assert nothing.message == without.message == sentence
    assert nothing.data["attemptId"] == "another"
    assert "attemptId" not in without.data
    advice = [{"title": "Sign in again", "command": "codexAuth.signIn"}]
    assert nothing.data["remediation"] == without.data["remediation"] == advice
