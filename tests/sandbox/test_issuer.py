"""The sandbox over HTTP: a whole sign-in, and everything that it refuses."""

from __future__ import annotations

import asyncio
import socket
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.issuer import SandboxIssuer, loopback_address
from codex_auth_lsp.sandbox.people import PEOPLE
from codex_auth_lsp.sandbox.visitor import Visitor
from sandbox.actors import REDIRECT_URI, claims

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Page(HTMLParser):
    """A page's tags, its form's fields and what a person reads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fields: dict[str, str] = {}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        values = dict(attrs)
        if tag == "input":
            self.fields[values["name"]] = values.get("value") or ""

    def handle_data(self, data):
        self.text += data


@pytest.fixture
async def browser(client):
    """Return a browser that keeps cookies and stops at every redirect."""
    async with httpx.AsyncClient(
        base_url=client.issuer.url, trust_env=False, follow_redirects=False
    ) as browser:
        yield browser


async def begin(client, browser) -> Page:
    """Open the authorize URL and follow it to the sign-in page."""
    first = await browser.get(client.authorize_url())
    assert first.status_code == 303
    return Page((await browser.get(first.headers["location"])).text)


async def test_whole_sign_in_gives_working_tokens(client):
    """Pages, code, exchange, model endpoint, API key, refresh and revocation."""
    callback = await client.callback()
    assert callback["state"] == client.state
    reply = await client.exchange(callback["code"])
    tokens = reply.json()
    exchanged = await client.token(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        requested_token="openai-api-key",
        subject_token=tokens["id_token"],
        subject_token_type="urn:ietf:params:oauth:token-type:id_token",
    )
    renewed = (await client.refresh(tokens["refresh_token"])).json()

    assert reply.headers["cache-control"] == "no-store"
    assert claims(tokens["id_token"])["email"] == PEOPLE[0].email
    assert "organizations" in claims(tokens["id_token"])["https://api.openai.com/auth"]
    assert await client.models(tokens["access_token"]) == 200
    assert await client.models(exchanged.json()["access_token"]) == 200
    assert await client.models(renewed["access_token"]) == 200

    revocation = {"token": renewed["refresh_token"], "client_id": CODEX_CLIENT_ID}
    assert (await client.http.post("/oauth/revoke", json=revocation)).status_code == 200
    assert await client.models(renewed["access_token"]) == 401


async def test_person_who_was_chosen_is_who_signs_in(client):
    """Each of them can be played by name."""
    for person in PEOPLE:
        if person.entitled:
            tokens = await client.sign_in(person=person.id)
            assert claims(tokens["id_token"])["sub"] == person.sub


async def test_person_may_deny(client):
    """The client is told, with its state."""
    assert await client.callback(decision="deny") == {
        "error": "access_denied",
        "error_description": "The person refused.",
        "state": client.state,
    }


async def test_person_without_codex_is_turned_away(client):
    """In the words that OpenAI's issuer uses."""
    assert await client.callback(person="not-entitled") == {
        "error": "access_denied",
        "error_description": "missing_codex_entitlement",
        "state": client.state,
    }


async def test_request_of_an_unknown_client_stays_on_a_page(client, browser):
    """The browser goes nowhere."""
    shown = await browser.get(client.authorize_url(redirect_uri="https://evil.example/"))

    assert (shown.status_code, shown.headers.get("location")) == (400, None)
    assert "This sign-in cannot begin" in Page(shown.text).text


async def test_faulty_request_goes_back_to_the_client(client, browser):
    """With an error of the RFC."""
    back = await browser.get(client.authorize_url(code_challenge_method="plain"))

    assert back.status_code == 303
    assert back.headers["location"].startswith(f"{REDIRECT_URI}?error=invalid_request")


@pytest.mark.parametrize("spoil", ["csrf", "no csrf", "cookie", "origin", "transaction", "query"])
async def test_form_of_another_page_or_browser_is_refused(client, browser, spoil):
    """Nobody signs a person in behind their back (RFC 6749 section 10.12)."""
    page = await begin(client, browser)
    fields = {**page.fields, "person": "google"}
    path, headers = "/sign-in", {}
    if spoil == "csrf":
        fields["csrf"] = "x" * len(fields["csrf"])
    elif spoil == "no csrf":
        del fields["csrf"]
    elif spoil == "cookie":
        browser.cookies.clear()
    elif spoil == "origin":
        headers = {"origin": "https://evil.example"}
    elif spoil == "transaction":
        fields["transaction"] = "made-up"
    else:
        path += "?person=password"
    refused = await browser.post(path, data=fields, headers=headers)

    assert refused.status_code == 400
    assert "no longer valid" in Page(refused.text).text
    assert (await browser.post("/sign-in", data={**page.fields, "person": "x"})).status_code == 400


async def test_transaction_ends_with_the_first_decision(client, browser):
    """Pressing the button twice gives one code."""
    page = await begin(client, browser)
    await browser.post("/sign-in", data={**page.fields, "person": "google"})
    decision = {**page.fields, "decision": "allow"}
    first = await browser.post("/consent", data=decision)
    second = await browser.post("/consent", data=decision)

    assert first.headers["location"].startswith(f"{REDIRECT_URI}?code=sandbox-code-")
    assert second.status_code == 400


async def test_consent_before_a_choice_is_refused(client, browser):
    """Nobody allows for nobody."""
    page = await begin(client, browser)
    transaction = page.fields["transaction"]

    asked = await browser.get("/consent", params={"transaction": transaction})
    allowed = await browser.post("/consent", data={**page.fields, "decision": "allow"})
    assert (asked.status_code, allowed.status_code) == (400, 400)


async def test_pages_escape_what_is_put_into_them(client, browser):
    """A hostile name or scope is text, on every page."""
    await client.control("account", title=HOSTILE, email=HOSTILE, planType=HOSTILE)
    first = await browser.get(client.authorize_url(scope=f"openid {HOSTILE}"))
    signing_in = await browser.get(first.headers["location"])
    page = Page(signing_in.text)
    chosen = await browser.post("/sign-in", data={**page.fields, "person": PEOPLE[0].id})
    consent = await browser.get(chosen.headers["location"])

    for shown in (signing_in, consent):
        assert HOSTILE in Page(shown.text).text
        assert {"script", "img"} & set(Page(shown.text).tags) == set()
        assert "default-src 'none'" in shown.headers["content-security-policy"]
        assert shown.headers["x-frame-options"] == "DENY"


async def test_pages_say_that_they_are_a_sandbox(client, browser):
    """Nobody takes them for OpenAI's."""
    page = await begin(client, browser)

    assert "Sandbox." in page.text
    assert "Nobody here is real" in page.text


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "invalid_request"),
        ({"grant_type": "authorization_code", "client_id": "app_other"}, 401, "invalid_client"),
        ({"grant_type": "authorization_code", "client_id": None}, 401, "invalid_client"),
        (
            {
                "grant_type": "authorization_code",
                "code": "made-up",
                "redirect_uri": REDIRECT_URI,
                "code_verifier": "v",
            },
            400,
            "invalid_grant",
        ),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"},
            400,
            "invalid_request",
        ),
    ],
)
async def test_token_endpoint_refuses_in_the_words_of_the_rfc(client, fields, status, error):
    """RFC 6749 section 5.2."""
    reply = await client.token(**fields)

    assert (reply.status_code, reply.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"grant_type=refresh_token&grant_type=x"),
        ("application/x-www-form-urlencoded", b"grant_type=%ff"),
        ("application/json", b'{"grant_type": "refresh_token", "grant_type": "refresh_token"}'),
        ("application/json", b'{"grant_type": ["refresh_token"]}'),
        ("application/json", b"[]"),
        ("application/json", b"{"),
        ("text/plain", b"grant_type=refresh_token"),
    ],
)
async def test_body_with_two_readings_is_refused(client, content_type, body):
    """Repeated parameters, wrong types and wrong content types."""
    headers = {"content-type": content_type}
    reply = await client.http.post("/oauth/token", content=body, headers=headers)

    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")


async def test_code_comes_as_a_form_alone_and_parameters_never_in_a_query(client):
    """As RFC 6749 section 3.2 wants it; the refresh is OpenAI's exception."""
    code = (await client.callback())["code"]
    as_json = await client.http.post(
        "/oauth/token",
        json={"grant_type": "authorization_code", "client_id": CODEX_CLIENT_ID, "code": code},
    )
    in_query = await client.http.post(
        "/oauth/token?grant_type=authorization_code", data={"code": code}
    )

    assert (as_json.status_code, in_query.status_code) == (400, 400)
    assert (await client.exchange(code)).status_code == 200


@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
async def test_exchange_without_a_field_does_not_use_the_code_up(client, missing):
    """It is no attempt at the code."""
    code = (await client.callback())["code"]
    refused = await client.exchange(**{"code": code, missing: None})

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert (await client.exchange(code)).status_code == 200


async def test_refused_refresh_has_the_form_of_openais_errors(client):
    """An object with a code, status 401."""
    tokens = await client.sign_in()
    await client.refresh(tokens["refresh_token"])
    reused = await client.refresh(tokens["refresh_token"])
    other = await client.refresh(tokens["refresh_token"], client_id="app_other")

    assert (reused.status_code, reused.json()["error"]["code"]) == (401, "refresh_token_reused")
    assert (other.status_code, other.json()["error"]) == (401, "invalid_client")


async def test_revocation_of_an_unknown_token_is_a_success(client):
    """RFC 7009 section 2.2; but it must name one, and a client that exists if any."""
    post = client.http.post
    assert (await post("/oauth/revoke", json={"token": "x"})).status_code == 200
    assert (await post("/oauth/revoke", json={})).status_code == 400
    assert (await post("/oauth/revoke", json={"token": "x", "client_id": "y"})).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer made-up"},
        {"authorization": "Basic eDp5"},
        {"authorization": "Bearer"},
        [("authorization", "Bearer a"), ("authorization", "Bearer b")],
    ],
)
async def test_model_endpoint_is_for_bearers_of_a_live_credential(client, headers):
    """With the challenge of RFC 6750."""
    for ask in (client.http.get("/v1/models", headers=headers),
                client.http.post("/v1/responses", headers=headers),
                client.http.get("/backend-api/wham/accounts/check", headers=headers)):  # fmt: skip
        reply = await ask
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_model_answers_in_json_or_in_events(client):
    """One fixed sentence."""
    bearer = {"authorization": f"Bearer {(await client.sign_in())['access_token']}"}
    whole = await client.http.post("/v1/responses", headers=bearer)
    events = await client.http.post(
        "/v1/responses", headers={**bearer, "accept": "text/event-stream"}
    )

    assert "Hello from the sandbox." in whole.text
    assert events.headers["content-type"] == "text/event-stream"
    assert events.text.count("event: ") == 3
    assert "Hello from the sandbox." in events.text


async def test_account_check_tells_the_workspace(client):
    """The Codex CLI asks for it after each sign-in."""
    tokens = await client.sign_in(person="sso")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    reply = await client.http.get("/backend-api/wham/accounts/check", headers=bearer)
    (account,) = reply.json()["accounts"]

    assert (account["id"], account["plan_type"]) == (PEOPLE[3].account_id, "business")
    assert (account["name"], account["structure"]) == ("Sandbox Organization", "workspace")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/oauth/token", 405),
        ("POST", "/oauth/authorize", 405),
        ("DELETE", "/v1/models", 405),
        ("POST", "/.well-known/openid-configuration", 405),
        ("GET", "/.well-known/jwks", 404),
        ("GET", "/.well-known/oauth-authorization-server", 404),
        ("GET", "/oauth/authorize/", 404),
        ("GET", "/OAUTH/AUTHORIZE", 404),
    ],
)
async def test_routes_are_openais_and_no_others(client, method, path, status):
    """What Codex asks of OpenAI's issuer is there, and the document that OpenID Connect names."""
    reply = await client.http.request(method, path)

    assert reply.status_code == status
    assert ("allow" in reply.headers) is (status == 405)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "evil.example:80", "0.0.0.0", "[::2]"]
)
async def test_other_host_is_not_served(client, host):
    """A web page that rebinds its own name to 127.0.0.1 gets nothing, the control included."""
    for path in ("/", "/oauth/authorize", "/sandbox/secrets"):
        reply = await client.http.get(path, headers={"host": host})
        assert reply.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.2", "[::1]:80"])
async def test_every_name_of_loopback_is_served(client, host):
    """Whichever of them an editor uses."""
    assert (await client.http.get("/", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com", "", "127.0.0.1.x"])
async def test_sandbox_listens_on_loopback_or_not_at_all(host):
    """What it hands out is worth nothing elsewhere, and should not be taken for more."""
    with pytest.raises(ValueError):
        async with SandboxIssuer.start(host=host):
            pytest.fail("it listened")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("::1", "::1")],
)
def test_name_of_loopback_is_an_address(host, expected):
    """`localhost` is never looked up."""
    assert loopback_address(host) == expected


async def test_port_that_is_taken_is_told():
    """By the system's own error."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            async with SandboxIssuer.start(port=port):
                pytest.fail("it listened")


async def test_it_stops_with_its_block_whatever_hangs(client):
    """A test that ends leaves no listener, also when a request was left waiting."""
    async with SandboxIssuer.start() as issuer:
        async with httpx.AsyncClient(base_url=issuer.url, trust_env=False) as http:
            await http.post("/sandbox/faults", json={"endpoint": "models", "kind": "hang"})
            hanging = asyncio.create_task(http.get("/v1/models"))
            while not (await http.get("/sandbox/log")).json()["requests"]:
                pass
        hanging.cancel()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", urlsplit(issuer.url).port)


async def test_visitor_delivers_the_callback_as_a_browser_does(client):
    """A listener of the test's own gets one navigation, with the code."""
    received: list[bytes] = []

    async def listen(reader, writer):
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nDone")
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        redirect_uri = f"http://127.0.0.1:{port}/auth/callback"
        result = await Visitor().visit(client.authorize_url(redirect_uri=redirect_uri))

    (request,) = received
    assert (result.final_status, result.final_body) == (200, "Done")
    assert b"sec-fetch-mode: navigate" in request.lower()
    target = request.split(b" ")[1].decode()
    assert dict(parse_qsl(urlsplit(target).query))["state"] == client.state
