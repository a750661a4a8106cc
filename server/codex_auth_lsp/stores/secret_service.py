"""The Secret Service of a Linux desktop as a vault (freedesktop.org Secret Service API 0.2).

One item holds the login, found by service and username and told from others by its `target`, as
the Codex CLI's library (rust-keyring 3.6.3) finds it. It is changed in place, never doubled:
items without a `target`, which other libraries make, are used where there is no better one, and go
when a better one is written. Nothing here unlocks or asks, `unlock` and an asking `delete` apart.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from codex_auth_lsp.stores import secret_service_asking as asking
from codex_auth_lsp.stores.abandon import ensure_wanted
from codex_auth_lsp.stores.account_name import account_name
from codex_auth_lsp.stores.session_bus import session_bus_address
from codex_auth_lsp.stores.vault import (
    SERVICE,
    Kept,
    VaultAbsent,
    VaultError,
    VaultLocked,
    VaultRefused,
    kept,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jeepney.io.blocking import DBusConnection
    from secretstorage import Collection, Item

    from codex_auth_lsp.secret import Secret

_TARGET = "default"
_CONTENT_TYPE = "text/plain"
_DEFAULT_ALIAS = "default"
_NEW_KEYRING_LABEL = "Default keyring"
_ATTEMPTS = 3  # an item that goes away while it is looked at is looked for again
_GONE = ("ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected", "Timeout", "TimedOut")
_NO_BUS = "The desktop's message bus cannot be reached."
_ODD_ANSWER = "The keyring service gave an answer that makes no sense."
_NO_SERVICE = "No keyring service answers in this desktop session."

T = TypeVar("T")


class SecretServiceVault:
    """The login of one CODEX_HOME in the Secret Service."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def fits(self, value: Secret) -> bool:  # noqa: ARG002 - the vault's protocol
        """Say yes: the service names no limit, and 200 kB were seen to work."""
        return True

    def is_open(self, *, for_writing: bool = True) -> bool:
        """Say whether the default collection and the login's items are unlocked."""
        return self._with_service(lambda connection: self._is_open(connection, for_writing))

    def unlock(self, *, for_writing: bool = True) -> None:
        """Unlock the default collection and the login's items; make the collection if need be."""
        self._with_service(lambda connection: self._unlock(connection, for_writing))

    def get(self) -> Kept | None:
        """Return the value of the item in use."""
        return self._with_service(self._get)

    def is_there(self) -> bool:
        """Say whether the service finds an item, which it does in a locked collection too."""
        return self._with_service(lambda connection: self._find(connection).is_something)

    def set(self, value: Secret) -> None:
        """Write the item in use, or a new one as the Codex CLI makes it; delete the others."""
        self._with_service(lambda connection: self._set(connection, value))

    def delete(self, *, may_prompt: bool = False) -> bool:
        """Delete every item of this login."""
        return self._with_service(lambda connection: self._delete(connection, may_prompt))

    def _with_service(self, work: Callable[[DBusConnection], T]) -> T:
        with _connected() as connection:
            from secretstorage import ItemNotFoundException, PromptDismissedException

            for _ in range(_ATTEMPTS - 1):
                try:
                    return work(connection)
                except PromptDismissedException:
                    raise
                except ItemNotFoundException:  # gone since the search
                    continue
            return work(connection)

    def _is_open(self, connection: DBusConnection, for_writing: bool) -> bool:
        collection = _default_collection(connection)
        if for_writing if collection is None else collection.is_locked():
            return False
        return not self._find(connection).locked

    def _unlock(self, connection: DBusConnection, for_writing: bool) -> None:
        collection = _default_collection(connection)
        if collection is None and for_writing:
            asking.make_default_collection(connection, _NEW_KEYRING_LABEL)
        elif collection is not None and collection.is_locked():
            asking.unlock(connection, collection.collection_path, "Collection")
        for item in self._find(connection).locked:
            asking.unlock(connection, item.item_path, "Item")

    def _get(self, connection: DBusConnection) -> Kept | None:
        item = self._in_use(connection)
        return kept(item.get_secret(), _written_at(item)) if item else None

    def _set(self, connection: DBusConnection, value: Secret) -> None:
        secret = value.reveal().encode("utf-8", "surrogateescape")
        item = self._in_use(connection)
        ensure_wanted()
        if item is None:
            self._create(connection, secret)
            return
        item.set_secret(secret, content_type=_CONTENT_TYPE)
        for other in self._find(connection).unlocked:
            if other.item_path != item.item_path:
                asking.delete(connection, other.item_path, may_prompt=False)

    def _create(self, connection: DBusConnection, secret: bytes) -> None:
        account = account_name(self._home)
        _required_collection(connection).create_item(
            f"{account}@{SERVICE}:{_TARGET} (keyring v3.6.3)",
            {
                "application": "rust-keyring",
                "service": SERVICE,
                "target": _TARGET,
                "username": account,
            },
            secret,
            replace=True,
            content_type=_CONTENT_TYPE,
        )

    def _delete(self, connection: DBusConnection, may_prompt: bool) -> bool:
        found = self._find(connection)
        for item in found.unlocked:
            asking.delete(connection, item.item_path, may_prompt=may_prompt)
        if found.locked:
            raise VaultLocked("The keyring is locked.")
        if not found.unlocked:
            _ensure_searchable(_default_collection(connection))
        return bool(found.unlocked)

    def _in_use(self, connection: DBusConnection) -> Item | None:
        """Return the item that the Codex CLI would use.

        Raises:
            VaultLocked: It cannot be told, or is locked.
        """
        found = self._find(connection)
        if found.targeted:
            return found.targeted[0]
        if found.locked:
            raise VaultLocked("The keyring is locked.")
        if found.bare:
            return found.bare[0]
        _ensure_searchable(_required_collection(connection))
        return None

    def _find(self, connection: DBusConnection) -> _Found:
        import secretstorage

        found = _Found()
        attributes = {"service": SERVICE, "username": account_name(self._home)}
        for item in secretstorage.search_items(connection, attributes):
            # gnome-keyring shows a locked item's attributes as hashes, so they tell nothing.
            if item.is_locked():
                found.locked.append(item)
                continue
            target = item.get_attributes().get("target")
            if target == _TARGET:
                found.targeted.append(item)
            elif target is None:
                found.bare.append(item)
        for items in (found.targeted, found.bare):
            if len(items) > 1:
                items.sort(key=lambda item: _written_at(item) or 0.0, reverse=True)
        return found


@dataclass
class _Found:
    """The items of one login; the newest of a kind comes first."""

    targeted: list[Item] = field(default_factory=list)
    bare: list[Item] = field(default_factory=list)
    locked: list[Item] = field(default_factory=list)

    @property
    def is_something(self) -> bool:
        return bool(self.unlocked or self.locked)

    @property
    def unlocked(self) -> list[Item]:
        return self.targeted + self.bare


def _written_at(item: Item) -> float | None:
    from jeepney import DBusErrorResponse

    try:
        return item.get_modified() or None
    except DBusErrorResponse:
        return None  # a service that does not keep it


def _default_collection(connection: DBusConnection) -> Collection | None:
    import secretstorage

    try:
        return secretstorage.get_collection_by_alias(connection, _DEFAULT_ALIAS)
    except secretstorage.ItemNotFoundException:
        return None


def _required_collection(connection: DBusConnection) -> Collection:
    collection = _default_collection(connection)
    if collection is None:
        raise VaultAbsent("The desktop has no keyring yet to keep a login in.")
    return collection


def _ensure_searchable(collection: Collection | None) -> None:
    """Make sure that nothing found means nothing there; some services hide locked items."""
    if collection is not None and collection.is_locked():
        raise VaultLocked("The keyring is locked.")


@contextmanager
def _connected() -> Iterator[DBusConnection]:
    """Give a connection to the session bus; what goes wrong on it becomes a vault's error."""
    with closing(_open()) as connection:
        from jeepney import DBusErrorResponse
        from secretstorage import LockedException, PromptDismissedException, SecretStorageException

        try:
            yield connection
        except PromptDismissedException as exc:
            raise VaultLocked("The keyring's question was dismissed.") from exc
        except LockedException as exc:
            raise VaultLocked("The keyring is locked.") from exc
        except SecretStorageException as exc:
            raise VaultAbsent(_NO_SERVICE) from exc
        except DBusErrorResponse as exc:
            raise _refusal(exc.name) from exc
        except OSError as exc:  # the bus went away
            raise VaultAbsent(_NO_BUS) from exc
        except VaultError:
            raise
        except Exception as exc:  # what a service answers is not ours to choose
            raise VaultRefused(_ODD_ANSWER) from exc


def _open() -> DBusConnection:
    address = session_bus_address()
    if address is None:  # found before a library is imported for nothing
        raise VaultAbsent("There is no desktop session here, so no keyring (no D-Bus session bus).")
    from jeepney.io.blocking import open_dbus_connection
    from secretstorage.util import add_match_rules

    try:
        connection = open_dbus_connection(bus=address)
        add_match_rules(connection)
    except TimeoutError as exc:
        raise VaultLocked("The desktop's message bus does not answer.") from exc
    except (OSError, ValueError, RuntimeError) as exc:  # no socket, no entry, no known transport
        raise VaultAbsent(_NO_BUS) from exc
    return connection


def _refusal(name: str) -> VaultError:
    """Return what a D-Bus error amounts to."""
    last = name.rpartition(".")[2]
    if last == "IsLocked":
        return VaultLocked("The keyring is locked.")
    if last in _GONE or ".Spawn." in name:
        return VaultAbsent(_NO_SERVICE)
    return VaultRefused(f"The keyring refused: {last}.")
