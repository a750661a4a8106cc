"""The machine itself: the ports that the browser comes back to, and the browser."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from codex_auth_lsp.desktop import is_local
from codex_auth_lsp.doctor.check import Check, Health
from codex_auth_lsp.flows.callback_ports import CALLBACK_PORTS, port_holders, taken_ports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.doctor.check import Scene

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


async def checks(scene: Scene) -> list[Check]:
    """Return the state of both ports, and whether a browser can be expected here."""
    return [await asyncio.to_thread(_ports), _browser(scene.options.environment)]


def _ports() -> Check:
    taken = taken_ports()
    if not taken:
        text = "The ports of the sign-in page, 1455 and 1457 on 127.0.0.1, are free."
        return Check("ports", Health.OK, text)
    lines = [str(holder) for holder in port_holders() if holder.port in taken]
    if len(taken) < len(CALLBACK_PORTS):
        text = f"Port {taken[0]} is in use; the other one serves."
        return Check("ports", Health.WARNING, text, "\n".join(lines))
    text = "Both ports of the sign-in page are in use, so the browser sign-in cannot begin."
    return Check("ports", Health.ERROR, text, "\n".join(lines))


def _browser(environment: Mapping[str, str]) -> Check:
    if not is_local(environment):
        text = "This process runs at the other end of SSH or in a container."
        advice = (
            "A browser elsewhere cannot reach its ports; a device code or a pasted address can."
        )
        return Check("browser", Health.WARNING, text, advice)
    needs_display = sys.platform.startswith("linux")
    if needs_display and not any(environment.get(name) for name in (*_DISPLAYS, "BROWSER")):
        text = "No display and no BROWSER is set, so no browser can be opened from here."
        return Check("browser", Health.WARNING, text)
    return Check("browser", Health.OK, "A browser can be opened on this machine.")
