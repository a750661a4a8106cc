"""What a refusal of a refresh token comes to, by what is stored meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import RefreshTokenReused, RefreshTokenRevoked, StoreLocked
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.refresh_refusal import settle_refusal
from codex_auth_lsp.service.refresh_rules import Refusal
from codex_auth_lsp.stores.base import Snapshot
from codex_auth_lsp.stores.document import login_document
from stores.store_contract import LOGIN

SOURCE = CredentialSource("keyring")
RENEWED = replace(LOGIN, access_token=Secret("at-2"), refresh_token=Secret("rt-2"))


class Clock(SystemClock):
    """A clock whose waits take no time."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


@dataclass
class Found:
    """A store in which each look finds the next of what the test has put there."""

    finds: list[str]
    looks: int = 0
    snapshot: Snapshot | None = None

    async def sync(self) -> None:
        self.looks += 1
        found = self.finds.pop(0) if len(self.finds) > 1 else self.finds[0]
        health = "locked" if found == "locked" else "ok"
        report = StoreReport(mode="keyring", backend="keyring", health=health, detail=found)
        login = {"spent": LOGIN, "renewed": RENEWED}.get(found)
        document = login_document(login, None) if login is not None else None
        self.snapshot = Snapshot(report, SOURCE, found, document)

    def read(self) -> Snapshot:
        assert self.snapshot is not None
        return self.snapshot


async def look() -> None:
    """Let the window see it."""


async def settled(store: Found, error: type[RefreshTokenReused | RefreshTokenRevoked]) -> Refusal:
    return await settle_refusal(store, LOGIN, error(), look, Clock())


@pytest.mark.parametrize(
    ("finds", "meaning", "looks"),
    [
        (["spent"], Refusal.DEAD, 6),
        (["spent", "spent", "renewed"], Refusal.ADOPT, 3),
        (["locked", "locked", "renewed"], Refusal.ADOPT, 3),
        (["locked", "spent"], Refusal.DEAD, 6),
        (["nothing"], Refusal.LEAVE, 1),
    ],
)
async def test_whoever_renewed_it_has_time_to_store_that(finds, meaning, looks):
    """Also where the store cannot be read for a moment."""
    store = Found(finds)

    assert await settled(store, RefreshTokenReused) is meaning
    assert store.looks == looks


@pytest.mark.parametrize(("error", "looks"), [(RefreshTokenReused, 6), (RefreshTokenRevoked, 1)])
async def test_store_that_nobody_can_read_to_the_end_says_nothing(error, looks):
    """The login may be another one by now, so nobody is told to sign in again."""
    store = Found(["locked"])
    with pytest.raises(StoreLocked):
        await settled(store, error)

    assert store.looks == looks
