"""The machine itself: the ports that the browser comes back to, and the browser."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_auth_lsp.desktop import read_server_facts
from codex_auth_lsp.doctor.check import Check, Health
from codex_auth_lsp.domain.login_method import can_open_browser, whereabouts
from codex_auth_lsp.errors import SIGN_IN_WITH_API_KEY, SIGN_IN_WITH_DEVICE_CODE, Remediation
from codex_auth_lsp.flows.callback_ports import CALLBACK_PORTS, port_holders, taken_ports
from codex_auth_lsp.service.methods import permitted

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene
    from codex_auth_lsp.domain.login_method import ServerFacts

_FAR_ADVICE = (
    "A browser elsewhere cannot reach its ports, unless they are forwarded; sign in with a device "
    "code, or paste the address of the browser's last page where the sign-in waits."
)
_OTHER_WAYS = (
    Remediation("End one of the programs that hold them, or finish the sign-in that waits there"),
    SIGN_IN_WITH_DEVICE_CODE,
    SIGN_IN_WITH_API_KEY,
)
_NO_BROWSER_ADVICE = "Open the sign-in page yourself, or sign in with a device code."


async def checks(scene: Scene) -> list[Check]:
    """Return the state of both ports, and whether a browser can be expected here."""
    server = await asyncio.to_thread(read_server_facts, scene.options.environment)
    return [await asyncio.to_thread(_ports, scene), _browser(server)]


def _ports(scene: Scene) -> Check:
    taken = taken_ports()
    if not taken:
        text = "The ports of the sign-in page, 1455 and 1457 on 127.0.0.1, are free."
        return Check("ports", Health.OK, text)
    lines = [str(holder) for holder in port_holders() if holder.port in taken]
    if len(taken) < len(CALLBACK_PORTS):
        text = f"Port {taken[0]} is in use; the other one serves."
        return Check("ports", Health.WARNING, text, "\n".join(lines))
    text = "Both ports of the sign-in page are in use, so the browser sign-in cannot begin."
    advice = permitted(_OTHER_WAYS, scene.view.settings)
    return Check("ports", Health.ERROR, text, "\n".join(lines), advice)


def _browser(server: ServerFacts) -> Check:
    place = whereabouts(server)
    if place is not None:
        text = f"This process runs {place}."
        return Check("browser", Health.WARNING, text, _FAR_ADVICE)
    if can_open_browser(server):
        return Check("browser", Health.OK, "A browser can be opened on this machine.")
    missing = "no screen" if not server.has_screen else "no browser"
    text = f"This machine seems to have {missing}, so no page can be opened from here."
    return Check("browser", Health.WARNING, text, _NO_BROWSER_ADVICE)
