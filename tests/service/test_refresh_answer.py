"""A new refresh token that has come is kept, whatever else the issuer's answer holds."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.errors import AuthError, IssuerResponseInvalid
from codex_auth_lsp.oauth import token
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.service import refresh_answer
from codex_auth_lsp.service.auth_service import AuthService
from e2e.shapes import AUTH_CLAIM, access_token, codex_bytes, id_token, jwt
from service.refresh_bench import Bench

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

OLD, NEW = "refresh-token-of-the-test", "next-refresh-token-of-the-test"

ACCESS = access_token(name="renewed")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with SandboxIssuer.start() as issuer:
        bench = Bench(tmp_path, issuer)
        yield bench
        await bench.service.close(hurried=True)


def answer(**changes: Any) -> dict[str, Any]:
    """Return an answer with members changed, or left out where `...` is."""
    body = {"access_token": ACCESS, "refresh_token": NEW, "id_token": id_token(), **changes}
    return {name: value for name, value in body.items() if value is not ...}


def unsigned(payload: bytes) -> str:
    return f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


BAD_ID_TOKENS = {
    "words": "not a token",
    "two parts": "aaaa.bbbb",
    "no JSON": "aaaa.bbbb.cccc",
    "padded": "e30." + base64.urlsafe_b64encode(b'{"sub":"x"}').decode() + ".c2ln",
    "nested": unsigned(b'{"a":' * 2000 + b"1" + b"}" * 2000),
    "an object": {},
    "a number": 5,
    "empty": "",
}

GOOD = {
    "all of it": answer(),
    "no id token": answer(id_token=...),
    "no id token and no error": answer(id_token=None, error=None),
    "a subject that is a list": answer(id_token=jwt({"sub": "user-of-the-test", "x": [{}]})),
    "an end beyond all time": answer(
        access_token=unsigned(b'{"exp":1e400,"iat":-1e400}'), id_token=...
    ),
    "500 kB": answer(refresh_token=NEW + "x" * 500_000),
    "a refresh token with an umlaut": answer(refresh_token=NEW + "\u00fc"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_good_answer_is_stored(bench, name):
    """No trouble is told."""
    bench.answer(GOOD[name])
    status = await bench.renew()

    assert bench.tokens["refresh_token"] == GOOD[name]["refresh_token"]
    assert bench.tokens["access_token"] == GOOD[name]["access_token"]
    assert ("lastError" in status, status["state"]) == (False, "signedIn")


@pytest.mark.parametrize("status", [201, 202, 203])
async def test_every_success_counts(bench, status):
    """As for the Codex CLI."""
    bench.answer(answer(), status=status)
    await bench.renew()

    assert bench.tokens["refresh_token"] == NEW


@pytest.mark.parametrize("name", BAD_ID_TOKENS)
async def test_bad_id_token_costs_the_id_token_alone(bench, name):
    """(P14) The old one stays, the login works, and the trouble is told until it is gone."""
    before = bench.tokens
    bench.answer(answer(id_token=BAD_ID_TOKENS[name]))
    status = await bench.renew()
    bench.answer(answer(refresh_token="third-refresh-token-of-the-test"))
    again = await bench.renew()

    assert (status["state"], status["freshness"]) == ("signedIn", "fresh")
    assert status["lastError"]["kind"] == "issuerResponseInvalid"
    assert "id token" in status["lastError"]["message"]
    assert status["account"]["email"] == "ada@example.com"
    assert "lastError" not in again
    assert before["id_token"] == bench.tokens["id_token"]


async def test_bad_id_token_leaves_the_new_tokens_in_the_file(bench):
    """Byte for byte as they came."""
    before = bench.tokens
    bench.answer(answer(id_token="not a token"))
    await bench.renew()

    assert bench.tokens == before | {"access_token": ACCESS, "refresh_token": NEW}


SOMEBODY_ELSE = {
    "another account": id_token(account_id="account-grace"),
    "another person": id_token(sub="another-user-of-the-test"),
    "a subject that is a list": id_token(sub=["user-of-the-test"]),
    "a subject that is an object": id_token(sub={"a": 1}),
    "another account in a token without a subject": jwt(
        {AUTH_CLAIM: {"chatgpt_account_id": "account-grace"}}
    ),
}

THEIR_ACCESS = jwt({AUTH_CLAIM: {"chatgpt_account_id": "account-grace"}})

UNUSABLE = {
    **{name: answer(id_token=value) for name, value in SOMEBODY_ELSE.items()},
    "another account's access token": answer(access_token=THEIR_ACCESS),
    "another account's access token alone": answer(access_token=THEIR_ACCESS, id_token=...),
    "another person's access token": answer(access_token=jwt({"sub": "another-user"})),
    "another person's access token alone": answer(
        access_token=jwt({"sub": "another-user"}), id_token=...
    ),
    "no access token": answer(access_token=...),
    "an access token that is a number": answer(access_token=5),
    "an access token with a line break": answer(access_token="token\r\nx-evil: 1"),
    "an empty access token": answer(access_token=""),
    "another kind of token": answer(token_type="mac"),
    "an error beside the tokens": answer(error="server_error"),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_answer_that_cannot_be_used_costs_all_but_the_refresh_token(bench, name):
    """(P14) The access token is nobody's here, the person stays who they are, the chain goes on."""
    before = bench.tokens
    bench.answer(UNUSABLE[name])
    with pytest.raises(IssuerResponseInvalid):
        await bench.renew()
    status = bench.service.status()

    assert bench.tokens == before | {"refresh_token": NEW}
    assert (status["state"], status["freshness"]) == ("signedIn", "stale")
    assert status["lastError"]["kind"] == "issuerResponseInvalid"
    assert status["account"]["id"] == "account-ada"
    bench.answer(answer(refresh_token="third-refresh-token-of-the-test"))
    assert "lastError" not in await bench.renew()


@pytest.mark.parametrize("proof", [..., None, "not a token", jwt({"email": "ada@example.com"})])
async def test_after_somebody_else_s_answer_only_one_that_names_the_person_is_taken(bench, proof):
    """(P14) The refresh token that came with it may be theirs, which an opaque token hides."""
    bench.answer(UNUSABLE["another account"])
    third, fourth = "third-refresh-token-of-the-test", "fourth-refresh-token-of-the-test"
    bench.answer(answer(access_token="opaque-access-token", refresh_token=third, id_token=proof))
    before = bench.tokens
    for _ in range(2):
        with pytest.raises(IssuerResponseInvalid):
            await bench.renew()
    doubted = bench.tokens
    bench.answer(answer(access_token="opaque-access-token", refresh_token=fourth))
    status = await bench.renew()
    bench.answer(answer(access_token="last-opaque-access-token", id_token=...))
    await bench.renew()

    assert doubted == before | {"refresh_token": third}
    assert ("lastError" in status, status["account"]["id"]) == (False, "account-ada")
    assert bench.tokens["access_token"] == "last-opaque-access-token"


async def test_person_whom_access_tokens_call_otherwise_is_nobody_else(tmp_path):
    """As issuers do that give each reader of a token a name of its own for the person."""
    async with SandboxIssuer.start() as issuer:
        bench = Bench(tmp_path, issuer, access_token=jwt({"sub": "pairwise"}))
        bench.answer(answer(access_token=jwt({"sub": "pairwise", "name": "next"})))
        await bench.renew()

    assert bench.tokens["access_token"] == jwt({"sub": "pairwise", "name": "next"})


async def test_answer_without_a_new_refresh_token_that_cannot_be_used_changes_nothing(bench):
    """(P14) There is nothing to be kept."""
    before = bench.path.read_bytes()
    for body in (
        answer(refresh_token=..., access_token=5),
        answer(refresh_token=OLD, id_token=id_token(account_id="account-grace")),
        answer(refresh_token="\ud800"),
        answer(refresh_token=""),
        answer(refresh_token=["a"]),
        answer(refresh_token=5),
    ):
        bench.answer(body)
        with pytest.raises(IssuerResponseInvalid):
            await bench.renew()

    assert before == bench.path.read_bytes()


DEFECTS: dict[str, tuple[object, str]] = {
    "the judge": (refresh_answer, "judge_refresh"),
    "the claims": (token, "decode_claims"),
    "the account": (refresh_answer, "account_from_claims"),
    "the comparison": (refresh_answer, "_is_somebody_else"),
    "the merge": (refresh_answer, "_renewal"),
}


@pytest.mark.parametrize("name", DEFECTS)
@pytest.mark.parametrize("error", [TypeError, RecursionError, AssertionError, KeyError])
async def test_defect_while_an_answer_is_read_does_not_cost_the_rotation(
    bench, monkeypatch, name, error
):
    """Planted between the receipt and the write; the log has an id for it, and no token."""

    def fail(*_: object) -> None:
        raise error(NEW)

    with monkeypatch.context() as planted:
        planted.setattr(*DEFECTS[name], fail)
        bench.answer(answer())
        with pytest.raises(IssuerResponseInvalid) as caught:
            await bench.renew()

    assert bench.tokens["refresh_token"] == NEW
    assert caught.value.correlation_id is not None
    assert NEW not in caught.value.message


async def test_defect_while_the_clock_is_told_does_not_cost_the_rotation(tmp_path, monkeypatch):
    """What comes with an answer comes after its tokens."""

    def fail(*_: object) -> None:
        raise TypeError

    monkeypatch.setattr(AuthService, "_hear_issuer_time", fail)
    async with SandboxIssuer.start() as issuer:
        bench = Bench(tmp_path, issuer)
        bench.answer(answer())
        await bench.renew()

    assert bench.tokens["access_token"] == ACCESS


@pytest.mark.parametrize("kind", ["json", "status", "html"])
async def test_issuer_s_time_is_heard_whatever_the_answer_is(tmp_path, monkeypatch, kind):
    """A clock that is wrong may be the reason."""
    heard: list[datetime] = []
    monkeypatch.setattr(AuthService, "_hear_issuer_time", lambda _, moment: heard.append(moment))
    async with SandboxIssuer.start() as issuer:
        bench = Bench(tmp_path, issuer)
        fault = Fault("refresh", kind, status=400, body={"error": "invalid_grant"})
        issuer.state.faults.add(fault)
        with pytest.raises(AuthError):
            await bench.renew()

    assert [moment.tzinfo for moment in heard] == [UTC]


async def test_unusable_answer_to_which_the_disk_says_no_is_kept_in_memory(bench, monkeypatch):
    """Its refresh token is written as soon as that works, and its trouble told then."""
    writes = bench.service._cache.store.pinned().__class__
    genuine: Callable[..., Any] = writes.replace
    full = [OSError(28, "No space left on device")]

    def fail_once(self: object, document: object) -> Any:
        if full:
            raise full.pop()
        return genuine(self, document)

    monkeypatch.setattr(writes, "replace", fail_once)
    bench.answer(UNUSABLE["another account"])
    with pytest.raises(IssuerResponseInvalid):
        await bench.renew()
    held = (bench.tokens["refresh_token"], bench.service.status()["lastError"]["kind"])
    async with asyncio.timeout(10):
        await bench.service.refresher._writer.hurry()

    assert held == (OLD, "storeWriteFailed")
    assert bench.tokens["refresh_token"] == NEW
    assert bench.service.status()["lastError"]["kind"] == "issuerResponseInvalid"


async def test_answer_for_which_the_file_has_no_room_is_kept_in_memory(bench):
    """The old file stays readable, and the person is told while the new tokens are used."""
    login = json.loads(bench.path.read_bytes()) | {"x_note": "x" * 600_000}
    before = codex_bytes(login)
    bench.path.write_bytes(before)
    bench.answer(answer(refresh_token=NEW + "x" * 600_000))
    status = await bench.renew()
    given = await bench.service.credentials.issue(
        None, min_validity_seconds=300, rejected_revision=None
    )

    assert (status["state"], status["lastError"]["kind"]) == ("signedIn", "storeWriteFailed")
    assert given.to_wire()["headers"]["Authorization"] == f"Bearer {ACCESS}"
    assert before == bench.path.read_bytes()


async def test_issuer_that_goes_on_to_answer_badly_is_left_in_peace(bench):
    """Each answer costs a refresh token: nobody asked, so half a minute lies between two."""
    for number in range(4):
        bench.answer(answer(access_token=..., refresh_token=f"{NEW}-{number}"))
    counts = []
    for _ in range(4):
        try:
            await bench.renew_unasked()
        except IssuerResponseInvalid:
            pass
        counts.append(bench.requests)
        bench.clock.waited += 10.0

    assert counts == [1, 1, 1, 2]
    assert bench.tokens["refresh_token"] == f"{NEW}-1"


async def test_id_token_without_the_person_it_was_for_is_left_aside(tmp_path):
    """(P14) Where no account tells whose it is, nobody else is shown for it."""
    claims = {"sub": "person", "email": "ada@example.com"}
    stranger = {
        AUTH_CLAIM: {"chatgpt_account_id": "account-mallory"},
        "email": "mallory@example.com",
    }
    async with SandboxIssuer.start() as issuer:
        tokens = {"id_token": jwt(claims), "account_id": None}
        bench = Bench(tmp_path, issuer, **tokens)
        bench.answer(answer(id_token=jwt(stranger)))
        status = await bench.renew()
        await bench.service.close(hurried=True)

    assert status["account"]["email"] == "ada@example.com"
    assert "id" not in status["account"]
    assert status["lastError"]["kind"] == "issuerResponseInvalid"
    assert bench.tokens | {"refresh_token": NEW, "id_token": jwt(claims)} == bench.tokens
