"""The tour's story, step by step: what is done, what the windows hear, what the screen shows.

Nothing on the screen is made up: each line tells of a message or a fact that was just observed.
Credentials pass through and are never shown.
"""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.demo.failure import DemoFailed
from codex_auth_lsp.demo.model import ask_for_models
from codex_auth_lsp.demo.person import PERSON_SECONDS, PLAY_SECONDS
from codex_auth_lsp.demo.screen import Bar
from codex_auth_lsp.demo.window import ANSWER_SECONDS, Window, status_bar

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.demo.person import Person
    from codex_auth_lsp.demo.programs import Programs
    from codex_auth_lsp.demo.screen import Screen
    from codex_auth_lsp.demo.window import Heard
    from codex_auth_lsp.sandbox.issuer import SandboxIssuer

_LOGIN_SECONDS = PERSON_SECONDS + PLAY_SECONDS + ANSWER_SECONDS


@dataclass(frozen=True)
class Story:
    """What the story needs; `pause` is in seconds, for whoever reads along."""

    screen: Screen
    programs: Programs
    issuer: SandboxIssuer
    person: Person
    clock: Clock
    pause: float = 0.0

    async def tell(self) -> None:
        """Tell it from the first window's start to the last one's end.

        Raises:
            DemoFailed: Something did not go as it should.
            OSError: A process or a file could not be made.
        """
        self.screen.title(
            "codex-auth-lsp: sign in to Codex once, and every editor window knows",
            "Real programs and messages, an invented person: the issuer is a sandbox on this",
            "computer, so nothing leaves it, and your own login in ~/.codex is left alone.",
        )
        await self._step(1, "Two editor windows start, each with its own language server.")
        async with (
            Window.open("A", self.programs, self.clock) as a,
            Window.open("B", self.programs, self.clock) as b,
        ):
            for window in (a, b):
                await window.hears_status("signedOut", "startup")
            self._draw(a, b)
            await self._sign_in(a, b)
            credential = await self._use(a, b)
            await self._sign_out(a, b, credential)

    async def _sign_in(self, a: Window, b: Window) -> None:
        await self._step(2, f"Window A signs in. {self.person.invitation}")
        self.screen.sent("A", "auth/login", "method browser")
        await self._login(a)
        self._show(a, await a.hears_status("signedIn", "login"))
        completed = await a.hears("auth/loginCompleted")
        self.screen.heard("A", completed.method, f"outcome {completed.params['outcome']}")
        self._show(b, await b.hears_status("signedIn", "externalChange"))
        self.screen.fact("auth.json", _describe_file(self._login_file))
        self._draw(a, b)

    async def _login(self, a: Window) -> None:
        request = a.request("auth/login", {"method": "browser"}, _LOGIN_SECONDS)
        login = asyncio.ensure_future(request)
        try:
            prompt = await a.hears("auth/loginPrompt", "auth/loginCompleted")
            if prompt.method == "auth/loginPrompt":
                self.screen.heard("A", prompt.method, "openUrl: the sandbox's sign-in page")
                await self.person.sign_in(prompt.params["url"], login, self._tell_of_browser)
            await login
            self._tell_of_browser(
                f"allows it; sent back to 127.0.0.1:{prompt.params['callbackPort']}"
            )
        finally:
            login.cancel()
            await asyncio.gather(login, return_exceptions=True)

    async def _use(self, a: Window, b: Window) -> dict[str, Any]:
        """Return what window A puts on its requests at the end."""
        await self._step(3, "Both use the login. Its token ends early; they renew it together.")
        old = [await self._credential(window, "headers for {baseUrl} alone") for window in (a, b)]
        await self._ask(old, 200)
        self.issuer.state.ledger.expire(refresh_tokens=False, access_tokens=True)
        await self._ask(old, 401)
        self.screen.fact("GET /v1/models", "200 for both; then 401: the sandbox ended the token")
        new = await asyncio.gather(*map(self._replacement, (a, b), old))
        for window in (a, b):
            self._show(window, await window.hears_status("signedIn", "refresh", "externalChange"))
        await self._ask(new, 200)
        refreshes = self.issuer.state.log.to_json()["counts"]["refresh"]
        requests = "1 token request" if refreshes == 1 else f"{refreshes} token requests"
        self.screen.fact("GET /v1/models", f"200 for both; the renewal took {requests}")
        return new[0]

    async def _sign_out(self, a: Window, b: Window, credential: dict[str, Any]) -> None:
        await self._step(4, "Another program signs out: codex-auth-lsp logout")
        self.screen.fact("it says", await self.programs.run("logout"))
        for window in (a, b):
            self._show(window, await window.hears_status("signedOut", "externalChange"))
        await self._ask([credential], 401)
        self.screen.fact("GET /v1/models", "401 with the last headers: the login is revoked, too")
        self._draw(a, b)

    async def _step(self, number: int, text: str) -> None:
        if number > 1:
            await self.clock.sleep(self.pause)
        self.screen.step(number, text)

    async def _credential(self, window: Window, detail: str, **params: Any) -> dict[str, Any]:
        credential: dict[str, Any] = await window.request("auth/credential", params)
        self.screen.sent(window.name, "auth/credential", detail.format_map(credential))
        return credential

    async def _replacement(self, window: Window, rejected: dict[str, Any]) -> dict[str, Any]:
        revision = rejected["revision"]
        detail = f"rejectedRevision {revision}, answered with revision {{revision}}"
        return await self._credential(window, detail, rejectedRevision=revision)

    async def _ask(self, credentials: list[dict[str, Any]], expected: int) -> None:
        """Send a request to the model with each credential."""
        for credential in credentials:
            status = await ask_for_models(credential)
            if status != expected:
                raise DemoFailed(f"The sandbox's models answered {status} instead of {expected}.")

    def _show(self, window: Window, heard: Heard) -> None:
        """Show a changed status, and how soon a window hears of what another process did."""
        detail = f"cause {heard.params['cause']}, origin {heard.params['origin']}"
        delay = self._delay(heard) if heard.params["origin"] == "otherProcess" else None
        self.screen.heard(window.name, heard.method, detail, delay)

    def _delay(self, heard: Heard) -> float | None:
        """Return the seconds since the login was written or removed, where the disk tells."""
        signed_in = heard.params["status"]["state"] == "signedIn"
        changed = self._login_file if signed_in else self.programs.home
        delay = (heard.at - datetime.fromtimestamp(changed.stat().st_mtime, UTC)).total_seconds()
        return delay if delay >= 0 else None

    def _draw(self, *windows: Window) -> None:
        self.screen.windows(
            *(
                Bar(window.name, status_bar(window.status), window.status["state"] == "signedIn")
                for window in windows
            )
        )

    def _tell_of_browser(self, detail: str) -> None:
        self.screen.fact("browser", detail)

    @property
    def _login_file(self) -> Path:
        return self.programs.home / "auth.json"


def _describe_file(path: Path) -> str:
    status = path.stat()
    mode = f"mode {stat.S_IMODE(status.st_mode):04o}, " if os.name != "nt" else ""
    return f"{mode}{status.st_size} bytes, as the Codex CLI writes it"
