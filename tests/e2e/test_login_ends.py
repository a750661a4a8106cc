"""Every way in which a login ends: outcome, code and kind, told once, and the old login kept."""

from __future__ import annotations

import asyncio
import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import begin, completion, sign_in_with_key
from e2e.promises import status_changes
from e2e.shapes import api_key_login, chatgpt_login, example_key
from support import raw_callback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.conftest import Starter
    from e2e.logins import Attempt, Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient, PendingRequest
    from support.sandbox import Sandbox

PROCESS_END = 5.0
"""Seconds that a process may take to end when its client has gone."""


@pytest.fixture
def old_login(home: CodexHome) -> bytes:
    """Store a login that every failed attempt has to leave as it was; return its bytes."""
    return home.write(chatgpt_login(issuer="http://127.0.0.1:9") | {"x_future": [1]})


async def ended(client: LanguageClient, attempt: Attempt) -> dict[str, Any]:
    """Return how the attempt ended, once the request has its answer and the port is closed.

    Checks what goes for every end: the error of the request and of `auth/loginCompleted` are the
    same, they name the attempt, the status has no `pendingLogin` any more.
    """
    error = await attempt.request.error()
    completed = await completion(client, attempt.id)
    status = await client.request("auth/status", {})
    await raw_callback.until_closed(attempt.port)
    assert completed.get("error", {}).get("attemptId") == attempt.id
    if error.code != -32800:
        assert error.data == {
            name: value for name, value in completed["error"].items() if name != "message"
        }
        assert error.message == completed["error"]["message"]
    assert "pendingLogin" not in status
    assert len(client.all("auth/loginCompleted")) == 1
    return {"code": error.code, "kind": error.kind, "outcome": completed["outcome"]}


async def test_cancel_login_ends_it(start: Starter, sandbox: Sandbox, home: CodexHome, old_login):
    """`auth/cancelLogin` without an id ends whatever runs."""
    client = await start(sandbox)
    attempt = await begin(client)

    answer = await client.request("auth/cancelLogin", {})

    assert answer == {"outcome": "cancelled"}
    assert await ended(client, attempt) == {
        "code": -32802,
        "kind": "loginCancelled",
        "outcome": "cancelled",
    }
    assert home.bytes() == old_login


async def test_cancel_login_takes_an_id_and_knows_what_it_does_not_know(
    start: Starter, sandbox: Sandbox
):
    """Another id is `notFound` and harmless; one that is over is `alreadyFinished`."""
    client = await start(sandbox)
    nothing = await client.request("auth/cancelLogin", {})
    attempt = await begin(client, attemptId="mine")

    other = await client.request("auth/cancelLogin", {"attemptId": "another"})
    still_waiting = not attempt.request.answered
    mine = await client.request("auth/cancelLogin", {"attemptId": "mine"})
    await attempt.request.error()
    again = await client.request("auth/cancelLogin", {"attemptId": "mine"})
    none_left = await client.request("auth/cancelLogin", {})

    outcomes = [answer["outcome"] for answer in (nothing, other, mine, again, none_left)]
    assert outcomes == ["notFound", "notFound", "cancelled", "alreadyFinished", "notFound"]
    assert still_waiting


async def test_the_request_s_own_cancellation_ends_it(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """`$/cancelRequest` gives -32800 to the request that was cancelled."""
    client = await start(sandbox)
    attempt = await begin(client)

    await attempt.request.cancel()

    assert await ended(client, attempt) == {"code": -32800, "kind": None, "outcome": "cancelled"}
    assert home.bytes() == old_login


async def test_cancelling_the_progress_ends_it(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """`window/workDoneProgress/cancel` is a cancellation by the person, not of the request."""
    client = await start(sandbox)
    attempt = await begin(client, workDoneToken="my progress")

    await client.notify("window/workDoneProgress/cancel", {"token": "another progress"})
    await client.request("auth/status", {})
    unharmed = not attempt.request.answered
    await client.notify("window/workDoneProgress/cancel", {"token": "my progress"})

    assert await ended(client, attempt) == {
        "code": -32802,
        "kind": "loginCancelled",
        "outcome": "cancelled",
    }
    assert unharmed
    assert home.bytes() == old_login


async def test_a_logout_ends_it_first(start: Starter, sandbox: Sandbox, home: CodexHome):
    """`auth/logout` cancels a running login, then removes what is stored."""
    home.write(api_key_login(example_key("removed")))
    client = await start(sandbox)
    attempt = await begin(client)

    result = await client.request("auth/logout", {})

    assert await ended(client, attempt) == {
        "code": -32802,
        "kind": "loginCancelled",
        "outcome": "cancelled",
    }
    assert (result["removed"], result["status"]["state"]) == (["file"], "signedOut")
    causes = [change["cause"] for change in status_changes(client)]
    assert causes == ["startup", "pendingLogin", "pendingLogin", "logout"]
    assert home.bytes() is None


async def test_shutdown_ends_it(start: Starter, sandbox: Sandbox, home: CodexHome, old_login):
    """Whoever waits hears `shuttingDown` before `shutdown` is answered."""
    client = await start(sandbox)
    attempt = await begin(client)

    shutdown = await client.start_request("shutdown")
    error = await attempt.request.error()
    answer = await shutdown.message()
    await client.notify("exit")
    returncode = await client.wait_until_ended()

    completed = client.all("auth/loginCompleted")
    assert error.summary == (-32802, "shuttingDown")
    assert [message.params["outcome"] for message in completed] == ["cancelled"]
    assert completed[0].index < answer.index
    assert (answer.result(), returncode) == (None, 0)
    assert not await raw_callback.is_listening(attempt.port)
    assert home.bytes() == old_login


async def test_a_newer_login_supersedes_it(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, old_login
):
    """(L23) `supersede` is the default: the older request is told, the newer one gets the port."""
    client = await start(sandbox)
    older = await begin(client)

    newer = await begin(client)
    error = await older.request.error()
    completed = await completion(client, older.id)
    unchanged = home.bytes()
    await browser.visit(newer.url)
    result = await newer.request.result()

    assert error.summary == (-32802, "loginSuperseded")
    assert completed["outcome"] == "superseded"
    assert older.port == newer.port
    assert unchanged == old_login
    assert result["attemptId"] == newer.id != older.id


async def test_a_login_with_a_key_supersedes_one_in_the_browser(start: Starter, sandbox: Sandbox):
    """The methods share one place."""
    client = await start(sandbox)
    attempt = await begin(client)

    result = await sign_in_with_key(client, example_key("supersedes"))
    error = await attempt.request.error()

    assert error.summary == (-32802, "loginSuperseded")
    assert result["status"]["method"] == "apiKey"
    assert "pendingLogin" not in result["status"]
    await raw_callback.until_closed(attempt.port)


async def test_with_fail_the_newer_login_is_refused(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`ifRunning: fail` is `loginInProgress`; the older one goes on."""
    client = await start(sandbox)
    attempt = await begin(client)

    refusals = [
        await client.request_error("auth/login", {**params, "ifRunning": "fail"})
        for params in (
            {"method": "browser"},
            {"method": "apiKey", "apiKey": example_key("refused")},
        )
    ]
    await browser.visit(attempt.url)
    result = await attempt.request.result()

    assert {refusal.summary for refusal in refusals} == {(-32803, "loginInProgress")}
    assert result["attemptId"] == attempt.id
    assert len(client.all("auth/loginCompleted")) == 1


async def test_with_fail_and_nothing_running_a_login_starts(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`ifRunning` says what becomes of another login, and there is none."""
    client = await start(sandbox)

    result = await browser.sign_in(client, ifRunning="fail")

    assert result["status"]["state"] == "signedIn"


async def test_its_deadline_ends_it(start: Starter, sandbox: Sandbox, home: CodexHome, old_login):
    """(L22) Nobody came: `loginTimedOut`, outcome `expired`."""
    client = await start(sandbox)
    attempt = await begin(client, timeoutSeconds=1)

    assert await ended(client, attempt) == {
        "code": -32803,
        "kind": "loginTimedOut",
        "outcome": "expired",
    }
    assert home.bytes() == old_login


async def test_the_deadline_holds_while_the_issuer_is_asked(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, old_login
):
    """An issuer that hangs cannot keep a login beyond its deadline."""
    client = await start(sandbox)
    sandbox.fault("token", "hang")
    attempt = await begin(client, timeoutSeconds=2)

    visit = asyncio.create_task(browser.visit(attempt.url))
    how = await ended(client, attempt)
    page = await visit
    sandbox.release()

    assert how == {"code": -32803, "kind": "loginTimedOut", "outcome": "expired"}
    assert "This sign-in did not work" in page.final_body
    assert home.bytes() == old_login


async def test_a_denial_on_the_issuer_s_page_ends_it(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, old_login
):
    """The person said no: `loginDenied`, and their page says it too."""
    client = await start(sandbox)
    attempt = await begin(client)

    visit = await browser.visit(attempt.url, decision="deny")

    assert await ended(client, attempt) == {
        "code": -32803,
        "kind": "loginDenied",
        "outcome": "failed",
    }
    error = (await completion(client, attempt.id))["error"]
    assert error["oauthError"] == "access_denied"
    assert "This sign-in did not work" in visit.final_body
    assert home.bytes() == old_login
    assert sandbox.requests("token") == []


async def test_an_error_of_the_issuer_s_page_ends_it(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, old_login
):
    """The issuer sent the person back with an error of its own."""
    client = await start(sandbox)
    sandbox.fault("authorize", "status", oauthError="temporarily_unavailable")
    attempt = await begin(client)

    await browser.visit(attempt.url)
    how = await ended(client, attempt)

    assert (how["code"], how["outcome"]) == (-32803, "failed")
    error = (await completion(client, attempt.id))["error"]
    assert error["oauthError"] == "temporarily_unavailable"
    assert home.bytes() == old_login


async def test_the_end_of_stdin_ends_it(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """A client that crashed leaves no listener and no half login."""
    client = await start(sandbox)
    attempt = await begin(client)

    await client.close_stdin()
    await client.wait_until_ended(timeout=PROCESS_END)

    assert not await raw_callback.is_listening(attempt.port)
    assert home.bytes() == old_login


async def test_a_cancellation_while_storing_has_no_effect(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Nobody is told "cancelled" about a login that is stored."""
    client = await start(sandbox)
    attempt = await begin(client)

    with locked(home):
        visit = asyncio.create_task(browser.visit(attempt.url))
        await client.wait_for("auth/loginProgress", lambda params: params["phase"] == "storing")
        answer = await client.request("auth/cancelLogin", {})
        await attempt.request.cancel()
        await client.request("auth/status", {})
    result = await attempt.request.result()
    await visit

    assert answer == {"outcome": "alreadyFinished"}
    assert result["status"]["state"] == "signedIn"
    assert (await completion(client, attempt.id))["outcome"] == "signedIn"
    assert home.read()["auth_mode"] == "chatgpt"


async def test_a_lock_that_is_held_too_long_ends_it(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """(S13) Another program keeps the cache locked: `lockTimedOut`, and the old login stays."""
    client = await start(sandbox)

    with locked(home):
        error = await client.request_error(
            "auth/login", {"method": "apiKey", "apiKey": example_key("locked")}
        )

    assert error.summary == (-32803, "lockTimedOut")
    assert error.data["retryable"] is True
    assert home.bytes() == old_login


@contextmanager
def locked(home: CodexHome) -> Iterator[None]:
    """Hold the lock that the Codex CLI holds while it writes."""
    with (home.path / "auth.lock").open("a") as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX)
        yield


# Several requests for one attempt


async def join(client: LanguageClient, **params: Any) -> PendingRequest:
    """Ask for the login that runs already; the server has read it when this returns."""
    request = await client.start_request(
        "auth/login", {"method": "browser", "ifRunning": "join", **params}
    )
    await client.request("auth/status", {})
    return request


async def test_joined_requests_all_get_the_result(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """One attempt, one prompt, one completion, and a result for each request."""
    client = await start(sandbox)
    attempt = await begin(client)
    others = [await join(client), await join(client)]

    await browser.visit(attempt.url)
    results = [await request.result() for request in (attempt.request, *others)]

    assert [result["attemptId"] for result in results] == [attempt.id] * 3
    assert results[0] == results[1] == results[2]
    assert len(client.all("auth/loginPrompt")) == 1
    assert len(client.all("auth/loginCompleted")) == 1
    assert len(sandbox.requests("token")) == 1


@pytest.mark.parametrize("leaver", ["the first", "the second"])
async def test_a_joined_request_that_is_cancelled_leaves_the_others_waiting(
    start: Starter, sandbox: Sandbox, browser: Browser, leaver
):
    """`$/cancelRequest` ends only that request while another one waits."""
    client = await start(sandbox)
    attempt = await begin(client)
    joined = await join(client)
    leaves, stays = (
        (attempt.request, joined) if leaver == "the first" else (joined, attempt.request)
    )

    await leaves.cancel()
    error = await leaves.error()
    none_completed = client.all("auth/loginCompleted") == []
    await browser.visit(attempt.url)
    result = await stays.result()

    assert error.code == -32800
    assert none_completed
    assert result["attemptId"] == attempt.id
    assert (await completion(client, attempt.id))["outcome"] == "signedIn"


async def test_the_last_joined_request_to_be_cancelled_ends_the_attempt(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """When nobody waits any more the attempt is cancelled."""
    client = await start(sandbox)
    attempt = await begin(client)
    joined = await join(client)

    await attempt.request.cancel()
    first = await attempt.request.error()
    await joined.cancel()
    second = await joined.error()

    assert [first.code, second.code] == [-32800, -32800]
    assert (await completion(client, attempt.id))["outcome"] == "cancelled"
    await raw_callback.until_closed(attempt.port)
    assert home.bytes() == old_login


async def test_cancel_login_ends_the_attempt_for_all_who_joined(start: Starter, sandbox: Sandbox):
    """`auth/cancelLogin` is about the attempt, not about a request."""
    client = await start(sandbox)
    attempt = await begin(client)
    joined = await join(client)

    await client.request("auth/cancelLogin", {"attemptId": attempt.id})
    errors = [await request.error() for request in (attempt.request, joined)]

    assert [error.summary for error in errors] == [(-32802, "loginCancelled")] * 2
    assert len(client.all("auth/loginCompleted")) == 1


async def test_join_with_nothing_running_starts_an_attempt(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """There is always somebody to wait for."""
    client = await start(sandbox)

    result = await browser.sign_in(client, ifRunning="join", attemptId="first-of-all")

    assert result["attemptId"] == "first-of-all"


async def test_another_method_does_not_join(start: Starter, sandbox: Sandbox, home: CodexHome):
    """`join` needs the same method: a key is not what the browser's login will bring."""
    client = await start(sandbox)
    attempt = await begin(client)

    error = await client.request_error(
        "auth/login",
        {"method": "apiKey", "apiKey": example_key("joins"), "ifRunning": "join"},
    )

    assert error.summary == (-32803, "loginInProgress")
    assert not attempt.request.answered
    assert home.bytes() is None


async def test_every_joined_request_has_its_own_progress(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Each token begins and ends, whichever request it came with."""
    client = await start(sandbox)
    attempt = await begin(client, workDoneToken="one")
    joined = await join(client, workDoneToken="two")

    await browser.visit(attempt.url)
    await attempt.request.result()
    await joined.result()

    kinds: dict[str, list[str]] = {"one": [], "two": []}
    for message in client.all("$/progress"):
        kinds[message.params["token"]].append(message.params["value"]["kind"])
    assert {token: (seen[0], seen[-1]) for token, seen in kinds.items()} == {
        "one": ("begin", "end"),
        "two": ("begin", "end"),
    }


@pytest.mark.parametrize("second", ["auth/cancelLogin", "auth/login", "auth/logout", "shutdown"])
async def test_a_login_stopped_before_it_took_a_step_ends_like_any_other(start: Starter, second):
    """The first login's modules are still being loaded when the second message arrives."""
    client = await start("http://127.0.0.1:9")
    first = await client.start_request("auth/login", {"method": "browser", "attemptId": "first"})
    params = {"method": "apiKey", "apiKey": example_key("second")} if second == "auth/login" else {}
    await client.start_request(second, params)

    error = await first.error()
    completed = await completion(client, "first")
    if second == "shutdown":
        await client.notify("exit")
        assert await client.wait_until_ended() == 0

    assert error.code == -32802
    assert completed["outcome"] in ("cancelled", "superseded")
