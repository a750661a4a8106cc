"""Renewals when the clock lies, and when another window holds the turn and does not move."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import (
    AuthError,
    IssuerError,
    LockTimedOut,
    RefreshTokenRevoked,
    StoreCorrupt,
    StoreWriteFailed,
)
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service import refresher, rotation
from codex_auth_lsp.service.refresh_record import SENT, RefreshRecord, write_record
from codex_auth_lsp.service.refresh_turn import TURN_SECONDS
from codex_auth_lsp.stores import file
from codex_auth_lsp.stores.file import FileStore
from e2e.shapes import access_token
from service.refresh_bench import Bench
from stores.test_lock import SHORT, other_process_holds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with SandboxIssuer.start() as issuer:
        bench = Bench(tmp_path, issuer)
        body = {"access_token": access_token(valid_for=3600), "refresh_token": "next-of-the-test"}
        bench.answer(body, times=1000)
        yield bench
        await bench.service.close(hurried=True)


@pytest.mark.parametrize(
    "lie",
    [timedelta(days=3652), timedelta(days=1), timedelta(hours=1), timedelta(hours=-1),
     timedelta(days=-1)],
    ids=["ten years", "a day", "summer time", "winter time", "yesterday"],
)  # fmt: skip
async def test_a_clock_that_lies_makes_one_request_in_thirty_seconds(bench, lie):
    """(S14) Whatever it says: a token that is called dead at once is not renewed in a storm."""
    bench.clock.lie = lie
    counts = []
    for _ in range(8):
        await bench.renew_unasked()
        await bench.renew_unasked()
        counts.append(bench.requests)
        bench.clock.waited += 10.0

    assert counts == [1, 1, 1, 2, 2, 2, 3, 3]


async def test_a_clock_that_jumps_between_two_requests_costs_no_more(bench):
    """(S14) Forwards and back again, as after a suspend: half a minute has not gone by."""
    counts = []
    for lie in (timedelta(), timedelta(hours=8), timedelta(days=3652), timedelta(hours=-1)):
        bench.clock.lie = lie
        await bench.renew_unasked()
        counts.append(bench.requests)
    other_window = Bench(bench.folder, bench.issuer)
    other_window.clock.lie = timedelta(hours=2)
    await other_window.renew_unasked()
    bench.clock.waited += 31.0
    await bench.renew_unasked()

    assert counts == [1, 1, 1, 1]
    assert bench.requests == 2


@pytest.mark.parametrize(
    ("kind", "expected"), [("close", True), ("html", False), ("redirect", False), ("status", False)]
)
async def test_only_a_lost_answer_is_asked_for_once_more_at_once(tmp_path, kind, expected):
    """(S14) An issuer with a grace may give it again; any other trouble keeps its distance."""
    async with SandboxIssuer.start() as issuer:
        bench = Bench(tmp_path, issuer)
        issuer.state.faults.add(Fault("refresh", kind, status=503 if kind == "status" else None))
        with pytest.raises(IssuerError):
            await bench.renew_unasked()
        credential = bench.service.view.snapshot.credential
        assert isinstance(credential, ChatGptCredential)
        wants_another = bench.service.refresher.broke_off(credential)
        counts = []
        for _ in range(3):
            with suppress(AuthError):
                await bench.renew_unasked()
            counts.append(bench.requests)

    assert wants_another is expected
    assert counts == [2 if expected else 1] * 3


async def test_removal_of_the_record_costs_no_more(bench):
    """What this window has sent itself it knows without it."""
    await bench.renew_unasked()
    (bench.folder / "auth.json.refresh.json").unlink()
    await bench.renew_unasked()

    assert bench.requests == 1


async def test_a_window_that_is_stopped_in_its_turn_is_given_up_on(bench):
    """(S13) `lockTimedOut` names the process after half a minute; the valid token is given out."""
    lock = bench.folder / "auth.json.refresh.lock"
    before = (bench.folder / "auth.json").read_bytes()
    with other_process_holds(lock) as holder:
        holder.send_signal(signal.SIGSTOP)
        who = rf"^Process {holder.pid} \(python.*\) keeps renewing the login"
        with pytest.raises(LockTimedOut, match=who):
            await bench.service.refresher(force_since=bench.clock.now())
        waited = bench.clock.waited
        given = await bench.service.credentials.issue(
            None, min_validity_seconds=300, rejected_revision=None
        )
        holder.send_signal(signal.SIGCONT)

    assert TURN_SECONDS <= waited < TURN_SECONDS + 1
    assert bench.requests == 0
    assert "Authorization" in given.to_wire()["headers"]
    assert (bench.folder / "auth.json").read_bytes() == before


@pytest.mark.parametrize("name", ["auth.lock", "auth.json.lock"])
async def test_a_lock_that_is_not_to_be_had_is_found_out_before_the_token_is_spent(
    bench, monkeypatch, name
):
    """(S13) `lockTimedOut` in the status too, until a renewal comes through."""
    monkeypatch.setattr(file, "LOCK_SECONDS", SHORT)
    before = bench.tokens
    with other_process_holds(bench.folder / name):
        with pytest.raises(LockTimedOut, match=rf"keeps {name} locked"):
            await bench.renew()
        assert (bench.requests, bench.tokens) == (0, before)
        assert bench.service.status()["lastError"]["kind"] == "lockTimedOut"
    status = await bench.renew()

    assert (bench.requests, status.get("lastError")) == (1, None)
    assert bench.tokens["refresh_token"] == "next-of-the-test"


async def test_what_a_lock_kept_from_the_disk_is_written_within_a_second_of_its_release(
    bench, monkeypatch
):
    """(S13) However long that took; meanwhile others are heard."""
    monkeypatch.setattr(file, "LOCK_SECONDS", SHORT)
    monkeypatch.setattr(rotation, "_DELAYS", (60.0,))  # as a disk is left alone in the end
    lock = bench.folder / "auth.json.lock"
    with ExitStack() as stack:
        # The lock goes away while the answer is on its way.
        genuine = refresher.renew

        async def renew(*arguments: Any, **options: Any) -> Any:
            try:
                return await genuine(*arguments, **options)
            finally:
                stack.enter_context(other_process_holds(lock))

        monkeypatch.setattr(refresher, "renew", renew)
        status = await bench.renew()
        assert status["lastError"]["kind"] == "lockTimedOut"
        (bench.folder / ".env").write_text("NEW=1\n")
        async with asyncio.timeout(1.0 + SHORT):
            while not bench.service.view.variables:
                await asyncio.sleep(0.01)
    async with asyncio.timeout(1.0):
        while bench.tokens["refresh_token"] != "next-of-the-test":
            await asyncio.sleep(0.01)

    assert bench.requests == 1


REFUSED = {"error": {"code": "refresh_token_invalidated", "message": "no"}}


async def test_refusal_that_another_window_gets_meanwhile_counts_for_whoever_waits(tmp_path):
    """The token is not sent a second time."""
    async with SandboxIssuer.start() as issuer:
        first, second = (Bench(tmp_path, issuer, SystemClock()) for _ in range(2))
        first.answer(REFUSED, status=401)
        found = await asyncio.gather(first.renew(), second.renew(), return_exceptions=True)
        states = [bench.service.status()["state"] for bench in (first, second)]
        for bench in (first, second):
            await bench.service.close(hurried=True)

    assert [type(error) for error in found] == [RefreshTokenRevoked, RefreshTokenRevoked]
    assert (states, first.requests) == (["needsReauth", "needsReauth"], 1)


async def test_refusal_while_nobody_can_read_the_store_is_kept_in_mind(tmp_path, monkeypatch):
    """What is stored may be another login; once it is seen to be the old one, it is dead."""
    async with SandboxIssuer.start() as issuer:
        bench = Bench(tmp_path, issuer)
        before = bench.path.read_bytes()
        genuine = refresher.renew

        async def renew(*arguments: Any, **options: Any) -> Any:
            bench.path.write_bytes(b"{ no login")
            return await genuine(*arguments, **options)

        monkeypatch.setattr(refresher, "renew", renew)
        bench.answer(REFUSED, status=401)
        with pytest.raises(StoreCorrupt):
            await bench.renew()
        meanwhile = bench.service.status()["state"]
        bench.path.write_bytes(before)
        after = bench.service.status()["state"]
        with pytest.raises(RefreshTokenRevoked):
            await bench.renew()
        await bench.service.close(hurried=True)

    assert (meanwhile, after) == ("unavailable", "needsReauth")
    assert bench.requests == 1


async def test_turn_that_cannot_be_taken_is_no_sign_of_a_renewal_that_broke_off(bench):
    """Nobody knows, so nothing is sent unasked."""
    bench.service.status()
    credential = bench.service.view.snapshot.credential
    assert isinstance(credential, ChatGptCredential)
    fingerprint = credential.refresh_token.fingerprint()
    record = RefreshRecord(fingerprint, bench.clock.now(), SENT)
    write_record(bench.folder / "auth.json.refresh.json", record)
    free = bench.service.refresher.broke_off(credential)
    (bench.folder / "auth.json.refresh.lock").unlink()
    (bench.folder / "auth.json.refresh.lock").mkdir()

    assert (free, bench.service.refresher.broke_off(credential)) == (True, False)


async def test_rotation_that_no_disk_takes_to_the_end_is_lost_and_told(bench, monkeypatch, caplog):
    """The last try is at the end of the process; the log says what has become of it."""

    def refuse(*_: object, **__: object) -> None:
        raise StoreWriteFailed

    monkeypatch.setattr(FileStore, "update", refuse)
    status = await bench.renew()
    await bench.service.close(hurried=True)

    assert status["lastError"]["kind"] == "storeWriteFailed"
    assert "could not be stored and is lost" in caplog.text
    assert "next-of-the-test" not in caplog.text


async def test_login_of_an_issuer_that_must_not_be_asked_is_not_revoked(bench):
    """Its record names plain http to another machine: nothing goes there."""
    credential = ChatGptCredential(
        Secret("id"), Secret("at"), Secret("rt"), issuer="http://issuer.example", client_id="app"
    )
    revoker = bench.service._actions._revoker

    assert await revoker.revoke(credential) is False
