"""The Secret Service's signals on the D-Bus session bus, heard on the event loop.

Items that come, go and change, collections that are locked and unlocked, and the service itself
that ends and starts again (freedesktop.org Secret Service API 0.2, D-Bus specification).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from jeepney import Message
    from jeepney.io.asyncio import DBusConnection

    from codex_auth_lsp.clock import Clock

CONNECT_SECONDS = 10.0
"""How long the bus may take to let us in; it takes a millisecond."""

LOSS_DISTANCE_SECONDS = 30.0
"""Between two notices that the service has ended: looking starts it again, so a service that dies
of being looked at would be started without end."""

_SECRETS = "org.freedesktop.secrets"
_OWNER_CHANGED = "NameOwnerChanged"


class BusLost(Exception):
    """The bus cannot be reached, or has gone away."""


async def listen(address: str, on_change: Callable[[], None], clock: Clock) -> NoReturn:
    """Call `on_change` once the signals are heard, and after every one of them.

    Raises:
        BusLost: They are not heard any more.
    """
    connection = await _connect(address)
    try:
        async with connection:
            for call in _subscriptions():
                await connection.send(call)
            on_change()  # what happened before
            last_loss: float | None = None
            while True:
                message = await connection.receive()
                if _is_loss(message):
                    now, before = clock.monotonic(), last_loss
                    last_loss = now
                    if before is not None and now - before < LOSS_DISTANCE_SECONDS:
                        continue
                if _is_signal(message):
                    on_change()
    except (OSError, EOFError) as exc:
        raise BusLost(type(exc).__name__) from exc


async def _connect(address: str) -> DBusConnection:
    from jeepney.io.asyncio import open_dbus_connection
    from jeepney.io.common import RouterClosed

    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await open_dbus_connection(address)
    # No socket or no answer; no entry; a transport that is not known.
    except (OSError, EOFError, RouterClosed, ValueError, RuntimeError) as exc:
        raise BusLost(type(exc).__name__) from exc


def _subscriptions() -> list[Message]:
    from jeepney import MatchRule, message_bus

    rules = [
        MatchRule(type="signal", sender=_SECRETS, interface="org.freedesktop.Secret.Collection"),
        MatchRule(type="signal", sender=_SECRETS, interface="org.freedesktop.Secret.Service"),
        MatchRule(
            type="signal",
            sender=_SECRETS,
            interface="org.freedesktop.DBus.Properties",
            member="PropertiesChanged",
        ),
    ]
    owner = MatchRule(
        type="signal",
        sender=message_bus.bus_name,
        interface=message_bus.interface,
        member=_OWNER_CHANGED,
    )
    owner.add_arg_condition(0, _SECRETS)
    return [message_bus.AddMatch(rule) for rule in (*rules, owner)]


def _is_signal(message: Message) -> bool:
    """Say whether this is one of the subscribed signals, and not the bus's greeting."""
    from jeepney import HeaderFields, MessageType

    member = message.header.fields.get(HeaderFields.member)
    is_signal: bool = message.header.message_type is MessageType.signal
    return is_signal and member != "NameAcquired"


def _is_loss(message: Message) -> bool:
    """Say whether the service has ended."""
    from jeepney import HeaderFields

    member = message.header.fields.get(HeaderFields.member)
    return bool(member == _OWNER_CHANGED and message.body[2] == "")
