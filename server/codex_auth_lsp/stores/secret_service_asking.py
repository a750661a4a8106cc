"""What the Secret Service may ask the person about: unlocking, a first keyring, deleting.

The service answers with a prompt object where it wants to ask (Secret Service API 0.2, "Prompts
and Prompting"). Nothing is shown before `Prompt` is called on it. Here an answer is waited for
without end, by a thread that its caller abandons: a late one still unlocks the keyring, and
gnome-keyring 42.1 tells of that nobody but who is still there. It aborts, and takes everybody's
keyring with it, when a question is taken back (`Dismiss`), so none is. (Both were observed.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.stores.abandon import ensure_wanted
from codex_auth_lsp.stores.vault import VaultLocked

if TYPE_CHECKING:
    from jeepney.io.blocking import DBusConnection

BUS_NAME = "org.freedesktop.secrets"

_PATH = "/org/freedesktop/secrets"
_INTERFACE = "org.freedesktop.Secret."
_NO_PROMPT = "/"
_NOT_THERE = ("NoSuchObject", "UnknownObject", "UnknownMethod")


def unlock(connection: DBusConnection, path: str) -> None:
    """Unlock a collection or an item, asking the person where the service wants to.

    Raises:
        VaultLocked: It stays locked.
    """
    ensure_wanted()
    _, prompt = _call(connection, _PATH, "Service", "Unlock", "ao", [path])
    if prompt != _NO_PROMPT:
        _ask(connection, prompt)


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
    if prompt != _NO_PROMPT:
        _ask(connection, prompt)


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
    if prompt == _NO_PROMPT:
        return
    if not may_prompt:
        raise VaultLocked("The keyring asks before it deletes.")
    _ask(connection, prompt)


def _ask(connection: DBusConnection, prompt: str) -> None:
    """Show a prompt and wait for the answer.

    Raises:
        VaultLocked: It was dismissed.
    """
    from jeepney import MatchRule

    rule = MatchRule(
        type="signal", path=prompt, interface=f"{_INTERFACE}Prompt", member="Completed"
    )
    with connection.filter(rule) as completions:
        _call(connection, prompt, "Prompt", "Prompt", "s", "")
        dismissed, _ = connection.recv_until_filtered(completions).body
    if dismissed:
        raise VaultLocked("The keyring is locked and was not unlocked.")


def _call(
    connection: DBusConnection, path: str, interface: str, method: str, signature: str, *body: Any
) -> Any:
    """Return the body of the reply to a method call; raise DBusErrorResponse for an error."""
    from jeepney import DBusAddress, DBusErrorResponse, MessageType, new_method_call

    address = DBusAddress(path, bus_name=BUS_NAME, interface=_INTERFACE + interface)
    reply = connection.send_and_get_reply(new_method_call(address, method, signature, body))
    if reply.header.message_type is MessageType.error:
        raise DBusErrorResponse(reply)
    return reply.body
