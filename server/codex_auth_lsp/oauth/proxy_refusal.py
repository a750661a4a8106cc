"""Why a proxy did not let a request through, in words: pure, from the texts of httpcore 1.0.

Only what is known here is told: a proxy's own words go nowhere.
"""

from __future__ import annotations

import re

SPEAKS_NO_SOCKS = " (it speaks no SOCKS5)"

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


def refusal_in_words(text: str) -> str:
    """Return a proxy's reason in parentheses, or nothing where it is not known."""
    if found := _HTTP_STATUS.match(text):
        return f" (HTTP 407: {_WANTS_LOGIN})" if found[1] == "407" else f" (HTTP {found[1]})"
    if text.startswith("Requested NO AUTH"):
        return f" ({_WANTS_LOGIN})"
    if text.startswith("Requested USERNAME/PASSWORD"):
        return " (it takes no user name and password)"
    if text.startswith("Invalid username/password"):
        return " (it refused the user name and the password)"
    for reply, words in _SOCKS_REPLIES.items():
        if text.endswith(f": {reply}."):
            return f" ({words})"
    return ""
