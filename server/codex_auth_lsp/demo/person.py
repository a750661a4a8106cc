"""Who goes through the sign-in page: the person who watches, else the tour in their place."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.sandbox.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

PERSON_SECONDS = 60.0
"""How long a person may take before the tour goes on without them."""

PLAY_SECONDS = 15.0
"""How long a played browser may take, from the first page to the end of the login."""

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
_ALWAYS_WITH_A_DESKTOP = ("darwin", "win32")


def has_browser(environment: Mapping[str, str], *, interactive: bool, local: bool) -> bool:
    """Say whether somebody is likely to sit here, with a browser on the screen.

    Args:
        environment: `CI`, and what tells of a display on Linux.
        interactive: Whether stdin and stdout are a terminal.
        local: Whether neither SSH nor a container stands between.
    """
    if not interactive or not local or environment.get("CI"):
        return False
    return sys.platform in _ALWAYS_WITH_A_DESKTOP or any(map(environment.get, _DISPLAYS))


@dataclass(frozen=True)
class Person:
    """The way to whoever signs in; without `open_browser` the tour plays them."""

    open_browser: Callable[[str], Awaitable[bool]] | None = None
    seconds: float = PERSON_SECONDS

    @property
    def invitation(self) -> str:
        """What happens now, in a sentence."""
        if self.open_browser is None:
            return "No browser is at hand, so the demo plays one."
        return "Your browser opens: choose somebody there."

    async def sign_in(
        self, url: str, login: asyncio.Future[Any], explain: Callable[[str], None]
    ) -> None:
        """Go through the pages at `url`, until `login` has ended or all patience has.

        `explain` is told where the tour plays the browser although there is one.
        """
        if self.open_browser is not None:
            if not await self.open_browser(url):
                explain("did not open, so the demo plays one")
            else:
                await asyncio.wait({login}, timeout=self.seconds)
                if login.done():
                    return
                explain(f"silent for {self.seconds:.0f} s, so the demo plays it")
        await _play(url, login)


async def _play(url: str, login: asyncio.Future[Any]) -> None:
    visit = asyncio.ensure_future(Visitor().visit(url))
    try:
        await asyncio.wait({visit, login}, timeout=PLAY_SECONDS)
    finally:
        visit.cancel()
        await asyncio.gather(visit, return_exceptions=True)  # how the login ends is what counts
