"""Browser sign-in against a strict issuer: the request, the stored login, what the client hears."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from e2e.logins import begin, completion, sign_in_with_key
from e2e.promises import status_changes
from e2e.shapes import (
    CLIENT_ID,
    OPENAI_ISSUER,
    api_key_login,
    chatgpt_login,
    codex_bytes,
    example_key,
)
from support import raw_callback
from support.proxies import NO_PROXIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

SCOPE = "openid profile email offline_access api.connectors.read api.connectors.invoke"

FIRST_PERSON = {
    "id": "00000000-0000-4000-8000-000000000001",
    "email": "plus@example.com",
    "planType": "plus",
}
"""Whom the sandbox offers first."""

PHASES = ["starting", "waitingForUser", "exchanging", "verifying", "storing"]


def account(status: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of an account that come from the token as they stand."""
    return {name: status["account"].get(name) for name in FIRST_PERSON}


# The authorization request


async def test_the_authorize_url_has_the_parameters_of_the_codex_cli_in_its_order(
    start: Starter, sandbox: Sandbox
):
    """(P2) Names, values and order are those of the Codex CLI; spaces are plus signs."""
    client = await start(sandbox)

    attempt = await begin(client)
    address, _, query = attempt.url.partition("?")

    assert address == f"{sandbox.issuer}/oauth/authorize"
    assert parse_qsl(query, strict_parsing=True) == [
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", "http://127.0.0.1:1455/auth/callback"),
        ("code_challenge", attempt.parameters["code_challenge"]),
        ("code_challenge_method", "S256"),
        ("state", attempt.state),
        ("scope", SCOPE),
        ("id_token_add_organizations", "true"),
        ("codex_cli_simplified_flow", "true"),
        ("originator", "codex_cli_rs"),
    ]
    assert f"scope={SCOPE.replace(' ', '+')}&" in query


async def test_state_and_challenge_are_random_and_new_for_each_attempt(
    start: Starter, sandbox: Sandbox
):
    """256 random bits each, 43 characters of base64url, and never the same twice."""
    client = await start(sandbox)

    values = set()
    for _ in range(10):
        attempt = await begin(client)
        values |= {attempt.state, attempt.parameters["code_challenge"]}

    assert len(values) == 20
    assert {value for value in values if not re.fullmatch(r"[\w-]{43}", value)} == set()
    assert {len(base64.urlsafe_b64decode(f"{value}=")) for value in values} == {32}


async def test_without_options_openai_s_issuer_is_asked(start: Starter):
    """The default is the Codex CLI's issuer and its public client id."""
    client = await start(environment=NO_PROXIES)

    attempt = await begin(client)

    assert attempt.url.startswith(f"{OPENAI_ISSUER}/oauth/authorize?")
    assert attempt.parameters["client_id"] == CLIENT_ID


async def test_issuer_and_client_id_come_from_the_environment_too(start: Starter):
    """`CODEX_AUTH_LSP_ISSUER` and `CODEX_AUTH_LSP_CLIENT_ID` do what the options do."""
    client = await start(
        environment={
            "CODEX_AUTH_LSP_ISSUER": "http://127.0.0.1:9/",
            "CODEX_AUTH_LSP_CLIENT_ID": "client-of-the-environment",
        }
    )

    attempt = await begin(client)

    assert attempt.url.startswith("http://127.0.0.1:9/oauth/authorize?")
    assert attempt.parameters["client_id"] == "client-of-the-environment"


async def test_the_command_line_wins_over_the_environment(start: Starter):
    """What was typed for this process counts before what is set for all."""
    client = await start(
        "https://issuer.example",
        arguments=("--client-id", "client-of-the-option"),
        environment={
            "CODEX_AUTH_LSP_ISSUER": "http://127.0.0.1:9",
            "CODEX_AUTH_LSP_CLIENT_ID": "client-of-the-environment",
            **NO_PROXIES,
        },
    )

    attempt = await begin(client)

    assert attempt.url.startswith("https://issuer.example/oauth/authorize?")
    assert attempt.parameters["client_id"] == "client-of-the-option"


# The requests to the issuer


async def test_the_code_and_the_key_are_exchanged_with_the_forms_of_the_codex_cli(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Two form posts, their fields in the Codex CLI's order; the verifier fits, or none passes."""
    client = await start(sandbox)

    await browser.sign_in(client)

    form = "application/x-www-form-urlencoded"
    posts = [
        (request["contentType"], request["fields"], request["status"])
        for endpoint in ("token", "apiKeyExchange")
        for request in sandbox.requests(endpoint)
    ]
    assert posts == [
        (form, ["grant_type", "client_id", "code", "redirect_uri", "code_verifier"], 200),
        (
            form,
            ["grant_type", "client_id", "requested_token", "subject_token", "subject_token_type"],
            200,
        ),
    ]


# What is stored


async def test_the_login_is_stored_byte_for_byte_as_the_codex_cli_would(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Keys and their order, layout, mode, provenance, owner id and time are the Codex CLI's."""
    before = datetime.now(UTC)
    client = await start(sandbox)

    await browser.sign_in(client)
    login = home.read()

    assert list(login) == ["auth_mode", "OPENAI_API_KEY", "tokens", "last_refresh"]
    assert list(login["tokens"]) == [
        "id_token",
        "access_token",
        "refresh_token",
        "oauth_provenance",
        "login_owner_id",
        "account_id",
    ]
    assert home.bytes() == codex_bytes(login)
    assert home.mode() == 0o600
    assert login["auth_mode"] == "chatgpt"
    assert login["OPENAI_API_KEY"].startswith("sk-sandbox-")
    assert login["tokens"]["oauth_provenance"] == {"issuer": sandbox.issuer, "client_id": CLIENT_ID}
    assert re.fullmatch(r"[\w-]{43}", login["tokens"]["login_owner_id"])
    assert login["tokens"]["account_id"] == FIRST_PERSON["id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", login["last_refresh"])
    assert before <= datetime.fromisoformat(login["last_refresh"]) <= datetime.now(UTC)


async def test_nothing_else_stays_in_the_folder_but_the_lock_files(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """No temporary file, and no file of our own with a login in it."""
    client = await start(sandbox)

    await browser.sign_in(client)

    names = {path.name for path in home.path.iterdir()}
    assert names - {"auth.lock", "auth.json.lock"} == {"auth.json"}


async def test_every_login_has_an_owner_id_of_its_own(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`login_owner_id` tells two logins of one person apart."""
    client = await start(sandbox)

    owners = set()
    for _ in range(2):
        await browser.sign_in(client)
        owners.add(home.read()["tokens"]["login_owner_id"])

    assert len(owners) == 2


async def test_a_file_that_others_could_read_is_private_after_a_login(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The mode is 0600 whatever it was before."""
    home.write(api_key_login(example_key("open")), mode=0o644)
    client = await start(sandbox)

    await browser.sign_in(client)

    assert home.mode() == 0o600


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "oauthError": "invalid_request"},
        {"kind": "html"},
        {"kind": "huge"},
        {"kind": "close"},
        {"kind": "redirect"},
        {"kind": "json", "body": {"access_token": 5}},
        {"kind": "json", "body": {}},
    ],
    ids=["500", "refused", "HTML", "20 MB", "closed", "redirect", "a number", "no key"],
)
async def test_a_login_works_without_the_api_key_that_could_not_be_made(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, fault
):
    """The key exchange may fail in any way: `OPENAI_API_KEY` is then null."""
    client = await start(sandbox)
    sandbox.fault("apiKeyExchange", **fault)

    result = await browser.sign_in(client)

    assert result["status"]["state"] == "signedIn"
    assert home.read()["OPENAI_API_KEY"] is None
    assert len(sandbox.requests("apiKeyExchange")) == 1


async def test_a_person_without_an_api_organization_signs_in_without_a_key(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Not everybody has a platform organization, and nobody needs one."""
    client = await start(sandbox)

    result = await browser.sign_in(client, person="new")

    assert result["status"]["account"]["planType"] == "free"
    assert home.read()["OPENAI_API_KEY"] is None


async def test_unknown_fields_of_the_old_file_survive_a_login(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """(S8) What a newer Codex keeps beside the login is not ours to drop."""
    home.write(api_key_login(example_key("old")) | {"x_future": {"deep": [1, None, "é"]}})
    client = await start(sandbox)

    await browser.sign_in(client)

    assert home.read()["x_future"] == {"deep": [1, None, "é"]}


# What the client hears


async def test_the_result_tells_who_is_signed_in(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """The status of the result names the account and what it means for billing and cloud."""
    client = await start(sandbox)

    result = await browser.sign_in(client, attemptId="my-attempt_1.a")
    status = result["status"]

    assert result["attemptId"] == "my-attempt_1.a"
    assert "plus@example.com" in result["message"]
    assert result["links"] == []
    assert account(status) == FIRST_PERSON
    assert {name: status[name] for name in ("state", "method", "billing", "freshness")} == {
        "state": "signedIn",
        "method": "chatgpt",
        "billing": "subscription",
        "freshness": "fresh",
    }
    assert status["cloud"]["available"] is True
    assert status["cloud"]["mfa"]["requirement"] == "recommended"
    assert "pendingLogin" not in status
    assert status == await client.request("auth/status", {})


MFA_OF_PEOPLE = {
    "google": "recommended",
    "password": "required",
    "password-mfa": "required",
    "sso": "managedByOrganization",
    "new": "recommended",
}


async def test_the_advice_on_a_second_factor_follows_the_way_of_signing_in(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Each kind of account gets the advice of OpenAI's documentation."""
    client = await start(sandbox)

    told = {}
    for person in MFA_OF_PEOPLE:
        status = (await browser.sign_in(client, person=person))["status"]
        told[person] = status["cloud"]["mfa"]["requirement"]

    assert told == MFA_OF_PEOPLE


async def test_at_the_end_progress_status_completion_and_response_come_in_this_order(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`$/progress` end, `auth/statusChanged`, `auth/loginCompleted`, the response."""
    client = await start(sandbox)

    result = await browser.sign_in(client, workDoneToken="token of the client")

    order = list(_endings(client))
    assert order == ["progress end", "statusChanged", "loginCompleted", "response"]
    change = status_changes(client)[-1]
    assert (change["cause"], change["origin"], change["accountChanged"]) == (
        "login",
        "thisServer",
        True,
    )
    assert change["status"] == result["status"]
    assert client.all("auth/loginCompleted")[-1].params == {
        "attemptId": result["attemptId"],
        "outcome": "signedIn",
    }


def _endings(client: LanguageClient) -> Iterator[str]:
    for message in client.messages:
        if message.answers == "auth/login":
            yield "response"
        elif message.method == "auth/loginCompleted":
            yield "loginCompleted"
        elif message.method == "auth/statusChanged" and message.params["cause"] == "login":
            yield "statusChanged"
        elif message.method == "$/progress" and message.params["value"]["kind"] == "end":
            yield "progress end"


async def test_every_phase_is_told_in_order(start: Starter, sandbox: Sandbox, browser: Browser):
    """`auth/loginProgress` and `$/progress` go through the phases, each with a sentence."""
    client = await start(sandbox)

    result = await browser.sign_in(client, workDoneToken=7)

    progress = [message.params for message in client.all("auth/loginProgress")]
    values = [message.params["value"] for message in client.all("$/progress")]
    assert [params["phase"] for params in progress] == PHASES
    assert {params["attemptId"] for params in progress} == {result["attemptId"]}
    assert [value["kind"] for value in values][:1] == ["begin"]
    assert values[-1]["kind"] == "end"
    reported = [value["message"] for value in values if value["kind"] == "report"]
    assert reported == [params["message"] for params in progress][-len(reported) :]
    assert len(reported) >= len(PHASES) - 1
    assert {message.params["token"] for message in client.all("$/progress")} == {7}


async def test_a_waiting_login_is_part_of_the_status(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """`pendingLogin` is announced when it begins and gone when it ends."""
    client = await start(sandbox)

    attempt = await begin(client, timeoutSeconds=300)
    pending = (await client.request("auth/status", {}))["pendingLogin"]
    await browser.visit(attempt.url)
    await attempt.request.result()

    changes = [(change["cause"], "pendingLogin" in change["status"]) for change in
               status_changes(client)]  # fmt: skip
    assert changes == [("startup", False), ("pendingLogin", True), ("login", False)]
    assert status_changes(client)[1]["status"]["pendingLogin"] == pending
    assert (pending["attemptId"], pending["method"]) == (attempt.id, "browser")
    started, expires = map(datetime.fromisoformat, (pending["startedAt"], pending["expiresAt"]))
    assert (expires - started).total_seconds() == 300


async def test_the_prompt_names_the_port_and_the_deadline(start: Starter, sandbox: Sandbox):
    """What a client needs to forward the port and to show how long the login waits."""
    client = await start(sandbox)

    attempt = await begin(client)
    pending = (await client.request("auth/status", {}))["pendingLogin"]

    assert attempt.prompt["kind"] == "openUrl"
    assert attempt.prompt["callbackPort"] == attempt.port == 1455
    assert attempt.prompt["expiresAt"] == pending["expiresAt"]
    assert "userCode" not in attempt.prompt
    assert attempt.prompt["message"].strip() != ""


async def test_an_attempt_id_is_used_once(start: Starter, sandbox: Sandbox, browser: Browser):
    """A second login under the same id is -32602, also when the first is over."""
    client = await start(sandbox)
    attempt = await begin(client, attemptId="once")

    while_running = await client.request_error(
        "auth/login", {"method": "browser", "attemptId": "once"}
    )
    await browser.visit(attempt.url)
    await attempt.request.result()
    afterwards = await client.request_error(
        "auth/login", {"method": "apiKey", "apiKey": example_key("once"), "attemptId": "once"}
    )

    assert (while_running.code, afterwards.code) == (-32602, -32602)
    assert "attemptId" in afterwards.message


# The old login


async def test_the_old_login_is_replaced_on_success_and_only_then_revoked(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Until the new login is stored the old one stays, valid and byte for byte the same."""
    client = await start(sandbox)
    await browser.sign_in(client)
    first, first_bytes = home.read(), home.bytes()

    attempt = await begin(client)
    waiting = home.bytes(), sandbox.requests("revoke")
    await browser.visit(attempt.url, person="password")
    await attempt.request.result()
    await sandbox.saw("revoke")
    second = home.read()

    assert waiting == (first_bytes, [])
    assert second["tokens"]["refresh_token"] != first["tokens"]["refresh_token"]
    (revocation,) = sandbox.requests("revoke")
    assert (revocation["contentType"], revocation["fields"], revocation["status"]) == (
        "application/json",
        ["token", "token_type_hint", "client_id"],
        200,
    )
    assert sandbox.refresh(first["tokens"]["refresh_token"]).status_code == 401
    assert sandbox.refresh(second["tokens"]["refresh_token"]).status_code == 200


async def test_a_revocation_that_hangs_does_not_hold_the_login_up(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """The person is signed in; the old login's end is nobody's business to wait for."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("revoke", "hang")

    result = await browser.sign_in(client, person="password")

    assert result["status"]["account"]["email"] == "pro@example.com"
    await sandbox.saw("revoke")
    sandbox.release()


async def test_a_login_that_was_made_with_a_key_is_not_revoked(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """A key has nobody to tell."""
    client = await start(sandbox)
    await sign_in_with_key(client, example_key("replaced"))

    await browser.sign_in(client)
    await client.close()  # by then whatever runs in the background is over

    assert sandbox.requests("revoke") == []


# Who may sign in


async def test_the_expected_account_signs_in(start: Starter, sandbox: Sandbox, browser: Browser):
    """`expectedAccountId` is compared with `account.id`."""
    client = await start(sandbox)

    result = await browser.sign_in(client, expectedAccountId=FIRST_PERSON["id"])

    assert account(result["status"]) == FIRST_PERSON


async def test_another_account_than_the_expected_one_is_refused_and_nothing_stored(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`wrongAccount`, and the old login is as it was."""
    before = home.write(api_key_login(example_key("stays")))
    client = await start(sandbox)

    attempt = await begin(client, expectedAccountId=FIRST_PERSON["id"])
    visit = await browser.visit(attempt.url, person="password")
    error = await attempt.request.error()

    assert error.summary == (-32803, "wrongAccount")
    assert (await completion(client, attempt.id))["outcome"] == "failed"
    assert home.bytes() == before
    assert "This sign-in did not work" in visit.final_body


WORKSPACE = FIRST_PERSON["id"]
OTHER_WORKSPACE = "00000000-0000-4000-8000-000000000099"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        (f'"{WORKSPACE}"', WORKSPACE),
        (f'["{OTHER_WORKSPACE}", "{WORKSPACE}"]', f"{OTHER_WORKSPACE},{WORKSPACE}"),
    ],
    ids=["one", "a list"],
)
async def test_an_allowed_workspace_is_sent_and_signs_in(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, written, sent
):
    """`forced_chatgpt_workspace_id` becomes the last parameter, joined with a comma."""
    home.configure(f"forced_chatgpt_workspace_id = {written}\n")
    client = await start(sandbox)

    attempt = await begin(client)
    await browser.visit(attempt.url)
    result = await attempt.request.result()

    query = parse_qsl(urlsplit(attempt.url).query)
    assert query[-1] == ("allowed_workspace_id", sent)
    assert account(result["status"]) == FIRST_PERSON


async def test_a_workspace_that_is_not_allowed_is_refused_and_nothing_stored(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`wrongWorkspace`, told to the client and to the person, and no key is asked for."""
    home.configure(f'forced_chatgpt_workspace_id = "{OTHER_WORKSPACE}"\n')
    before = home.write(api_key_login(example_key("stays")))
    client = await start(sandbox)

    attempt = await begin(client)
    visit = await browser.visit(attempt.url)
    error = await attempt.request.error()

    assert error.summary == (-32803, "wrongWorkspace")
    assert home.bytes() == before
    assert "This sign-in did not work" in visit.final_body
    assert sandbox.requests("apiKeyExchange") == []


@pytest.mark.parametrize(
    ("forced", "params"),
    [
        ("api", {"method": "browser"}),
        ("chatgpt", {"method": "apiKey", "apiKey": example_key("forbidden")}),
    ],
)
async def test_a_forbidden_method_is_refused_before_anything_happens(
    start: Starter, sandbox: Sandbox, home: CodexHome, forced, params
):
    """`forced_login_method` is a policy: `loginMethodNotAllowed`, and `auth/methods` says so."""
    home.configure(f'forced_login_method = "{forced}"\n')
    client = await start(sandbox)

    error = await client.request_error("auth/login", params)
    methods = (await client.request("auth/methods", {}))["methods"]

    assert error.summary == (-32803, "loginMethodNotAllowed")
    assert client.all("auth/loginPrompt") == []
    assert home.bytes() is None
    told = {method["id"]: method for method in methods}
    assert told[params["method"]]["available"] is False
    assert "forced_login_method" in told[params["method"]]["unavailableReason"]
    assert told[params["method"]]["recommended"] is False


async def test_a_person_without_codex_is_told_so(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`notEntitled` names the administrator; the person's page says it too."""
    client = await start(sandbox)

    attempt = await begin(client)
    visit = await browser.visit(attempt.url, person="not-entitled")
    error = await attempt.request.error()

    assert error.summary == (-32803, "notEntitled")
    assert error.data["oauthError"] == "access_denied"
    assert "administrator" in error.message
    assert "administrator" in visit.final_body
    assert home.bytes() is None


# The ports


async def test_the_second_port_is_used_where_the_first_is_taken(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(L3) 1457 is registered too; the program that holds 1455 is left in peace."""
    client = await start(sandbox)

    with raw_callback.occupy(1455) as holder:
        attempt = await begin(client)
        await browser.visit(attempt.url)
        result = await attempt.request.result()
        holder.setblocking(False)
        with pytest.raises(BlockingIOError):
            holder.accept()

    assert attempt.redirect_uri == "http://127.0.0.1:1457/auth/callback"
    assert attempt.prompt["callbackPort"] == 1457
    assert result["status"]["state"] == "signedIn"


async def test_two_taken_ports_are_said_before_anybody_is_asked(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """`callbackPortUnavailable` names both ports."""
    client = await start(sandbox)

    with raw_callback.occupy(1455), raw_callback.occupy(1457):
        error = await client.request_error("auth/login", {"method": "browser"})

    assert error.summary == (-32803, "callbackPortUnavailable")
    assert "1455" in error.message
    assert "1457" in error.message
    assert client.all("auth/loginPrompt") == []
    assert home.bytes() is None


async def test_two_windows_can_sign_in_at_the_same_time(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(L23) Each process has its own port, and each person reaches their own window."""
    first, second = await start(sandbox), await start(sandbox)

    one, two = await begin(first), await begin(second)
    await browser.visit(two.url, person="password")
    second_status = (await two.request.result())["status"]
    await browser.visit(one.url, person="google")
    first_status = (await one.request.result())["status"]

    assert (one.port, two.port) == (1455, 1457)
    assert first_status["account"]["email"] == "plus@example.com"
    assert second_status["account"]["email"] == "pro@example.com"


# The page at the end


async def test_the_last_page_names_the_account_and_holds_no_secret(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """The person sees who is signed in, at an address that tells nothing, with strict headers.

    (L10, L12, L13, L14, L21)
    """
    client = await start(sandbox)
    attempt = await begin(client)
    callback = await browser.callback_url(attempt.url)

    redirect = await raw_callback.deliver(callback)
    await attempt.request.result()
    clean_path = redirect.header("location") or ""
    page = await raw_callback.exchange(
        attempt.port,
        raw_callback.request(clean_path, attempt.port, headers=raw_callback.NAVIGATION),
    )

    assert redirect.status == 303
    assert re.fullmatch(r"/[\w/-]+", clean_path)
    assert page.status == 200
    text = page.body.decode()
    assert FIRST_PERSON["email"] in text
    assert "<script" not in text.lower()
    minted = [value for _, value in sandbox.secrets()]
    for response in (redirect, page):
        assert [value for value in [*minted, attempt.state] if value.encode() in response.raw] == []
        assert _headers(response) == HEADERS
    assert "default-src 'none'" in page.header("content-security-policy")
    assert "frame-ancestors 'none'" in page.header("content-security-policy")
    assert "script-src" not in page.header("content-security-policy")


HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "connection": "close",
    "access-control-allow-origin": None,
    "set-cookie": None,
    "server": None,
}


def _headers(response: raw_callback.RawResponse) -> dict[str, str | None]:
    return {name: response.header(name) for name in HEADERS}


async def test_the_page_waits_until_the_login_is_stored(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """(L8) Whoever sees that they are signed in is signed in."""
    client = await start(sandbox)
    attempt = await begin(client)

    visit = await browser.visit(attempt.url)
    stored = home.bytes()

    assert FIRST_PERSON["email"] in visit.final_body
    assert stored is not None
    assert json.loads(stored)["tokens"]["account_id"] == FIRST_PERSON["id"]
    await attempt.request.result()


async def test_a_name_with_markup_is_shown_as_text(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(L11) What a token says of a person is text and nothing else."""
    sandbox.account(email="<script>alert(1)</script>@example.com")
    client = await start(sandbox)
    attempt = await begin(client)

    visit = await browser.visit(attempt.url)
    await attempt.request.result()

    assert "<script" not in visit.final_body.lower()
    assert "&lt;script&gt;" in visit.final_body


async def test_the_next_login_gets_its_port_although_nobody_fetched_the_last_page(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """A browser that was closed too early holds nothing up."""
    client = await start(sandbox)
    attempt = await begin(client)
    await raw_callback.deliver(await browser.callback_url(attempt.url))
    await attempt.request.result()

    second = await begin(client)
    await browser.visit(second.url)

    assert second.port == attempt.port
    assert (await second.request.result())["status"]["state"] == "signedIn"


async def test_a_second_login_replaces_one_of_another_issuer(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """A stored login of another issuer is left alone until the person signs in anew."""
    home.write(chatgpt_login(issuer="http://127.0.0.1:9"))
    client = await start(sandbox)

    await browser.sign_in(client)

    assert home.read()["tokens"]["oauth_provenance"]["issuer"] == sandbox.issuer
    assert (await client.request("auth/status", {}))["account"]["email"] == FIRST_PERSON["email"]


async def test_a_window_that_is_closed_at_once_leaves_no_listener_behind(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """The last page is a courtesy; it does not outlive the process, nor hold its end up."""
    client = await start(sandbox)
    attempt = await begin(client)
    await raw_callback.deliver(await browser.callback_url(attempt.url))
    await attempt.request.result()

    returncode = await client.close()

    assert returncode == 0
    assert not await raw_callback.is_listening(attempt.port)
