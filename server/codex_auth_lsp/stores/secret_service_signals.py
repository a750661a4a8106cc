"""Which of the session bus's signals are about the Secret Service, for whoever listens to them.

Items that come, go and change, collections that are locked and unlocked, and the service itself
that ends and starts again (freedesktop.org Secret Service API 0.2, D-Bus specification).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jeepney import Message

BUS_NAME = "org.freedesktop.secrets"

_OWNER_CHANGED = "NameOwnerChanged"


def subscriptions() -> list[Message]:
    """Return the calls to the bus after which the signals arrive."""
    from jeepney import MatchRule, message_bus

    rules = [
        MatchRule(type="signal", sender=BUS_NAME, interface="org.freedesktop.Secret.Collection"),
        MatchRule(type="signal", sender=BUS_NAME, interface="org.freedesktop.Secret.Service"),
        MatchRule(
            type="signal",
            sender=BUS_NAME,
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
    owner.add_arg_condition(0, BUS_NAME)
    return [message_bus.AddMatch(rule) for rule in (*rules, owner)]


def is_loss(message: Message) -> bool:
    """Say whether the service has ended."""
    from jeepney import HeaderFields

    member = message.header.fields.get(HeaderFields.member)
    return bool(member == _OWNER_CHANGED and message.body[0] == BUS_NAME and message.body[2] == "")
