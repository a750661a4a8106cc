"""The drivers of the third-party parts do what the other tests rely on."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest

from e2e.waiting import eventually
from support import parts
from support.chromium import BrowserError, browse
from support.codex_cli import AppServer, CodexCli
from support.oidc_provider import OidcProvider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
REDIRECT_URI = "http://127.0.0.1:54321/auth/callback"
SCOPE = "openid profile email offline_access api.connectors.read api.connectors.invoke"

SHORT_DEADLINE = 3.0
"""Seconds: enough for a browser to start, too few for what it is asked to do."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "codex"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
async def issuer() -> AsyncIterator[OidcProvider]:
    async with OidcProvider.start() as provider:
        yield provider


def test_missing_part_skips_locally_and_fails_in_ci(monkeypatch):
    """A part that is not there never passes for a test that ran."""
    monkeypatch.setattr(parts, "FOLDER", parts.FOLDER / "nowhere")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="part missing: codex; install it with `npm ci"):
        parts.require("codex")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="part missing: codex"):
        parts.require("codex")


@pytest.mark.parametrize(("ci", "status", "word"), [("true", 1, "failed"), ("", 0, "skipped")])
def test_any_other_skip_fails_in_ci_as_well(tmp_path, ci, status, word):
    """By whatever reason: a mark, or the test itself."""
    (tmp_path / "test_skips.py").write_text("import pytest\ndef test_one(): pytest.skip('so')\n")
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "conftest", "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(tests)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, f"1 {word}" in done.stdout) == (status, True), done.stdout


@pytest.mark.part("codex")
async def test_codex_logs_in_with_an_api_key_and_out_again(home):
    """The real CLI works on the folder that it is given, and its words are known."""
    codex = CodexCli(home)
    logged_out = await codex.login_status()
    await codex.login_with_api_key("sk-proj-0123456789ABCDEFGHIJ")
    login_file = home / "auth.json"
    text, mode = login_file.read_text(), stat.S_IMODE(login_file.stat().st_mode)
    logged_in = await codex.login_status()
    logout = await codex.logout()

    assert (logged_out.returncode, logged_out.stdout) == (1, "")
    assert "Not logged in" in logged_out.stderr
    expected = {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-proj-0123456789ABCDEFGHIJ"}
    assert json.dumps(expected, indent=2) == text
    assert mode == 0o600
    assert logged_in.returncode == 0
    assert "sk-proj-***FGHIJ" in logged_in.stderr
    assert logout.returncode == 0
    assert not login_file.exists()


@pytest.mark.part("codex")
@pytest.mark.part("oidc-provider")
async def test_codex_app_server_signs_in_with_the_real_issuer(home, issuer):
    """The app-server's browser login needs nothing but loopback addresses."""
    async with AppServer.start(home, issuer.issuer) as app_server:
        await app_server.initialize()
        login_id, auth_url = await app_server.start_chatgpt_login()
        callback_url = await issuer.sign_in(auth_url, "ada@example.com")
        async with httpx.AsyncClient(trust_env=False) as browser:
            await browser.get(callback_url, follow_redirects=True)
        completed = await app_server.wait_notification("account/login/completed")
        updated = await app_server.wait_notification("account/updated")
        before = json.loads((home / "auth.json").read_text())
        account = await app_server.request("account/read", {"refreshToken": True})
        after = json.loads((home / "auth.json").read_text())
        await app_server.request("account/logout")
    assert (login_id, True, None) == (
        completed["loginId"],
        completed["success"],
        completed["error"],
    )
    assert updated == {"authMode": "chatgpt", "planType": "plus"}
    assert account["account"] == {
        "type": "chatgpt",
        "email": "ada@example.com",
        "planType": "plus",
        "workspaceName": "Workspace of the tests",
    }
    assert {"issuer": issuer.issuer, "client_id": CLIENT_ID} == before["tokens"]["oauth_provenance"]
    assert before["tokens"]["refresh_token"] != after["tokens"]["refresh_token"]
    assert not (home / "auth.json").exists()
    assert [why.partition(":")[0] for why in await issuer.failures()] == ["unsupported_grant_type"]


@pytest.mark.part("oidc-provider")
async def test_oidc_provider_exchanges_rotates_and_refuses_reuse(issuer):
    """The issuer is strict where the language server must be right."""
    tokens = await sign_in(issuer)
    id_claims = claims(tokens["id_token"])
    async with httpx.AsyncClient(trust_env=False, base_url=issuer.issuer) as client:
        form = {
            "grant_type": "refresh_token",
            "client_id": CLIENT_ID,
            "refresh_token": tokens["refresh_token"],
        }
        renewed = await client.post("/oauth/token", data=form)
        reused = await client.post("/oauth/token", data=form)
        form["refresh_token"] = renewed.json()["refresh_token"]
        revoked = await client.post("/oauth/token", json={**form, "refresh_reason": "forced"})

    assert id_claims["email"] == "ada@example.com"
    assert id_claims["name"] == "ada"
    assert id_claims["https://api.openai.com/auth"]["chatgpt_plan_type"] == "plus"
    assert renewed.status_code == 200
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (revoked.status_code, revoked.json()["error"]) == (400, "invalid_grant")
    assert await issuer.failures() == [
        "invalid_grant: refresh token already used",
        "invalid_grant: refresh token not found",
    ]
    minted = [value for _, value in issuer.secrets()]
    assert {tokens["refresh_token"], tokens["access_token"]} < set(minted)


@pytest.mark.part("oidc-provider")
async def test_oidc_provider_revokes_by_json_as_openai_does(issuer):
    """A revoked refresh token is of no more use."""
    tokens = await sign_in(issuer)
    async with httpx.AsyncClient(trust_env=False, base_url=issuer.issuer) as client:
        body = {"client_id": CLIENT_ID, "token": tokens["refresh_token"]}
        revocation = await client.post("/oauth/revoke", json=body)
        body = {"client_id": CLIENT_ID, "refresh_token": tokens["refresh_token"]}
        renewed = await client.post("/oauth/token", data={"grant_type": "refresh_token", **body})

    assert revocation.status_code == 200
    assert (renewed.status_code, renewed.json()["error"]) == (400, "invalid_grant")


@pytest.mark.part("oidc-provider")
async def test_oidc_provider_tells_of_denial_and_of_a_missing_challenge(issuer):
    """A person may say no, and a client without PKCE gets nothing."""
    _, authorize_url = authorization(issuer)
    denied = dict(parse_qsl(urlsplit(await issuer.deny(authorize_url)).query))
    refused_url = await issuer.sign_in(authorize_url.replace("code_challenge=", "x="))
    refused = dict(parse_qsl(urlsplit(refused_url).query))

    assert (denied["error"], denied["state"]) == ("access_denied", "s1")
    assert (refused["error"], refused["state"]) == ("invalid_request", "s1")


@pytest.mark.part("chromium")
async def test_chromium_renders_fills_and_clicks(tmp_path):
    """A page is shown, used and photographed."""
    page = (
        "<!doctype html><title>A form</title><label>Name <input></label>"
        "<button onclick=\"document.body.append('Hello '+document.querySelector('input').value)\">"
        "Greet</button>"
    )
    picture = tmp_path / "dark.png"
    visit = await browse(
        f"data:text/html,{quote(page)}",
        [
            {"fill": ["input", "Ada"]},
            {"click": "text=Greet"},
            {"waitFor": "text=Hello Ada"},
            {"screenshot": str(picture), "colorScheme": "dark"},
        ],
    )

    assert visit.title == "A form"
    assert "Hello Ada" in visit.text
    assert visit.console_errors == ()
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.part("chromium")
async def test_chromium_reaches_no_address_but_loopback():
    """A page cannot call out of the machine."""
    with pytest.raises(BrowserError, match="ERR_NAME_NOT_RESOLVED"):
        await browse("https://example.com/")


@pytest.mark.part("chromium")
async def test_chromium_that_takes_too_long_is_ended(monkeypatch):
    """No browser outlives its deadline."""
    prefix = f"/tmp/chromium-{secrets.token_hex(4)}-"
    monkeypatch.setattr("support.chromium.PROFILE_PREFIX", prefix)
    visit = asyncio.create_task(
        browse("data:text/html,x", [{"waitFor": "text=never"}], deadline=SHORT_DEADLINE)
    )
    await eventually(lambda: processes_with(prefix), "a browser with its profile")
    with pytest.raises(TimeoutError):
        await visit
    await eventually(lambda: not processes_with(prefix), "the end of the browser")


def processes_with(text: str) -> list[str]:
    """Return the command lines that hold `text`, of processes that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found


def authorization(issuer: OidcProvider) -> tuple[str, str]:
    """Return a PKCE verifier and the URL that Codex would open for it."""
    code_verifier = secrets.token_urlsafe(64)
    digest = hashlib.sha256(code_verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT_URI,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "state": "s1",
        "scope": SCOPE,
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "originator": "codex_cli_rs",
    }
    return code_verifier, f"{issuer.issuer}/oauth/authorize?{urlencode(query)}"


async def sign_in(issuer: OidcProvider) -> dict[str, str]:
    """Return the tokens of a sign-in, exchanged as the Codex CLI does it."""
    code_verifier, authorize_url = authorization(issuer)
    callback_url = await issuer.sign_in(authorize_url, "ada@example.com")
    assert callback_url.startswith(f"{REDIRECT_URI}?")
    form = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": parse_qs(urlsplit(callback_url).query)["code"][0],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": code_verifier,
    }
    async with httpx.AsyncClient(trust_env=False) as client:
        reply = await client.post(f"{issuer.issuer}/oauth/token", data=form)
    assert reply.status_code == 200, await issuer.failures()
    return reply.json()


def claims(id_token: str) -> dict:
    """Return the claims of an id token, its signature unchecked."""
    payload = id_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
