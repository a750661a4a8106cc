"""The scenarios: what the person at the client does, and how the scripted server goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.conformance import answers
from codex_auth_lsp.conformance.player import Player, Stopped
from codex_auth_lsp.errors import SIGN_IN_AGAIN, IssuerUnavailable, Remediation
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(frozen=True)
class Scenario:
    """One scripted conversation."""

    name: str
    task: str
    """What is done at the client, by a person or by a script."""
    play: Callable[[Player], Awaitable[None]]
    status: dict[str, Any]
    """The state in which the conversation begins."""
    strange: bool = False
    """Whether every object has a field that nobody knows."""


async def _sign_in(player: Player) -> None:
    await player.is_introduced()
    attempt = await player.begins("browser")
    await player.shows_page(attempt)
    player.succeeds(attempt, answers.signed_in(3))
    await player.quits()


async def _device_code(player: Player) -> None:
    await player.is_introduced()
    attempt = await player.begins("deviceCode")
    await player.shows_code(attempt)
    player.succeeds(attempt, answers.signed_in(3))
    await player.quits()


async def _cancel(player: Player) -> None:
    await player.is_introduced()
    attempt = await player.begins("browser")
    await player.asks_for_page(attempt)
    what = (
        "cancelled: `$/cancelRequest` with the id of `auth/login`, or `auth/cancelLogin` with its "
        "`attemptId`"
    )
    event = await player.expect("cancel", what=what)
    if not attempt.is_meant_by(event):
        if event.id is not None:
            player.server.answer(event.id, {"outcome": "notFound"})
        raise Stopped(_MISSED[event.method])
    player.is_cancelled(attempt, answers.signed_out(3), event)
    await player.quits()


_MISSED = {
    "$/cancelRequest": "`$/cancelRequest` did not name the `id` of the `auth/login` that ran.",
    "window/workDoneProgress/cancel": (
        "`window/workDoneProgress/cancel` did not name the sign-in's token."
    ),
    methods.CANCEL_LOGIN: (
        "`auth/cancelLogin` named another `attemptId` than that of `auth/login`."
    ),
}


async def _sign_out(player: Player) -> None:
    await player.is_introduced()
    event = await player.expect("logout", what="asked for `auth/logout`")
    status = answers.signed_out(2)
    player.server.change(status, "logout")
    if event.id is not None:
        result = {"removed": ["file"], "remaining": [], "revoked": "yes", "status": status}
        player.server.answer(event.id, result)
    await player.quits()


async def _outside_logout(player: Player) -> None:
    await player.is_introduced()
    player.wants_notifications()
    player.server.announce(answers.signed_out(3), "refresh", account_changed=True)
    await player.leaves_alone(
        "when it was told of an older status: one with a lower `revision` of the same "
        "`serverInstanceId` is dropped"
    )
    player.server.change(answers.signed_out(6), "externalChange")
    await player.quits()


async def _needs_sign_in_again(player: Player) -> None:
    await player.is_introduced()
    player.wants_notifications()
    player.server.change(answers.needs_reauth(6), "refresh")
    attempt = await player.begins("browser")
    await player.shows_page(attempt)
    player.succeeds(attempt, answers.signed_in(8, answers.SECOND_ACCOUNT))
    await player.quits()


async def _server_error(player: Player) -> None:
    await player.is_introduced()
    attempt = await player.begins("browser")
    error = IssuerUnavailable(
        retry_after_seconds=0,
        remediation=(
            SIGN_IN_AGAIN,
            Remediation("Do something that no client knows", command="codexAuth.somethingNew"),
        ),
    )
    player.fails(attempt, answers.signed_out(3), error)
    await player.quits()


async def _unknown_values(player: Player) -> None:
    await player.is_introduced()
    player.wants_notifications()
    server = player.server
    server.notify("auth/somethingNew", {"message": "Nobody knows this notification."})
    notice = {"code": "somethingNew", "severity": "somethingNew", "message": "Nothing is wrong."}
    server.notify(methods.NOTICE, {**notice, "actions": [{"title": "Do nothing"}]})
    server.change({**answers.signed_out(2), "state": "somethingNew"}, "somethingNew")
    server.change(answers.signed_out(3), "somethingNew")
    attempt = await player.begins("browser")
    server.request("codexAuth/somethingNew", {})
    answer = await player.expect("answer", what="answered a request that it does not know")
    if "error" not in answer.params:
        raise Stopped("The client answered a request that it cannot know with a result.")
    player.goes_on(attempt, "somethingNew", "Doing something new.")
    await player.shows_page(attempt)
    player.succeeds(attempt, answers.signed_in(5))
    await player.quits()


SCENARIOS = (
    Scenario(
        "sign-in",
        f"Sign in in the browser, and quit when {answers.ACCOUNT} is signed in.",
        _sign_in,
        answers.signed_out(1),
    ),
    Scenario(
        "device-code",
        "Sign in with a device code, open no page, and quit when somebody is signed in.",
        _device_code,
        answers.signed_out(1),
    ),
    Scenario(
        "cancel",
        "Begin to sign in in the browser, cancel once the page is open, and then quit.",
        _cancel,
        answers.signed_out(1),
    ),
    Scenario(
        "sign-out",
        "Sign out, and quit when nobody is signed in.",
        _sign_out,
        answers.signed_in(1),
    ),
    Scenario(
        "outside-logout",
        "Do nothing, and quit when nobody is signed in any more.",
        _outside_logout,
        answers.signed_in(5),
    ),
    Scenario(
        "needs-sign-in-again",
        "When the client asks for it, sign in in the browser; quit when "
        f"{answers.SECOND_ACCOUNT} is signed in.",
        _needs_sign_in_again,
        answers.signed_in(5),
    ),
    Scenario(
        "server-error",
        "Sign in in the browser, which fails, and quit when the client has said so.",
        _server_error,
        answers.signed_out(1),
    ),
    Scenario(
        "unknown-values",
        "Sign in in the browser, and quit when somebody is signed in: the server is a later one.",
        _unknown_values,
        answers.signed_out(1),
        strange=True,
    ),
)
"""In the order in which they are played."""
