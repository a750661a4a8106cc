"""The Secret Service's signals on the D-Bus session bus, heard on the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

from codex_auth_lsp.stores.secret_service_signals import is_loss, subscriptions

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
            for call in subscriptions():
                await connection.send(call)
            on_change()  # what happened before
            last_loss: float | None = None
            while True:
                message = await connection.receive()
                if is_loss(message):
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


def _is_signal(message: Message) -> bool:
    """Say whether this is one of the subscribed signals, and not the bus's greeting."""
    from jeepney import HeaderFields, MessageType

    member = message.header.fields.get(HeaderFields.member)
    is_signal: bool = message.header.message_type is MessageType.signal
    return is_signal and member != "NameAcquired"
