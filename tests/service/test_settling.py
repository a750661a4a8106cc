"""What a locked keyring kept from being done is made good when it opens, and revoked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import StoreLocked
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service import settling
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.service.events import StatusChanged
from codex_auth_lsp.service.revocation import Revoker
from codex_auth_lsp.stores import system
from codex_auth_lsp.stores.vault import VaultRefused
from e2e.waiting import eventually
from stores.fake_vaults import LOCKED, FakeVault
from stores.store_contract import LOGIN, store_login

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from codex_auth_lsp.domain.credential import ChatGptCredential

NOBODY = "http://127.0.0.1:9"
OLDER_LOGIN = replace(LOGIN, login_owner_id="one")
OTHER_LOGIN = replace(LOGIN, refresh_token=Secret("rt-2"), login_owner_id="two")


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    vault = FakeVault()
    monkeypatch.setattr(system, "system_vault", lambda _: vault)
    return vault


@pytest.fixture
def revoked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the refresh tokens that are revoked."""
    tokens: list[str] = []

    async def revoke(_self: Revoker, login: ChatGptCredential) -> bool:
        tokens.append(login.refresh_token.reveal())
        return True

    monkeypatch.setattr(Revoker, "revoke", revoke)
    return tokens


@pytest.fixture
async def service(
    tmp_path: Path, vault: FakeVault, revoked: list[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AuthService]:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")
    (tmp_path / "config.toml").write_text('cli_auth_credentials_store = "auto"\n')
    home = CodexHome(tmp_path, "option")
    service = AuthService(ServiceOptions(home, IssuerSettings(NOBODY, "client"), {}))
    await asyncio.to_thread(store_login, service._cache.store, OLDER_LOGIN)
    await service.sync()
    yield service
    await service.close(hurried=True)


async def logged_out_in_vain(service: AuthService, vault: FakeVault) -> None:
    """Sign out while the keyring is locked, and nobody unlocks it."""
    vault.trouble = LOCKED
    with pytest.raises(StoreLocked):
        await service.logout()
    vault.trouble = None


async def look(service: AuthService) -> dict[str, Any]:
    """Look at the keyring, and return the status."""
    await service.sync()
    return service.status()


async def test_login_that_a_logout_left_goes_and_is_revoked_when_the_keyring_opens(
    service, vault, revoked
):
    """And nobody is told that somebody is signed in."""
    await logged_out_in_vain(service, vault)
    assert (await look(service))["state"] == "signedOut"
    await eventually(lambda: vault.value is None, "an empty keyring")
    await eventually(lambda: revoked == ["rt-1"], "the revocation")


async def test_window_that_starts_later_makes_it_good(service, vault, revoked):
    """The one in which somebody signed out was closed while the keyring was locked."""
    await logged_out_in_vain(service, vault)
    await service.close(hurried=True)
    later = AuthService(service.options)
    later.start()
    await eventually(lambda: vault.value is None, "an empty keyring")
    await eventually(lambda: revoked == ["rt-1"], "the revocation")

    assert later.status()["state"] == "signedOut"
    await later.close(hurried=True)


async def test_failure_is_tried_again_without_a_look(service, vault, revoked, monkeypatch):
    """A keyring that has just come back is not always itself."""
    monkeypatch.setattr(settling, "_DELAYS", (0.0, 0.05, 0.05))
    await logged_out_in_vain(service, vault)
    failures = [VaultRefused("No."), AttributeError("odd")]
    delete = vault.delete

    def fail_twice(**options):
        if failures:
            raise failures.pop(0)
        return delete(**options)

    vault.delete = fail_twice
    await look(service)
    await eventually(lambda: vault.value is None, "an empty keyring")

    assert failures == []


async def test_process_that_ends_waits_for_no_further_try(service, vault):
    """The login stays, as the logout has said."""
    await logged_out_in_vain(service, vault)
    vault.ignores_deletes = True
    await look(service)
    await eventually(lambda: vault.calls.count("delete") >= 1, "a try")
    async with asyncio.timeout(5):
        await service.close(hurried=True)

    assert vault.value is not None


async def test_older_login_in_the_keyring_is_replaced_and_revoked(service, vault, revoked):
    """The newer one had to go to the file; the change is this server's own."""
    _ = service.logins
    vault.trouble = LOCKED
    await asyncio.to_thread(store_login, service._cache.store, OTHER_LOGIN)
    vault.trouble = None
    status = await look(service)
    assert status["store"]["backend"] == "file"
    await eventually(lambda: service.status()["store"]["backend"] == "keyring", "one place")

    assert "rt-2" in (vault.value or "")
    await eventually(lambda: revoked == ["rt-1"], "the revocation")


async def test_keyring_that_refuses_is_asked_once_and_nothing_is_revoked(
    service, vault, revoked, monkeypatch
):
    """(S15) The older login stays where it is, and both disks have their rest."""
    monkeypatch.setattr(settling, "_DELAYS", (0.0, 0.0, 0.0))
    _ = service.logins
    vault.trouble = LOCKED
    await asyncio.to_thread(store_login, service._cache.store, OTHER_LOGIN)
    older, vault.trouble = vault.value, None
    vault.calls.clear()
    vault.keeps = lambda _: older
    for _ in range(5):
        status = await look(service)
        if service._actions.settling._running is not None:
            await service._actions.settling._running

    assert (status["store"]["backend"], vault.value, revoked) == ("file", older, [])
    assert vault.calls.count("set") == 1


async def test_logout_that_is_completed_later_is_told_as_one(service, vault):
    """It is this server's own work, and nobody else's change."""
    changes: list[Any] = []
    service.events.subscribe(changes.append)
    service.start()
    await eventually(lambda: service._watcher is not None, "the first status")
    await logged_out_in_vain(service, vault)
    await look(service)
    await eventually(lambda: vault.value is None, "an empty keyring")
    await look(service)

    told = [(c.cause, c.origin, c.status["state"]) for c in changes if isinstance(c, StatusChanged)]
    assert told[-1] == ("logout", "thisServer", "signedOut")
    assert "externalChange" not in {cause for cause, _, _ in told}


async def test_logout_in_mode_file_is_completed_when_the_keyring_opens(
    service, vault, tmp_path, revoked
):
    """Nobody is asked for it, and it does not come back with the old mode."""
    service.start()
    await eventually(lambda: service._watcher is not None, "the first status")
    config = tmp_path / "config.toml"
    config.write_text('cli_auth_credentials_store = "file"\n')
    await eventually(lambda: service.status()["store"]["mode"] == "file", "the mode")
    vault.trouble = LOCKED
    result = (await service.logout()).to_wire()
    assert (result["removed"], result["revoked"]) == ([], "notApplicable")
    assert result["remaining"] == [{"store": "keyring", "kind": "storeLocked"}]
    assert "unlock" not in vault.calls
    assert service.reads_at_once
    vault.trouble = None
    service._look_again()  # as the keyring's signal does
    await eventually(lambda: vault.value is None, "an empty keyring")

    await eventually(lambda: revoked == ["rt-1"], "the revocation")
    await eventually(lambda: service._watched_store is service._cache.store, "an end of the watch")


async def test_what_fails_to_the_end_is_left_for_a_later_look(service, vault, monkeypatch):
    """Some tries, and then rest: until somebody looks again."""
    monkeypatch.setattr(settling, "_DELAYS", (0.0, 0.0))
    await logged_out_in_vain(service, vault)
    delete, tries = vault.delete, []

    def fail(**_: Any) -> bool:
        tries.append(1)
        raise VaultRefused("No.")

    vault.delete = fail
    await look(service)
    await eventually(lambda: len(tries) == 2, "the tries")
    assert service._actions.settling._running is not None
    await service._actions.settling._running
    left, vault.delete = vault.value, delete
    await look(service)
    await eventually(lambda: vault.value is None, "an empty keyring")

    assert left is not None
    assert len(tries) == 2
