"""Keyring services other than gnome-keyring, on a real session bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.account_name import account_name
from codex_auth_lsp.stores.vault import SERVICE, Kept, VaultAbsent, VaultLocked, VaultRefused

pytest.importorskip("secretstorage", reason="the Secret Service is a part of Linux desktops")

from codex_auth_lsp.stores.secret_service import SecretServiceVault
from stores.odd_secret_service import NO_OBJECT, OddItem, OddSecretService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stores.desktop_session import DesktopSession

pytestmark = pytest.mark.part("keyring")


@pytest.fixture
def service(bare_session: DesktopSession) -> Iterator[OddSecretService]:
    service = OddSecretService()
    with service.on(bare_session.address):
        yield service


@pytest.fixture
def vault(folder: Path) -> SecretServiceVault:
    return SecretServiceVault(folder)


def add(service: OddSecretService, folder: Path, secret: str, **more: str | bool) -> OddItem:
    """Add an item of this folder's login."""
    return service.add(secret, service=SERVICE, username=account_name(folder), **more)


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        ("org.freedesktop.Secret.Error.IsLocked", VaultLocked, "is locked"),
        ("org.freedesktop.DBus.Error.NameHasNoOwner", VaultAbsent, "No keyring service"),
        ("org.freedesktop.DBus.Error.Spawn.ChildExited", VaultAbsent, "No keyring service"),
        ("org.freedesktop.DBus.Error.AccessDenied", VaultRefused, r"refused: AccessDenied\.$"),
        (NO_OBJECT, VaultAbsent, "No keyring service"),
    ],
)
@pytest.mark.parametrize("use", ["get", "set", "delete", "unlock", "is_there"])
def test_refusal_becomes_the_vaults_in_words_of_ours(service, vault, use, name, expected, why):
    """What a service says of it may be anything."""
    service.refuses = {"SearchItems": name}
    uses = {"set": lambda: vault.set(Secret("value"))}
    with pytest.raises(expected, match=why) as caught:
        uses.get(use, getattr(vault, use))()

    assert "secret text" not in str(caught.value)


@pytest.mark.parametrize("method", ["SearchItems", "Get Attributes", "GetSecret", "OpenSession"])
def test_answer_that_makes_no_sense_is_a_refusal(service, vault, folder, method):
    """And no traceback."""
    add(service, folder, "value")
    service.confuses = {method}

    with pytest.raises(VaultRefused, match="makes no sense"):
        vault.get()


@pytest.mark.parametrize(("asks", "asked"), [({"Unlock"}, ["Unlock"]), (set(), [])])
def test_items_that_are_locked_one_by_one_are_unlocked(service, vault, folder, asks, asked):
    """In a collection that is open; with a question where the service has one."""
    add(service, folder, "value", target="default", locked=True)
    service.asks = asks
    before = vault.is_open()
    with pytest.raises(VaultLocked):
        vault.get()
    vault.unlock()

    assert (before, vault.is_open(), service.asked) == (False, True, asked)
    assert vault.get() == Kept(Secret("value"), 1)


def test_collection_may_be_made_without_a_question(service, vault):
    """Where the service needs no password of the person."""
    service.has_collection = False
    before = vault.is_open()
    vault.unlock()

    assert (before, vault.is_open(), service.asked) == (False, True, [])


@pytest.mark.parametrize("asks", ["Unlock", "CreateItem"])
def test_question_that_is_dismissed_is_a_locked_keyring(service, vault, folder, asks):
    """The person said no."""
    service.asks, service.dismisses = {asks}, True
    if asks == "Unlock":
        add(service, folder, "value", locked=True)
    uses = {"Unlock": vault.unlock, "CreateItem": lambda: vault.set(Secret("new"))}
    with pytest.raises(VaultLocked, match=r"dismissed|not unlocked"):
        uses[asks]()

    assert service.asked == [asks]


def test_service_that_asks_before_it_deletes_asks_only_whoever_may_be_asked(service, vault, folder):
    """A write removes what is left of others without a dialog, or not at all."""
    add(service, folder, "value")
    service.asks = {"Delete"}
    with pytest.raises(VaultLocked, match="asks before it deletes"):
        vault.delete()
    before = (len(service.items), list(service.asked))
    removed = vault.delete(may_prompt=True)

    assert before == (1, [])
    assert (removed, service.items, service.asked) == (True, {}, ["Delete"])


@pytest.mark.parametrize("asks", ["Unlock", "Delete"])
def test_question_ends_when_what_is_asked_for_has_come_about(service, vault, folder, asks):
    """Another program was faster, and the question on the screen is never answered."""
    add(service, folder, "value", locked=asks == "Unlock")
    service.asks, service.is_overtaken = {asks}, True
    if asks == "Unlock":
        vault.unlock()
    else:
        assert vault.delete(may_prompt=True) is True

    assert service.asked == [asks]


def test_locked_item_cannot_be_deleted(service, vault, folder):
    """What can be is, and the rest is told."""
    add(service, folder, "open")
    add(service, folder, "closed", locked=True)
    with pytest.raises(VaultLocked, match="is locked"):
        vault.delete()

    assert [item.secret for item in service.items.values()] == [b"closed"]


@pytest.mark.parametrize("method", ["Delete", "Get Locked"])
def test_refusal_around_a_question_is_no_success(service, vault, folder, method, monkeypatch):
    """Neither to ask, nor to say what has become of it."""
    add(service, folder, "value")
    found = SecretServiceVault._find

    def find_then_refuse(self, connection):
        result = found(self, connection)
        service.refuses = {method: "org.freedesktop.DBus.Error.AccessDenied"}
        return result

    service.asks, service.dismisses = {"Delete"}, True
    monkeypatch.setattr(SecretServiceVault, "_find", find_then_refuse)
    with pytest.raises(VaultRefused, match="AccessDenied"):
        vault.delete(may_prompt=True)

    assert len(service.items) == 1


def test_service_that_keeps_no_times_serves_all_the_same(service, vault, folder):
    """Whichever of several items it is: one is read, and a write leaves one."""
    add(service, folder, "one", target="default").modified = None
    first = vault.get()
    add(service, folder, "two", target="default").modified = None
    second = vault.get()
    vault.set(Secret("new"))

    assert first == Kept(Secret("one"), None)
    assert second is not None
    assert [item.secret for item in service.items.values()] == [b"new"]
