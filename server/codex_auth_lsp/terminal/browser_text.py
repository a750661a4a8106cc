"""What a person at a terminal reads while a sign-in waits for the browser: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.login_method import can_open_browser, whereabouts

if TYPE_CHECKING:
    from codex_auth_lsp.domain.login_method import ServerFacts

_NEAR = (
    "Finish signing in to Codex in your browser. If it does not open by itself, open this address "
    "on this computer:"
)
_EASIER = "A code is the easier way then: the same command with `--device-auth`."
_ANYWHERE = "To use the browser all the same, open this address in it:"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a sign-in waits for.

    `can_paste` is whether an address may be pasted at this terminal, `until` how long it waits.
    """

    url: str
    port: int
    can_paste: bool
    until: str


def browser_text(waiting: Waiting, server: ServerFacts) -> str:
    """Return what to do; where the browser is probably elsewhere, with the easier way first."""
    place = whereabouts(server)
    if place is None and can_open_browser(server):
        paragraphs = [_NEAR, f"  {waiting.url}"]
    else:
        where = (
            "This computer seems to have no browser."
            if place is None
            else f"This program runs {place}, so your browser is probably elsewhere."
        )
        last_page = _last_page(waiting, ssh=server.ssh and not server.codespaces)
        paragraphs = [f"{where} {_EASIER}", _ANYWHERE, f"  {waiting.url}", last_page]
    return "\n\n".join([*paragraphs, f"{waiting.until} Ctrl-C cancels."]) + "\n"


def _last_page(waiting: Waiting, *, ssh: bool) -> str:
    """Return how the browser's last page finds its way here."""
    page = f"Its last page, at 127.0.0.1:{waiting.port},"
    forwarding = (
        f"while `ssh -L {waiting.port}:127.0.0.1:{waiting.port} HOST` runs on the computer with "
        "the browser."
    )
    if not waiting.can_paste:
        way = forwarding if ssh else "where that port is forwarded to this computer."
        return f"{page} loads only {way}"
    text = (
        f"{page} may not load there. If so, copy the whole address of that page, paste it here "
        "(it will not be shown) and press Enter."
    )
    return f"{text} It does load {forwarding}" if ssh else text
