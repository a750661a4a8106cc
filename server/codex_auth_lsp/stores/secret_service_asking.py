"""What the Secret Service may ask the person about: unlocking, a first keyring, deleting.

The service answers with a prompt object where it wants to ask (Secret Service API 0.2, "Prompts
and Prompting"). Nothing is shown before `Prompt` is called on it. Here an answer is waited for
without end, by a thread that its caller abandons: a late one still unlocks the keyring, and
gnome-keyring 42.1 tells of that nobody but who is still there. A question also ends when what was
asked for has come about otherwise, and when the service ends. gnome-keyring aborts, and takes
everybody's keyring with it, when a question is taken back (`Dismiss`), so none is; one whose asker
goes away stays on the screen and harms nobody. (All were observed.)
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.stores.abandon import ensure_wanted
from codex_auth_lsp.stores.secret_service_signals import BUS_NAME, is_loss, subscriptions
from codex_auth_lsp.stores.vault import VaultAbsent, VaultLocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from jeepney import Message
    from jeepney.io.blocking import DBusConnection

_PATH = "/org/freedesktop/secrets"
_INTERFACE = "org.freedesktop.Secret."
_NOTHING = "/"
_NOT_THERE = ("NoSuchObject", "UnknownObject", "UnknownMethod")


def unlock(connection: DBusConnection, path: str, kind: str) -> None:
    """Unlock something, asking the person where the service wants to.

    Args:
        connection: Where to.
        path: Of what.
        kind: `Collection` or `Item`.

    Raises:
        VaultLocked: It stays locked.
    """
    ensure_wanted()
    _, prompt = _call(connection, _PATH, "Service", "Unlock", "ao", [path])
    if prompt != _NOTHING:
        _ask(connection, prompt, partial(_is_unlocked, connection, path, kind))


def make_default_collection(connection: DBusConnection, label: str) -> None:
    """Make the collection that is the default one from now on; the person chooses its password.

    Raises:
        VaultLocked: The person did not.
    """
    ensure_wanted()
    properties = {f"{_INTERFACE}Collection.Label": ("s", label)}
    _, prompt = _call(
        connection, _PATH, "Service", "CreateCollection", "a{sv}s", properties, "default"
    )
    if prompt != _NOTHING:
        _ask(connection, prompt, partial(_has_default_collection, connection))


def delete(connection: DBusConnection, item_path: str, *, may_prompt: bool) -> None:
    """Delete an item.

    Raises:
        VaultLocked: The service wants to ask and may not, or the person said no.
    """
    from jeepney import DBusErrorResponse

    ensure_wanted()
    try:
        (prompt,) = _call(connection, item_path, "Item", "Delete", "")
    except DBusErrorResponse as exc:
        if exc.name.rpartition(".")[2] in _NOT_THERE:  # another program was faster
            return
        raise
    if prompt == _NOTHING:
        return
    if not may_prompt:
        raise VaultLocked("The keyring asks before it deletes.")
    _ask(connection, prompt, partial(_is_gone, connection, item_path))


def _ask(connection: DBusConnection, prompt: str, is_settled: Callable[[], bool]) -> None:
    """Show a prompt and wait for the answer, or until nobody needs it any more.

    Args:
        connection: Where to.
        prompt: What the service wants to ask.
        is_settled: Whether what is asked for has come about; looked at after each signal.

    Raises:
        VaultLocked: It was dismissed.
        VaultAbsent: The service has ended.
    """
    from jeepney import MatchRule

    heard: deque[Message] = deque()
    with connection.filter(MatchRule(type="signal"), queue=heard):
        for call in subscriptions():
            connection.send_and_get_reply(call)
        _call(connection, prompt, "Prompt", "Prompt", "s", "")
        while not is_settled():
            message = connection.recv_until_filtered(heard)
            if is_loss(message):
                raise VaultAbsent("The keyring service has ended.")
            if _is_completion(message, prompt):
                dismissed, _ = message.body
                if dismissed:
                    raise VaultLocked("The keyring is locked and was not unlocked.")
                return


def _is_completion(message: Message, prompt: str) -> bool:
    from jeepney import HeaderFields

    fields = message.header.fields
    found = (fields.get(HeaderFields.path), fields.get(HeaderFields.member))
    return found == (prompt, "Completed")


def _is_unlocked(connection: DBusConnection, path: str, kind: str) -> bool:
    return _locked(connection, path, kind) is not True


def _is_gone(connection: DBusConnection, item_path: str) -> bool:
    return _locked(connection, item_path, "Item") is None


def _locked(connection: DBusConnection, path: str, kind: str) -> bool | None:
    """Return whether something is locked, None where it is not there any more."""
    from jeepney import DBusAddress, DBusErrorResponse, Properties

    address = DBusAddress(path, bus_name=BUS_NAME, interface=_INTERFACE + kind)
    try:
        ((_, is_locked),) = _reply(connection, Properties(address).get("Locked"))
    except DBusErrorResponse as exc:
        if exc.name.rpartition(".")[2] in _NOT_THERE:
            return None
        raise
    return bool(is_locked)


def _has_default_collection(connection: DBusConnection) -> bool:
    (path,) = _call(connection, _PATH, "Service", "ReadAlias", "s", "default")
    return bool(path != _NOTHING)


def _call(
    connection: DBusConnection, path: str, interface: str, method: str, signature: str, *body: Any
) -> Any:
    from jeepney import DBusAddress, new_method_call

    address = DBusAddress(path, bus_name=BUS_NAME, interface=_INTERFACE + interface)
    return _reply(connection, new_method_call(address, method, signature, body))


def _reply(connection: DBusConnection, call: Message) -> Any:
    """Return the body of the reply to a method call; raise DBusErrorResponse for an error."""
    from jeepney import DBusErrorResponse, MessageType

    reply = connection.send_and_get_reply(call)
    if reply.header.message_type is MessageType.error:
        raise DBusErrorResponse(reply)
    return reply.body
