"""Why a proxy did not let a request through, in words: pure, from the texts of httpcore 1.0.

Only what is known here is told: a proxy's own words go nowhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_auth_lsp.oauth.network import Proxy


@dataclass(frozen=True, slots=True)
class Refusal:
    """A proxy's reason in parentheses, nothing where it is not known, and what to do."""

    reason: str
    advice: str = "check the proxy settings"


SPEAKS_NO_SOCKS = Refusal(" (it speaks no SOCKS5)")
BROKE_OFF = Refusal(" (it ended the connection)")

_HTTP_STATUS = re.compile(r"(\d{3})\b")

_SOCKS_REPLIES = {
    "General SOCKS server failure": "it failed",
    "Connection not allowed by ruleset": "its rules do not allow it",
    "Network unreachable": "it has no network",
    "Host unreachable": "it does not find the host",
    "Connection refused": "the connection was refused",
    "TTL expired": "it took too long",
    "Command not supported": "it does not forward connections",
    "Address type not supported": "it does not know such addresses",
}
"""RFC 1928 section 6."""

_WANTS_LOGIN = "it asks for a user name and a password"
_REFUSED_LOGIN = "it refused the user name and the password"


def refusal_in_words(text: str, proxy: Proxy) -> Refusal:
    """Return why a proxy refused a request, as httpcore tells it."""
    give = f"give them as in {proxy.example_with_login}"
    correct = f"correct those in {proxy.variable}"
    if found := _HTTP_STATUS.match(text):
        if found[1] != "407":
            return Refusal(f" (HTTP {found[1]})")
        if not proxy.gives_login:
            return Refusal(f" (HTTP 407: {_WANTS_LOGIN})", give)
        # Only Basic authentication is spoken here, and other proxies answer with 407 as well.
        ask = "or ask the proxy's administrator whether it takes Basic authentication"
        return Refusal(f" (HTTP 407: {_REFUSED_LOGIN})", f"{correct}, {ask}")
    if text.startswith("Requested NO AUTH"):
        return Refusal(f" ({_WANTS_LOGIN})", give)
    if text.startswith("Requested USERNAME/PASSWORD"):
        advice = f"leave them out of {proxy.variable}"
        return Refusal(" (it takes no user name and password)", advice)
    if text.startswith("Invalid username/password"):
        return Refusal(f" ({_REFUSED_LOGIN})", correct)
    for reply, words in _SOCKS_REPLIES.items():
        if text.endswith(f": {reply}."):
            return Refusal(f" ({words})")
    return Refusal("")
