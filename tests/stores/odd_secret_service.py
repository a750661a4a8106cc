"""A Secret Service that answers as a test wants it, on a real session bus.

gnome-keyring is one service of several: others lock items one by one, ask before they delete, keep
no times, and refuse in words of their own (Secret Service API 0.2).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jeepney import (
    DBusAddress,
    HeaderFields,
    MessageType,
    message_bus,
    new_error,
    new_method_call,
    new_method_return,
    new_signal,
)
from jeepney.io.blocking import DBusConnection, open_dbus_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jeepney import Message

NAME = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
COLLECTION = f"{ROOT}/collection/login"
NO_OBJECT = "org.freedesktop.Secret.Error.NoSuchObject"
NOT_SUPPORTED = "org.freedesktop.DBus.Error.NotSupported"

PATIENCE = 10.0
"""Seconds that nothing here may take."""

_PREFIX = "org.freedesktop.Secret."
_NOTHING = "/"


class Refusal(Exception):
    """The D-Bus error of this name is the answer."""


@dataclass
class OddItem:
    """An item; one without `modified` belongs to a service that keeps no times."""

    secret: bytes
    attributes: dict[str, str]
    locked: bool = False
    modified: int | None = 1


@dataclass
class OddSecretService:
    """The service's state, and its moods.

    `refuses` names the D-Bus error that is the answer to a method, `confuses` methods whose answer
    makes no sense, `asks` those that are done only once the person was asked.
    """

    items: dict[str, OddItem] = field(default_factory=dict)
    has_collection: bool = True
    refuses: dict[str, str] = field(default_factory=dict)
    confuses: set[str] = field(default_factory=set)
    asks: set[str] = field(default_factory=set)
    dismisses: bool = False
    is_overtaken: bool = False
    """Whether what is asked for comes about while the question stands, and goes unanswered."""
    asked: list[str] = field(default_factory=list)
    """The methods for which the person was asked."""
    _waiting: dict[str, tuple[str, Callable[[], None]]] = field(default_factory=dict)

    def add(self, secret: str, *, locked: bool = False, **attributes: str) -> OddItem:
        """Add an item."""
        item = OddItem(secret.encode(), attributes, locked)
        self.items[f"{COLLECTION}/{len(self.items) + 1}"] = item
        return item

    @contextmanager
    def on(self, address: str) -> Iterator[None]:
        """Serve on a session bus until the block ends."""
        with open_dbus_connection(address) as connection:
            connection.send_and_get_reply(message_bus.RequestName(NAME))
            thread = threading.Thread(target=self._serve, args=[connection])
            thread.start()
            try:
                yield
            finally:
                with open_dbus_connection(address) as other:
                    stop = new_method_call(DBusAddress(ROOT, NAME), "Stop")
                    other.send_and_get_reply(stop, timeout=PATIENCE)
                thread.join()

    def _serve(self, connection: DBusConnection) -> None:
        member = None
        while member != "Stop":
            call = connection.receive()
            if call.header.message_type is not MessageType.method_call:
                continue
            member = call.header.fields[HeaderFields.member]
            path = call.header.fields[HeaderFields.path]
            try:
                signature, body, after = self._answer(member, path, call.body)
            except Refusal as exc:
                connection.send(new_error(call, str(exc), "s", ("secret text",)))
                continue
            connection.send(new_method_return(call, signature, body))
            for signal in after:
                connection.send(signal)

    def _answer(
        self, member: str, path: str, body: tuple[Any, ...]
    ) -> tuple[str | None, tuple[Any, ...], list[Message]]:
        for name in (member, f"{member} {body[-1]}" if member == "Get" else member):
            if name in self.refuses:
                raise Refusal(self.refuses[name])
            if name in self.confuses:
                return "u", (7,), []
        if member == "Prompt":
            return None, (), self._ask(path)
        answers: dict[str, Callable[..., tuple[str | None, tuple[Any, ...]]]] = {
            "Stop": lambda: (None, ()),
            "Get": lambda _, name: ("v", (self._property(path, name),)),
            "SearchItems": self._search,
            "ReadAlias": lambda _: ("o", (COLLECTION if self.has_collection else _NOTHING,)),
            "OpenSession": self._open_session,
            "GetSecret": lambda session: ("(oayays)", ((session, b"", *self._secret(path)),)),
            "SetSecret": lambda secret: self._set(path, secret),
            "Unlock": lambda paths: ("aoo", ([], self._do("Unlock", lambda: self._open(paths)))),
            "Delete": lambda: ("o", (self._do("Delete", lambda: self._remove(path)),)),
            "CreateCollection": lambda *_: (
                "oo",
                (COLLECTION, self._do("CreateCollection", self._make_collection)),
            ),
            "CreateItem": lambda *_: ("oo", (_NOTHING, self._do("CreateItem", lambda: None))),
        }
        return *answers[member](*body), []

    def _do(self, member: str, action: Callable[[], None]) -> str:
        """Do something, or return the path of the question before it."""
        if member not in self.asks:
            action()
            return _NOTHING
        path = f"{ROOT}/prompt/p{len(self._waiting)}"
        self._waiting[path] = (member, action)
        return path

    def _ask(self, path: str) -> list[Message]:
        member, action = self._waiting[path]
        self.asked.append(member)
        if not self.dismisses:
            action()
        if self.is_overtaken:
            collection = DBusAddress(COLLECTION, interface=f"{_PREFIX}Collection")
            return [new_signal(collection, "ItemChanged", "o", (f"{COLLECTION}/1",))]
        prompt = DBusAddress(path, interface=f"{_PREFIX}Prompt")
        return [new_signal(prompt, "Completed", "bv", (self.dismisses, ("s", "")))]

    def _property(self, path: str, name: str) -> tuple[str, Any]:
        if path == COLLECTION:
            return {"Label": ("s", "login"), "Locked": ("b", False)}[name]
        item = self._item(path)
        if name == "Modified" and item.modified is None:
            raise Refusal("org.freedesktop.DBus.Error.InvalidArgs")
        return {
            "Label": ("s", "item"),
            "Locked": ("b", item.locked),
            "Attributes": ("a{ss}", item.attributes),
            "Modified": ("t", item.modified),
        }[name]

    def _item(self, path: str) -> OddItem:
        if path not in self.items:
            raise Refusal(NO_OBJECT)
        return self.items[path]

    def _search(self, attributes: dict[str, str]) -> tuple[str, tuple[list[str], list[str]]]:
        found = {
            path: item
            for path, item in self.items.items()
            if attributes.items() <= item.attributes.items()
        }
        locked = [path for path, item in found.items() if item.locked]
        return "aoao", ([path for path in found if path not in locked], locked)

    def _open_session(self, algorithm: str, _: Any) -> tuple[str, tuple[Any, ...]]:
        if algorithm != "plain":
            raise Refusal(NOT_SUPPORTED)
        return "vo", (("s", ""), f"{ROOT}/session/s1")

    def _secret(self, path: str) -> tuple[bytes, str]:
        return self._item(path).secret, "text/plain"

    def _set(self, path: str, secret: tuple[str, bytes, bytes, str]) -> tuple[None, tuple[()]]:
        self._item(path).secret = secret[2]
        return None, ()

    def _open(self, paths: list[str]) -> None:
        for path in paths:
            self._item(path).locked = False

    def _remove(self, path: str) -> None:
        self._item(path)
        del self.items[path]

    def _make_collection(self) -> None:
        self.has_collection = True
