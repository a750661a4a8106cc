"""Renewing a ChatGPT login: in place, once for all who want it, and never to anybody's loss."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asyncinotify import Inotify, Mask

from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.refresh_record import FAILED, RefreshRecord, write_record
from codex_auth_lsp.stores.lock import Turnstile
from e2e.logins import sign_in_with_key
from e2e.promises import status_changes, without_revision
from e2e.shapes import (
    access_token,
    aged,
    ago,
    api_key_login,
    changed,
    chatgpt_login,
    codex_bytes,
    example_key,
    id_token,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

NOBODY = "http://127.0.0.1:9"
"""An issuer that is not there."""

FORCE = {"force": True}

RENEWED = ("id_token", "access_token", "refresh_token")


async def signed_in(client: LanguageClient, browser: Browser, home: CodexHome) -> dict[str, Any]:
    """Sign in through the sandbox; return what is stored."""
    await browser.sign_in(client)
    return dict(home.read())


# What is written


async def test_a_rotation_changes_the_tokens_and_the_time_and_nothing_else(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Unknown members survive at every level, in their order, with every digit."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    stored = login["tokens"]
    before = {
        "x_first": [1, {"deep": None}],
        "auth_mode": login["auth_mode"],
        "OPENAI_API_KEY": login["OPENAI_API_KEY"],
        "tokens": {
            "x_token": "é\u2028",
            **{name: stored[name] for name in RENEWED},
            "oauth_provenance": stored["oauth_provenance"] | {"x_inner": {"a": [True]}},
            "login_owner_id": stored["login_owner_id"],
            "account_id": stored["account_id"],
            "x_last": 12345678901234567890123,
        },
        "last_refresh": login["last_refresh"],
        "x_number": 1e-7,
    }
    home.write(before)

    await client.request("auth/refresh", FORCE)
    after = home.read()

    expected = changed(before, **{name: after["tokens"][name] for name in RENEWED})
    expected["last_refresh"] = after["last_refresh"]
    assert home.bytes() == codex_bytes(expected)
    assert home.mode() == 0o600
    assert [name for name in RENEWED if after["tokens"][name] == stored[name]] == []
    assert after["last_refresh"] > login["last_refresh"]
    assert after["last_refresh"].endswith("Z")


async def test_numbers_are_kept_as_they_are_written(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """(S8) A number that no float holds is still the same text after a refresh."""
    client = await start(sandbox)
    text = json.dumps(await signed_in(client, browser, home))
    home.write((text[:-1] + ', "x_pi": 3.14159265358979323846264338327950288}').encode())

    await client.request("auth/refresh", FORCE)

    assert b'"x_pi": 3.14159265358979323846264338327950288' in (home.bytes() or b"")


async def test_a_token_that_the_issuer_does_not_send_again_is_kept(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """(P15) RFC 6749 section 6: without a new refresh token the old one goes on."""
    before = chatgpt_login(issuer=sandbox.issuer)
    home.write(before)
    client = await start(sandbox)
    renewed = access_token(name="renewed")
    sandbox.fault("refresh", "json", body={"access_token": renewed})

    await client.request("auth/refresh", FORCE)
    after = home.read()

    assert after["tokens"] == before["tokens"] | {"access_token": renewed}


async def test_nothing_stays_beside_the_login_that_gives_it_away(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Locks and notes of our own may stay; the guard searches them for tokens."""
    client = await start(sandbox)
    await signed_in(client, browser, home)

    await client.request("auth/refresh", FORCE)

    names = {path.name for path in home.path.iterdir()}
    assert "auth.json" in names
    assert {name for name in names if name.startswith(".auth")} == set()


# What is asked


async def test_the_request_is_the_codex_cli_s(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """JSON with four members in the Codex CLI's order."""
    client = await start(sandbox)
    await signed_in(client, browser, home)

    await client.request("auth/refresh", FORCE)

    (request,) = sandbox.requests("refresh")
    assert (request["contentType"], request["fields"], request["status"]) == (
        "application/json",
        ["client_id", "grant_type", "refresh_reason", "refresh_token"],
        200,
    )


async def test_a_token_that_is_valid_for_long_enough_costs_no_network(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Five minutes are enough unless the client says otherwise; the answer is the status."""
    client = await start(sandbox)
    before = codex_bytes(await signed_in(client, browser, home))

    answers = [
        await client.request("auth/refresh", params)
        for params in ({}, {"minValiditySeconds": 0}, {"minValiditySeconds": 3000})
    ]

    assert answers == [await client.request("auth/status", {})] * 3
    assert sandbox.requests("refresh") == []
    assert home.bytes() == before


async def test_a_token_that_ends_too_soon_for_the_client_is_renewed(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`minValiditySeconds` is compared with what is left."""
    client = await start(sandbox)
    home.write(aged(await signed_in(client, browser, home), left=1200))
    enough = await client.request("auth/refresh", {"minValiditySeconds": 1000})

    status = await client.request("auth/refresh", {"minValiditySeconds": 1500})

    assert len(sandbox.requests("refresh")) == 1
    assert status["expiresAt"] > enough["expiresAt"]
    assert status == await client.request("auth/status", {})


async def test_a_token_that_could_not_live_longer_is_left_alone(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """A client that asks for more than any token has costs no token for each of its requests."""
    client = await start(sandbox)
    before = codex_bytes(await signed_in(client, browser, home))

    await client.request("auth/refresh", {"minValiditySeconds": 100_000})

    assert sandbox.requests("refresh") == []
    assert home.bytes() == before


async def test_an_expired_token_is_renewed_without_force(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """What has ended is `fresh` again afterwards, for one request."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    home.write(changed(login, access_token=access_token(valid_for=-60)))

    status = await client.request("auth/refresh", {})

    assert (status["state"], status["freshness"]) == ("signedIn", "fresh")
    assert len(sandbox.requests("refresh")) == 1


@pytest.mark.parametrize(("days", "requests"), [(9, 1), (5, 0)])
async def test_an_opaque_token_is_renewed_by_its_age(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, days, requests
):
    """A token that does not say when it ends is renewed after eight days, and not after five."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    old = changed(login, access_token="opaque-access-token-of-the-test")
    home.write(old | {"last_refresh": ago(timedelta(days=days))})

    await client.request("auth/refresh", {})

    assert len(sandbox.requests("refresh")) == requests


@pytest.mark.parametrize(
    "login",
    [
        api_key_login(example_key("static")),
        {"OPENAI_API_KEY": None, "personal_access_token": "at-token-of-the-test"},
    ],
    ids=["API key", "personal access token"],
)
async def test_a_static_credential_is_returned_as_it_is(
    start: Starter, sandbox: Sandbox, home: CodexHome, login
):
    """There is nothing to renew, and that is no error."""
    before = home.write(login)
    client = await start(sandbox)

    status = await client.request("auth/refresh", FORCE)

    assert status == await client.request("auth/status", {})
    assert sandbox.requests("refresh") == []
    assert home.bytes() == before


async def test_signed_out_is_said(start: Starter, sandbox: Sandbox):
    """`notSignedIn` offers to sign in."""
    client = await start(sandbox)

    error = await client.request_error("auth/refresh", FORCE)

    assert error.summary == (-32803, "notSignedIn")
    assert "codexAuth.signIn" in [advice.get("command") for advice in error.data["remediation"]]


async def test_a_corrupt_file_is_said_and_kept(start: Starter, sandbox: Sandbox, home: CodexHome):
    """`storeCorrupt`: nobody can know whether there is something to renew."""
    before = home.write(b"no login")
    client = await start(sandbox)

    error = await client.request_error("auth/refresh", FORCE)

    assert error.summary == (-32803, "storeCorrupt")
    assert home.bytes() == before


async def test_the_change_is_announced_once_and_is_what_the_answer_says(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Cause `refresh`, before the answer, and the account is the same."""
    client = await start(sandbox)
    await signed_in(client, browser, home)
    since = client.mark()

    status = await client.request("auth/refresh", FORCE)

    (change,) = status_changes(client, since)
    assert (change["cause"], change["origin"], change["accountChanged"]) == (
        "refresh",
        "thisServer",
        False,
    )
    assert change["status"] == status == await client.request("auth/status", {})


# One request for all


async def test_ten_requests_at_once_cost_one_token_request(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Who comes while a refresh runs waits for that one, with force or without."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    home.write(changed(login, access_token=access_token(valid_for=-60)))
    sandbox.fault("refresh", "delay", seconds=0.5)

    requests = [
        await client.start_request("auth/refresh", FORCE if number % 2 else {})
        for number in range(10)
    ]
    answers = [await request.result() for request in requests]

    assert len(sandbox.requests("refresh")) == 1
    assert {answer["freshness"] for answer in answers} == {"fresh"}


@pytest.mark.parametrize("params", [{}, FORCE], ids=["expired", "forced"])
async def test_five_windows_at_once_cost_one_token_request(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, params
):
    """One process renews the login, the others take what it has stored."""
    windows = [await start(sandbox) for _ in range(5)]
    login = await signed_in(windows[0], browser, home)
    if params is not FORCE:
        home.write(changed(login, access_token=access_token(valid_for=-60)))
    sandbox.fault("refresh", "delay", seconds=1)

    requests = [await window.start_request("auth/refresh", params) for window in windows]
    answers = [await request.result() for request in requests]

    assert len(sandbox.requests("refresh")) == 1
    assert {answer["state"] for answer in answers} == {"signedIn"}
    assert {answer["freshness"] for answer in answers} == {"fresh"}
    assert sandbox.refresh(home.read()["tokens"]["refresh_token"]).status_code == 200


async def test_two_forced_refreshes_one_after_the_other_both_renew(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`force` renews a token that is still valid, however young."""
    client = await start(sandbox)
    await signed_in(client, browser, home)

    stored = []
    for _ in range(2):
        await client.request("auth/refresh", FORCE)
        stored.append(home.read()["tokens"]["refresh_token"])

    assert len(sandbox.requests("refresh")) == 2
    assert len(set(stored)) == 2


async def test_a_login_is_renewed_before_it_ends_although_nobody_asked(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Two windows are open, one of them renews the login in time, both tell of it."""
    first = await start(sandbox)
    login = await signed_in(first, browser, home)
    second = await start(sandbox)

    marks = {window.name: window.mark() for window in (first, second)}
    home.write(aged(login, left=120))
    await sandbox.saw("refresh")

    soon = ago(timedelta(minutes=-30))  # in half an hour
    for window in (first, second):
        await window.wait_for(
            "auth/statusChanged",
            lambda params: params["status"].get("expiresAt", "") > soon,
            since=marks[window.name],
        )
    causes = {window.all("auth/statusChanged")[-1].params["cause"] for window in (first, second)}
    assert causes == {"refresh", "externalChange"}
    assert len(sandbox.requests("refresh")) == 1


async def test_a_cancelled_request_does_not_lose_the_rotation(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`$/cancelRequest` ends the waiting; the spent token's successor is stored all the same."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    sandbox.fault("refresh", "delay", seconds=0.5)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    await refresh.cancel()
    error = await refresh.error()
    await client.wait_for("auth/statusChanged", lambda params: params["cause"] == "refresh")
    renewed = home.read()["tokens"]["refresh_token"]

    assert error.code == -32800
    assert renewed != login["tokens"]["refresh_token"]
    assert sandbox.refresh(renewed).status_code == 200


# Refused for good

REFUSALS = {
    "refresh_token_expired": "refreshTokenExpired",
    "refresh_token_reused": "refreshTokenReused",
    "refresh_token_invalidated": "refreshTokenRevoked",
    "something_else": "needsReauth",
}


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_permanent_refusal_is_named_and_the_login_kept(
    start: Starter, sandbox: Sandbox, home: CodexHome, code
):
    """The state is `needsReauth`, the file stays, and the issuer is not asked again."""
    before = home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    sandbox.fault("refresh", "json", status=401, body={"error": {"code": code, "message": "no"}})

    error = await client.request_error("auth/refresh", FORCE)
    status = await client.request("auth/status", {})
    again = await client.request_error("auth/refresh", {})

    assert error.summary == (-32803, REFUSALS[code])
    assert error.data["retryable"] is False
    assert "codexAuth.signIn" in [advice.get("command") for advice in error.data["remediation"]]
    assert (status["state"], status["freshness"]) == ("needsReauth", "stale")
    assert (status["cloud"]["available"], status["cloud"]["reason"]) == (False, "needsReauth")
    assert status["account"]["email"] == "ada@example.com"
    assert status["lastError"]["kind"] == REFUSALS[code]
    assert again.kind == REFUSALS[code]
    assert len(sandbox.requests("refresh")) == 1
    assert home.bytes() == before


@pytest.mark.parametrize(
    "body",
    [
        {"error": "refresh_token_reused"},
        {"code": "refresh_token_reused"},
        {"error": {"code": "refresh_token_reused"}},
    ],
    ids=["a string", "on top", "in an object"],
)
async def test_the_code_is_found_in_every_form_that_openai_uses(
    start: Starter, sandbox: Sandbox, home: CodexHome, body
):
    """`error.code`, `error` and `code` are the same to the Codex CLI, and here."""
    home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    sandbox.fault("refresh", "json", status=401, body=body)

    error = await client.request_error("auth/refresh", FORCE)

    assert error.kind == "refreshTokenReused"
    assert error.data["oauthError"] == "refresh_token_reused"


async def test_an_invalid_grant_is_permanent(start: Starter, sandbox: Sandbox, home: CodexHome):
    """RFC 6749's own word for a dead token, with status 400."""
    before = home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    sandbox.fault("refresh", "status", oauthError="invalid_grant")

    error = await client.request_error("auth/refresh", FORCE)

    assert error.summary == (-32803, "needsReauth")
    assert (await client.request("auth/status", {}))["state"] == "needsReauth"
    assert home.bytes() == before


async def test_a_refusal_is_forgotten_when_the_stored_token_changes(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`needsReauth` is about the token that is stored now."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    sandbox.revoke_all()
    await client.request_error("auth/refresh", FORCE)

    home.write(chatgpt_login(issuer=sandbox.issuer, refresh_token="another-token-of-the-test"))
    other = await client.request("auth/status", {})
    home.write(login)
    same = await client.request("auth/status", {})
    await browser.sign_in(client)
    new = await client.request("auth/status", {})

    assert (other["state"], same["state"], new["state"]) == ("signedIn", "needsReauth", "signedIn")
    assert "lastError" not in new


async def test_a_login_that_ended_at_the_issuer_is_told_for_what_it_is(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Revoked and expired by the sandbox itself, not by a fault."""
    client = await start(sandbox)
    await signed_in(client, browser, home)
    sandbox.revoke_all()
    revoked = await client.request_error("auth/refresh", FORCE)
    await signed_in(client, browser, home)
    sandbox.expire("refresh")
    expired = await client.request_error("auth/refresh", FORCE)

    assert (revoked.kind, expired.kind) == ("refreshTokenRevoked", "refreshTokenExpired")


async def test_the_refusal_is_announced_once(start: Starter, sandbox: Sandbox, home: CodexHome):
    """One `auth/statusChanged` with cause `refresh`, and the account did not change."""
    home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    since = client.mark()
    sandbox.fault("refresh", "status", oauthError="invalid_grant")

    await client.request_error("auth/refresh", FORCE)
    await client.request_error("auth/refresh", FORCE)

    told = [
        (change["cause"], change["status"]["state"], change["accountChanged"])
        for change in status_changes(client, since)
    ]
    assert told == [("refresh", "needsReauth", False)]


# Not now


async def test_without_a_network_one_stays_signed_in(start: Starter, home: CodexHome):
    """Offline changes `freshness`, never `state`."""
    before = home.write(chatgpt_login(issuer=NOBODY))
    client = await start(NOBODY)

    error = await client.request_error("auth/refresh", FORCE)
    status = await client.request("auth/status", {})

    assert error.summary == (-32803, "networkUnreachable")
    assert error.data["retryable"] is True
    assert (status["state"], status["freshness"]) == ("signedIn", "stale")
    assert status["cloud"]["available"] is True
    assert status["lastError"]["kind"] == "networkUnreachable"
    assert home.bytes() == before


async def test_a_success_clears_the_last_error(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """What went wrong is shown until it goes right."""
    client = await start(sandbox)
    await signed_in(client, browser, home)
    sandbox.fault("refresh", "status", status=500)
    await client.request_error("auth/refresh", FORCE)
    failed = await client.request("auth/status", {})

    status = await client.request("auth/refresh", FORCE)

    assert (failed["lastError"]["kind"], failed["freshness"]) == ("issuerUnavailable", "stale")
    assert "lastError" not in status
    assert status["freshness"] == "fresh"


async def test_a_pause_that_the_issuer_asks_for_binds_every_window(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """(P17) Also those that were opened later, until the time is over or somebody signs in anew."""
    told = await start(sandbox)
    await signed_in(told, browser, home)
    sandbox.fault("refresh", "status", status=429, retryAfter=600)
    first = await told.request_error("auth/refresh", FORCE)
    other = await start(sandbox)

    second = await other.request_error("auth/refresh", FORCE)

    assert [error.data["kind"] for error in (first, second)] == ["rateLimited", "rateLimited"]
    assert 0 < second.data["retryAfterSeconds"] <= 600
    assert len(sandbox.requests("refresh")) == 1
    await signed_in(other, browser, home)
    assert "lastError" not in await other.request("auth/refresh", FORCE)


async def test_a_window_whose_turn_comes_after_a_failure_does_not_try_at_once(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """Nobody asked, and another window tried in vain while this one waited; a client may ask."""
    home.write(aged(chatgpt_login(issuer=sandbox.issuer), left=-5))
    lock = home.path / "auth.json.refresh.lock"
    turnstile = Turnstile(lambda: lock)
    assert turnstile.try_enter()
    with Inotify() as inotify:
        inotify.add_watch(lock, Mask.OPEN)
        client = await start(sandbox)
        await asyncio.wait_for(inotify.get(), 10)  # now it waits for its turn
        spent = Secret(home.read()["tokens"]["refresh_token"]).fingerprint()
        record = RefreshRecord(spent, datetime.now(UTC), FAILED)
        write_record(home.path / "auth.json.refresh.json", record)
        turnstile.leave()
        with suppress(TimeoutError):
            while True:  # until it no longer knocks: it has had its turn
                await asyncio.wait_for(inotify.get(), 1)
    unasked = len(sandbox.requests("refresh"))
    error = await client.request_error("auth/refresh", {})

    assert (unasked, len(sandbox.requests("refresh"))) == (0, 1)
    assert error.data["kind"].startswith("refreshToken")


async def test_an_access_token_that_ends_is_announced(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """Cause `expired`: the login cannot be renewed, and becomes `stale` when its time is over."""
    home.write(
        chatgpt_login(
            issuer=sandbox.issuer, refresh_token="", access_token=access_token(valid_for=3)
        )
    )
    client = await start(sandbox)
    fresh = status_changes(client)[0]["status"]["freshness"]

    change = await client.wait_for(
        "auth/statusChanged", lambda params: params["cause"] != "startup"
    )

    assert fresh == "fresh"
    assert change.params["cause"] == "expired"
    assert change.params["status"]["freshness"] == "stale"
    assert change.params["status"]["state"] == "signedIn"
    assert sandbox.requests("refresh") == []


async def test_a_login_without_a_refresh_token_cannot_be_renewed(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """`needsReauth` says so; nothing is sent."""
    before = home.write(chatgpt_login(issuer=sandbox.issuer, refresh_token=""))
    client = await start(sandbox)

    error = await client.request_error("auth/refresh", FORCE)

    assert error.summary == (-32803, "needsReauth")
    assert sandbox.requests("refresh") == []
    assert home.bytes() == before


# To whom it goes


@pytest.mark.parametrize("record", ["another issuer", "no record"])
async def test_a_login_of_another_issuer_is_sent_nowhere(
    start: Starter, sandbox: Sandbox, home: CodexHome, record
):
    """Without a record a login is OpenAI's; the configured issuer never sees its token."""
    login = chatgpt_login(issuer=NOBODY)
    if record == "no record":
        login = {"OPENAI_API_KEY": None, "tokens": tokens(), "last_refresh": login["last_refresh"]}
    before = home.write(login)
    client = await start(sandbox)

    error = await client.request_error("auth/refresh", FORCE)

    assert error.summary == (-32803, "needsReauth")
    assert "issuer" in error.message
    assert sandbox.requests("refresh") == []
    assert home.bytes() == before


async def test_codex_s_own_override_counts_where_it_stays_on_this_machine(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """`CODEX_REFRESH_TOKEN_URL_OVERRIDE` with a loopback address takes the issuer's place."""
    home.write(chatgpt_login())
    client = await start(
        environment={"CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{sandbox.issuer}/oauth/token"}
    )
    renewed = access_token(name="renewed")
    sandbox.fault("refresh", "json", body={"access_token": renewed, "id_token": id_token()})

    await client.request("auth/refresh", FORCE)

    assert len(sandbox.requests("refresh")) == 1
    assert home.read()["tokens"]["access_token"] == renewed


async def test_codex_s_own_override_is_ignored_where_it_leaves_this_machine(
    start: Starter, home: CodexHome
):
    """The most precious token goes nowhere because an environment says so."""
    before = home.write(chatgpt_login())
    client = await start(
        environment={"CODEX_REFRESH_TOKEN_URL_OVERRIDE": "https://evil.example/oauth/token"}
    )

    error = await client.request_error("auth/refresh", FORCE)

    assert error.kind in ("networkUnreachable", "proxyError")
    assert "evil.example" not in error.message
    assert home.bytes() == before


async def test_a_folder_that_cannot_be_written_is_found_out_before_the_token_is_spent(
    start: Starter,
    sandbox: Sandbox,
    browser: Browser,
    home: CodexHome,
    make_read_only: Callable[[], None],
):
    """(S10) `storeReadOnly`: no request is sent whose answer could not be kept."""
    client = await start(sandbox)
    before = codex_bytes(await signed_in(client, browser, home))
    make_read_only()

    error = await client.request_error("auth/refresh", FORCE)

    status = await client.request("auth/status", {})

    assert error.kind == "storeReadOnly"
    assert sandbox.requests("refresh") == []
    assert home.bytes() == before
    assert (status["state"], status["store"]["health"]) == ("signedIn", "readOnly")
    assert status["lastError"]["kind"] == "storeReadOnly"


# Others at the same time


async def test_who_signs_out_while_a_refresh_runs_stays_signed_out(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Another program removed the login: it does not come back, and what was given is revoked."""
    client = await start(sandbox)
    await signed_in(client, browser, home)
    sandbox.fault("refresh", "delay", seconds=0.5)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    home.auth_file.unlink()
    error = await refresh.error()
    (revocation,) = await sandbox.saw("revoke")

    assert error.summary == (-32803, "notSignedIn")
    assert home.bytes() is None
    assert (await client.request("auth/status", {}))["state"] == "signedOut"
    assert revocation["fields"] == ["token", "token_type_hint", "client_id"]


async def test_a_logout_while_a_refresh_runs_is_final(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The same window signs out: nothing comes back, and no token stays valid."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    sandbox.fault("refresh", "delay", seconds=0.5)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    logout = await client.request("auth/logout", {})
    error = await refresh.error()

    assert logout["removed"] == ["file"]
    assert error.summary == (-32803, "notSignedIn")
    assert home.bytes() is None
    await sandbox.saw("revoke")
    assert sandbox.refresh(login["tokens"]["refresh_token"]).status_code == 401


async def test_a_login_while_a_refresh_runs_is_the_one_that_counts(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The refresh of the old login is not written over the new one."""
    client = await start(sandbox)
    await signed_in(client, browser, home)
    sandbox.fault("refresh", "delay", seconds=1)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    await sign_in_with_key(client, example_key("newer"))
    status = await refresh.result()

    assert home.bytes() == codex_bytes(api_key_login(example_key("newer")))
    assert status["method"] == "apiKey"


async def test_what_another_program_renewed_meanwhile_is_adopted(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The Codex CLI takes no lock before it sends: its tokens stay, and nobody is troubled."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    sandbox.fault("refresh", "delay", seconds=0.5)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    theirs = home.write(
        changed(
            login,
            access_token=access_token(name="theirs"),
            refresh_token="refresh-token-of-another-program",
        )
    )
    status = await refresh.result()

    assert home.bytes() == theirs
    assert status["state"] == "signedIn"
    assert without_revision(status) == without_revision(await client.request("auth/status", {}))
    assert sandbox.requests("revoke") == []


async def test_a_token_that_another_program_spent_first_is_no_reason_to_sign_in_again(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The issuer says "reused"; the winner writes a moment later, and its tokens are adopted."""
    client = await start(sandbox)
    login = await signed_in(client, browser, home)
    sandbox.fault("refresh", "delay", seconds=0.3)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    answer = await asyncio.to_thread(sandbox.refresh, login["tokens"]["refresh_token"])
    theirs = answer.json()
    await asyncio.sleep(0.5)  # the loser has been refused by now, and the winner is slow
    home.write(changed(login, **{name: theirs[name] for name in RENEWED}))
    status = await refresh.result()

    assert (status["state"], status["freshness"]) == ("signedIn", "fresh")
    assert "lastError" not in status
    assert home.read()["tokens"]["refresh_token"] == theirs["refresh_token"]
    assert [request["status"] for request in sandbox.requests("refresh")] == [401, 200]


async def test_an_ended_token_is_renewed_however_new_its_login_says_it_is(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Its `last_refresh` is that of our own renewal a moment ago; another program changed it."""
    client = await start(sandbox)
    await browser.sign_in(client)
    await client.request("auth/refresh", FORCE)
    ended = access_token(valid_for=-3600)
    home.write(changed(home.read(), access_token=ended))
    before = len(sandbox.requests("refresh"))

    answer = await client.request("auth/credential", {})

    assert len(sandbox.requests("refresh")) == before + 1
    assert ended not in answer["headers"]["Authorization"]
