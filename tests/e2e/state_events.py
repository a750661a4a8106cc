"""What can happen to the state of sign-in, as a test brings it about at a real server."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.refresh_record import RefreshRecord, write_record
from e2e.logins import sign_in_with_key
from e2e.shapes import OPENAI_ISSUER, access_token, api_key_login, chatgpt_login, example_key
from support.lsp_client import RpcError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient, PendingRequest
    from support.sandbox import Sandbox

NOBODY = "http://127.0.0.1:9"
"""An issuer that is not there."""

NO_LOGIN = b"{ this is no login"

_numbers = itertools.count(1)


@dataclass
class Cell:
    """One window, brought into a state and then met by an event."""

    client: LanguageClient
    home: CodexHome
    sandbox: Sandbox
    login: dict[str, Any] = field(default_factory=dict)
    """The login that the state began with, where it has one."""
    mark: int = 0
    """Where in the client's record the event begins."""
    until: int | None = None
    """Where it ends, where more may follow."""
    on_the_way: list[PendingRequest] = field(default_factory=list)
    """The logins that are to be ended when the event is over."""

    async def set_up(self, state: str, event: str) -> None:
        """Bring the window into a state, one that the event can meet.

        A login is of another account than the one before, so that no change of the scene is the
        same as none.
        """
        self.sandbox.release()
        issuer, valid_for = self.sandbox.issuer, 86_400.0
        if event == TOKEN_ENDS:  # a login of this issuer would be renewed before
            issuer, valid_for = OPENAI_ISSUER, 2.0
        if state == "needsReauth":
            issuer = NOBODY
        self.login = chatgpt_login(
            issuer=issuer,
            refresh_token=f"refresh-token-{next(_numbers)}-of-the-test",
            access_token=access_token(valid_for=valid_for),
        )
        if state in LOGGED_IN:
            self.home.write(self.login)
        elif state == CORRUPT:
            self.home.write(NO_LOGIN)
        elif state == UNREACHABLE:
            await self.unreachable()
        else:
            self.home.auth_file.unlink(missing_ok=True)
        self.home.configure('model_provider = "ollama"\n' if state == "notRequired" else "")
        status = await self.client.request("auth/status", {})
        assert status["state"] == state.partition(",")[0]

    # The events

    async def attempt_begins(self) -> None:
        request, self.until = await self._begin()
        self.on_the_way.append(request)

    async def attempt_in_vain(self) -> None:
        request, self.mark = await self._begin()
        await self._cancel(request)

    async def login_stored(self) -> None:
        await sign_in_with_key(self.client, example_key("of-the-login"))
        self.mark = self.client.all("auth/statusChanged", self.mark)[0].index + 1  # it began

    async def logout(self) -> None:
        await self._ask("auth/logout", {"revoke": False})

    async def login_elsewhere(self) -> None:
        self.home.write(api_key_login(example_key(f"elsewhere-{next(_numbers)}")))

    async def logout_elsewhere(self) -> None:
        self.home.auth_file.unlink()

    async def no_login_elsewhere(self) -> None:
        self.home.write(NO_LOGIN + str(next(_numbers)).encode())

    async def refresh_works(self) -> None:
        renewed = access_token(name=f"renewed {next(_numbers)}")
        self.sandbox.fault("refresh", "json", body={"access_token": renewed})
        await self._refresh()

    async def refresh_fails(self) -> None:
        self.sandbox.fault("refresh", "status", status=503)
        await self._refresh()

    async def refresh_refused(self) -> None:
        await self._refresh()  # the sandbox never issued such a token

    async def refused_elsewhere(self) -> None:
        token = Secret(self.login["tokens"]["refresh_token"])
        record = RefreshRecord(token.fingerprint(), datetime.now(UTC), "refreshTokenRevoked")
        write_record(self.home.path / "auth.json.refresh.json", record)

    async def token_ends(self) -> None:
        if (await self._status())["freshness"] == "fresh":
            await self.client.wait_for(
                "auth/statusChanged", lambda params: params["cause"] == "expired", since=self.mark
            )

    async def unreachable(self) -> None:
        folder = self.home.path / "folder"
        folder.mkdir(exist_ok=True)
        link = self.home.path / "link"
        link.symlink_to(folder)
        link.replace(self.home.auth_file)

    async def reachable(self) -> None:
        self.home.write(self.login)

    async def reachable_refused(self) -> None:
        await self.refused_elsewhere()
        await self.reachable()

    async def reachable_empty(self) -> None:
        self.home.auth_file.unlink()

    async def provider_without_login(self) -> None:
        self.home.configure('model_provider = "ollama"\n')

    async def provider_with_login(self) -> None:
        self.home.configure("")

    async def config_broken(self) -> None:
        self.home.configure("model_provider = [")

    async def meet(self, event: str) -> list[tuple[str, str]]:
        """Let an event happen, and return the states that were told, with their causes."""
        self.mark = self.client.mark()
        await EVENTS[event](self)
        await self._status()
        told = [
            (message.params["status"]["state"], message.params["cause"])
            for message in self.client.messages[self.mark : self.until]
            if message.method == "auth/statusChanged"
        ]
        for request in self.on_the_way:
            await self._cancel(request)
        return told

    async def _begin(self) -> tuple[PendingRequest, int]:
        """Begin a login; return it, and where in the record it has begun."""
        request = await self.client.start_request("auth/login", {"method": "browser"})
        progress = await self.client.wait_for("auth/loginProgress", since=self.mark)
        return request, progress.index

    async def _cancel(self, request: PendingRequest) -> None:
        """End a login, or let it end."""
        await self.client.request("auth/cancelLogin", {})
        await request.error()

    async def _status(self) -> dict[str, Any]:
        return dict(await self.client.request("auth/status", {}))

    async def _refresh(self) -> None:
        await self._ask("auth/refresh", {"force": True})

    async def _ask(self, method: str, params: dict[str, Any]) -> None:
        """Ask for what may be refused: the state is what counts."""
        with suppress(RpcError):
            await self.client.request(method, params)


CORRUPT = "unavailable, no login"
UNREACHABLE = "unavailable, out of reach"
LOGGED_IN = ("signedIn", "needsReauth", "notRequired")
STATES = ("signedOut", *LOGGED_IN, CORRUPT, UNREACHABLE)

TOKEN_ENDS = "the access token ends"

EVENTS: dict[str, Callable[[Cell], Awaitable[None]]] = {
    "a login attempt begins": Cell.attempt_begins,
    "it ends without a login": Cell.attempt_in_vain,
    "it ends with a login": Cell.login_stored,
    "a logout": Cell.logout,
    "another program signs in": Cell.login_elsewhere,
    "another program signs out": Cell.logout_elsewhere,
    "another program leaves what is no login": Cell.no_login_elsewhere,
    "a refresh works": Cell.refresh_works,
    "a refresh fails for the moment": Cell.refresh_fails,
    "a refresh is refused for good": Cell.refresh_refused,
    "another window's refresh is refused for good": Cell.refused_elsewhere,
    TOKEN_ENDS: Cell.token_ends,
    "the place of the login gets out of reach": Cell.unreachable,
    "it is in reach again, with a login": Cell.reachable,
    "it is in reach again, with a login that was refused": Cell.reachable_refused,
    "it is in reach again, without a login": Cell.reachable_empty,
    "`config.toml` names a provider without OpenAI sign-in": Cell.provider_without_login,
    "`config.toml` names `openai` again": Cell.provider_with_login,
    "`config.toml` cannot be used any more": Cell.config_broken,
}

_NEED_A_LOGIN = {
    "a refresh works",
    "a refresh fails for the moment",
    "a refresh is refused for good",
    TOKEN_ENDS,
}


def can_happen(state: str, event: str) -> bool:
    """Say whether an event is possible in a state."""
    if event in _NEED_A_LOGIN:
        return state in LOGGED_IN
    return {
        "it ends with a login": state != UNREACHABLE,
        "another program signs out": state not in {"signedOut", UNREACHABLE},
        "another program signs in": state != UNREACHABLE,
        "another program leaves what is no login": state != UNREACHABLE,
        "another window's refresh is refused for good": state in {"signedIn", "notRequired"},
        "the place of the login gets out of reach": state != UNREACHABLE,
        "it is in reach again, with a login": state == UNREACHABLE,
        "it is in reach again, with a login that was refused": state == UNREACHABLE,
        "it is in reach again, without a login": state == UNREACHABLE,
        "`config.toml` names a provider without OpenAI sign-in": state != "notRequired",
        "`config.toml` names `openai` again": state == "notRequired",
    }.get(event, True)
