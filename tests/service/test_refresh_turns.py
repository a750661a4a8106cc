"""One window renews at a time, also where somebody tidies up, and nobody waits for long."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.errors import LockTimedOut, ShuttingDown
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.service import refresher
from codex_auth_lsp.service.credentials import PATIENCE_SECONDS
from codex_auth_lsp.service.refresh_record import SENT, read_record
from codex_auth_lsp.service.refresh_turn import TURN_SECONDS
from codex_auth_lsp.stores.file import FileStore
from e2e.shapes import access_token, aged, chatgpt_login, codex_bytes, jwt
from prove.issuer import ProvingIssuer
from service.refresh_bench import Bench, SlowClock
from stores.test_lock import other_process_holds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from codex_auth_lsp.service.credentials import IssuedCredential

SOON = 100.0
"""Seconds of validity that are fewer than the five minutes that a request wants."""


@pytest.fixture
async def issuer() -> AsyncIterator[SandboxIssuer]:
    async with SandboxIssuer.start() as issuer:
        yield issuer


def sign_in(folder: Path, issuer: SandboxIssuer, *, left: float) -> None:
    """Store a login of an hour that has so much left."""
    path = folder / "auth.json"
    path.write_bytes(codex_bytes(aged(chatgpt_login(issuer=issuer.url), left=left)))
    path.chmod(0o600)


async def credential(bench: Bench) -> IssuedCredential:
    return await bench.service.credentials.issue(
        None, min_validity_seconds=300, rejected_revision=None
    )


def refuse_to_write(*_: object) -> None:
    """Do as a disk that is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def asked(issuer: SandboxIssuer, times: int) -> None:
    """Wait until the issuer has had so many token requests."""
    async with asyncio.timeout(10):
        while issuer.state.log.to_json()["counts"].get("refresh", 0) < times:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "removed",
    [
        ("auth.json.refresh.lock",),
        ("auth.json.refresh.json",),
        ("auth.json.refresh.lock", "auth.json.refresh.json"),
    ],
    ids=["the lock", "the record", "both"],
)
async def test_what_is_removed_in_the_middle_lets_no_second_window_in(tmp_path, removed):
    """(S11) Somebody tidies the folder while a token is on its way: it is sent once."""
    async with ProvingIssuer.start() as issuer:
        (tmp_path / "auth.json").write_bytes(codex_bytes(issuer.new_login()))
        first, second = (Bench(tmp_path, issuer.sandbox, SystemClock()) for _ in range(2))
        issuer.hold_next_refresh()
        running = asyncio.ensure_future(first.renew())
        await issuer.held()
        for name in removed:
            (tmp_path / name).unlink()
        other = asyncio.ensure_future(second.renew())
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await asked(issuer.sandbox, 2)
        while_held = first.requests
        issuer.let_go()
        states = [status["state"] for status in await asyncio.gather(running, other)]
        for bench in (first, second):
            await bench.service.close(hurried=True)

    assert states == ["signedIn", "signedIn"]
    assert (while_held, first.requests) == (1, 1)


async def test_valid_token_is_given_out_while_another_window_does_not_finish(tmp_path, issuer):
    """(S13) After some seconds at first, and then at once; what was asked for goes on."""
    sign_in(tmp_path, issuer, left=SOON)
    bench = Bench(tmp_path, issuer, clock=SlowClock())
    with other_process_holds(tmp_path / "auth.json.refresh.lock"):
        first = await credential(bench)
        waited = bench.clock.monotonic()
        second = await credential(bench)
        waited_again = bench.clock.monotonic()
        with pytest.raises(LockTimedOut):
            await bench.service.refresher(min_validity_seconds=300)

    assert first == second
    assert "Authorization" in first.to_wire()["headers"]
    assert PATIENCE_SECONDS <= waited < PATIENCE_SECONDS + 1
    assert waited_again < waited + 1
    assert bench.clock.monotonic() >= TURN_SECONDS
    assert bench.requests == 0
    await bench.service.close(hurried=True)


async def test_token_that_ends_meanwhile_is_not_given_out(tmp_path, issuer):
    """`lockTimedOut`, when the other window has had all its time."""
    sign_in(tmp_path, issuer, left=2)
    bench = Bench(tmp_path, issuer, clock=SlowClock())
    with other_process_holds(tmp_path / "auth.json.refresh.lock"), pytest.raises(LockTimedOut):
        await credential(bench)

    assert TURN_SECONDS <= bench.clock.monotonic() < TURN_SECONDS + 1
    await bench.service.close(hurried=True)


async def test_token_that_was_refused_is_not_given_out_again(tmp_path, issuer):
    """However long the other window takes: it did not serve."""
    sign_in(tmp_path, issuer, left=SOON)
    bench = Bench(tmp_path, issuer, clock=SlowClock())
    bench.answer({"access_token": jwt({"exp": 9_999_999_999}), "refresh_token": "next"}, times=9)
    refused = await credential(bench)
    with other_process_holds(tmp_path / "auth.json.refresh.lock"), pytest.raises(LockTimedOut):
        await bench.service.credentials.issue(
            None, min_validity_seconds=0, rejected_revision=refused.revision
        )

    await bench.service.close(hurried=True)


async def test_window_that_waits_for_its_turn_may_end_at_once(tmp_path, issuer):
    """Nothing is spent yet."""
    bench = Bench(tmp_path, issuer, SystemClock())
    with other_process_holds(tmp_path / "auth.json.refresh.lock"):
        waiting = asyncio.ensure_future(bench.renew())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await bench.service.close(hurried=True)
        with pytest.raises(ShuttingDown):
            await waiting

    assert bench.requests == 0


async def test_pause_ends_with_the_login_that_it_was_asked_for(tmp_path, issuer):
    """(P17) Also in the window that was told."""
    bench = Bench(tmp_path, issuer)
    issuer.state.faults.add(Fault("refresh", "status", status=429, retry_after=600))
    with pytest.raises(Exception, match="wait"):
        await bench.renew()
    with pytest.raises(Exception, match="wait"):
        await bench.renew()
    before = bench.requests
    bench.path.write_bytes(
        codex_bytes(chatgpt_login(issuer=issuer.url, refresh_token="another-token-of-the-test"))
    )
    bench.answer({"access_token": access_token(name="renewed"), "refresh_token": "next"})
    await bench.renew()

    assert (before, bench.requests) == (1, 2)


async def test_nobody_else_has_a_turn_while_a_rotation_cannot_be_written(tmp_path, monkeypatch):
    """The stored token is spent, and its successor is in the first window's memory alone."""
    async with ProvingIssuer.start() as issuer:
        (tmp_path / "auth.json").write_bytes(codex_bytes(issuer.new_login()))
        first = Bench(tmp_path, issuer.sandbox, SystemClock())
        second = Bench(tmp_path, issuer.sandbox, SlowClock())
        spent = first.tokens["refresh_token"]
        monkeypatch.setattr(FileStore, "replace", refuse_to_write)
        await first.renew()
        (tmp_path / "auth.json.refresh.lock").unlink()
        with pytest.raises(LockTimedOut):
            await second.renew()
        while_kept = (first.requests, first.tokens["refresh_token"])
        monkeypatch.undo()
        for bench in (first, second):
            await bench.service.close(hurried=True)

        assert while_kept == (1, spent)
        assert issuer.refusal_of(json.loads(first.path.read_bytes())) is None


async def test_another_window_s_unusable_answer_is_not_adopted_as_a_renewal(tmp_path, issuer):
    """Its new refresh token is used for one more try, and nobody gets a token that has ended."""
    sign_in(tmp_path, issuer, left=-5)
    first, second = (Bench(tmp_path, issuer, SystemClock()) for _ in range(2))
    first.answer({"refresh_token": "second-token-of-the-test"})
    renewed = access_token(name="renewed")
    first.answer({"refresh_token": "third-token-of-the-test", "access_token": renewed})

    answers = await asyncio.gather(
        first.service.refresher(), second.service.refresher(), return_exceptions=True
    )
    for bench in (first, second):
        await bench.service.close(hurried=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["IssuerResponseInvalid", "dict"]
    assert (first.requests, first.tokens["access_token"]) == (2, renewed)


async def test_logout_revokes_a_rotation_that_could_not_be_written(tmp_path, monkeypatch):
    """What is in memory alone comes back no more, neither as an error nor as a login."""
    async with ProvingIssuer.start() as issuer:
        login = issuer.new_login()
        (tmp_path / "auth.json").write_bytes(codex_bytes(login))
        bench = Bench(tmp_path, issuer.sandbox, SystemClock())
        monkeypatch.setattr(FileStore, "replace", refuse_to_write)
        held = await bench.renew()
        bearer = await credential(bench)
        await bench.service.logout(revoke=False)
        status = bench.service.status()
        monkeypatch.undo()
        await bench.service.close(hurried=True)

        assert held["lastError"]["kind"] == "storeWriteFailed"
        assert (status["state"], "lastError" in status) == ("signedOut", False)
        assert not bench.path.exists()
        assert issuer.count("revoke") == 1
        assert not issuer.accepts(bearer.to_wire()["headers"]["Authorization"].split()[1])


async def test_rotation_that_could_not_be_written_is_no_trouble_of_the_next_login(
    tmp_path, issuer, monkeypatch
):
    """Its error is gone with its login, and the next one can be renewed."""
    bench = Bench(tmp_path, issuer, SystemClock())
    renewed = access_token(name="renewed")
    bench.answer({"access_token": renewed, "refresh_token": "next-token-of-the-test"}, times=9)
    monkeypatch.setattr(FileStore, "replace", refuse_to_write)
    await bench.renew()
    other = chatgpt_login(issuer=issuer.url, refresh_token="token-of-the-next-login")
    other["tokens"]["login_owner_id"] = "the-next-login"
    bench.path.write_bytes(codex_bytes(aged(other, left=-5)))
    status = bench.service.status()
    monkeypatch.undo()
    given = await credential(bench)
    await bench.service.close(hurried=True)

    assert "lastError" not in status
    assert given.to_wire()["headers"]["Authorization"] == f"Bearer {renewed}"


async def test_issuer_that_never_answers_is_waited_for_so_long_and_no_longer(
    tmp_path, issuer, monkeypatch
):
    """(W15) The answer would be the only copy of the login; the next window finds its note."""
    assert refresher.FINISH_SECONDS == 30.0
    monkeypatch.setattr(refresher, "FINISH_SECONDS", 0.3)
    bench = Bench(tmp_path, issuer, SystemClock())
    before = bench.path.read_bytes()
    issuer.state.faults.add(Fault("refresh", "hang"))
    waiting = asyncio.ensure_future(bench.renew())
    await asked(issuer, 1)
    started = bench.clock.monotonic()
    async with asyncio.timeout(10):
        await bench.service.close(hurried=True)
    took = bench.clock.monotonic() - started
    waiting.cancel()
    record = read_record(tmp_path / "auth.json.refresh.json")

    assert took >= 0.3
    assert record is not None
    assert (record.outcome, bench.path.read_bytes()) == (SENT, before)
