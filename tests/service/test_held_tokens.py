"""Renewed tokens that a keyring did not take are used until it opens, or the person signs out."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.errors import NotSignedIn, StoreError, StoreLocked
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.stores import system
from e2e.shapes import access_token, chatgpt_login, codex_bytes
from e2e.waiting import eventually
from service.refresh_bench import Bench
from stores.fake_vaults import ABSENT, LOCKED, FakeVault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ACCESS = access_token(name="renewed")
NEW = "next-refresh-token-of-the-test"
FORCED = {"min_validity_seconds": 300, "rejected_revision": None}


@asynccontextmanager
async def held(
    folder: Path, monkeypatch: pytest.MonkeyPatch, trouble: Any, mode: str = "keyring"
) -> AsyncIterator[tuple[Bench, FakeVault]]:
    """Renew a login whose keyring goes away while the issuer answers."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={folder}/nobody")
    (folder / "config.toml").write_text(f'cli_auth_credentials_store = "{mode}"\n')
    async with SandboxIssuer.start() as issuer:
        vault = FakeVault(codex_bytes(chatgpt_login(issuer=issuer.url)).decode())
        monkeypatch.setattr(system, "system_vault", lambda _: vault)
        bench = Bench(folder, issuer)
        bench.path.unlink()
        answered = bench.service.refresher._take

        def take(*given: Any, **options: Any) -> Any:
            vault.trouble = trouble
            return answered(*given, **options)

        monkeypatch.setattr(bench.service.refresher, "_take", take)
        body = {"access_token": ACCESS, "refresh_token": NEW}
        issuer.state.faults.add(Fault("refresh", "json", body=body))
        await bench.service.sync()
        await bench.renew()
        yield bench, vault
        await bench.service.close(hurried=True)


async def looked(bench: Bench) -> dict[str, Any]:
    await bench.service.sync()
    return bench.service.status()


@pytest.mark.parametrize("trouble", [LOCKED, ABSENT], ids=["locked", "gone"])
async def test_held_tokens_serve_while_the_keyring_cannot_be_read(tmp_path, monkeypatch, trouble):
    """(S9) The status says where they are and what is wrong; then the keyring has them."""
    async with held(tmp_path, monkeypatch, trouble) as (bench, vault):
        status = await looked(bench)
        given = await bench.service.credentials.issue(None, **FORCED)
        vault.trouble = None
        await bench.service.refresher._writer.hurry()
        after = await looked(bench)

        assert given.to_wire()["headers"]["Authorization"] == f"Bearer {ACCESS}"
        assert (status["state"], status["source"]) == ("signedIn", {"kind": "memory"})
        assert status["store"]["health"] in {"locked", "unavailable"}
        assert status["lastError"]["kind"] in {"storeLocked", "storeUnavailable"}
        assert (after["state"], after["source"]) == ("signedIn", {"kind": "keyring"})
        assert "lastError" not in after
        assert NEW in vault.value


async def test_held_tokens_cannot_be_renewed(tmp_path, monkeypatch):
    """They would be lost with their successors: why they are held is told, and nothing is sent."""
    async with held(tmp_path, monkeypatch, LOCKED) as (bench, _):
        with pytest.raises(StoreError):
            await bench.renew()

        assert bench.requests == 1


async def test_held_tokens_are_nobody_s_after_a_logout(tmp_path, monkeypatch):
    """It counts at once; when the keyring opens they are revoked and the old login goes."""
    async with held(tmp_path, monkeypatch, LOCKED) as (bench, vault):
        with pytest.raises(StoreLocked):
            await bench.service.logout()
        with pytest.raises((NotSignedIn, StoreLocked)):
            await bench.service.credentials.issue(None, **FORCED)
        state = (await looked(bench))["state"]
        vault.trouble = None
        await bench.service.refresher._writer.hurry()
        await looked(bench)
        await eventually(lambda: vault.value is None, "an empty keyring")

        assert state == "unavailable"


async def test_held_tokens_are_of_the_store_that_they_came_from(tmp_path, monkeypatch):
    """Nobody knows who is signed in where another store is configured and cannot be read."""
    async with held(tmp_path, monkeypatch, LOCKED) as (bench, _):
        (tmp_path / "config.toml").write_text('cli_auth_credentials_store = "auto"\n')
        status = await looked(bench)

        assert status["state"] == "unavailable"
