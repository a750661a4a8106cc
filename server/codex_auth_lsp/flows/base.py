"""What a login method is: a flow that returns a credential.

A flow stores nothing, knows no client and opens no window itself: what a person has to see is
handed to `LoginPrompts`, what an observer may want to know to `on_phase`.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from codex_auth_lsp.domain.credential import ApiKeyCredential, ChatGptCredential
from codex_auth_lsp.errors import BrowserOpenFailed
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.account import Account
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.errors import AuthError
    from codex_auth_lsp.oauth.metadata import IssuerMetadata
    from codex_auth_lsp.secret import Secret


class LoginPhase(StrEnum):
    """Where an attempt is; the contract's `auth/loginProgress.phase`."""

    STARTING = "starting"
    WAITING_FOR_USER = "waitingForUser"
    EXCHANGING = "exchanging"
    VERIFYING = "verifying"
    STORING = "storing"


@frozen
class OpenUrlPrompt:
    """The person has to open `url`, which is a secret until the login ends."""

    attempt_id: str
    url: Secret
    callback_port: int
    expires_at: datetime


@frozen
class UserCodePrompt:
    """The person has to enter `user_code` on the page at `verification_uri`.

    `verification_uri_complete` is that page with the code filled in, where the issuer has one.
    All of them have the shape that `oauth.device` demands, and are secrets until the login ends.
    """

    attempt_id: str
    verification_uri: str
    verification_uri_complete: Secret | None
    user_code: Secret
    expires_at: datetime


class LoginPrompts(Protocol):
    """The way to the person, whatever editor or terminal that is.

    Each is cancelled once it is not needed any more.
    """

    async def open_url(self, prompt: OpenUrlPrompt) -> None:
        """Show the URL, by another way where one fails."""
        ...

    async def show_user_code(self, prompt: UserCodePrompt) -> None:
        """Show the code and its page, and whom it must not be given to."""
        ...


class Controls:
    """What can be done with a flow from outside while it waits for the person.

    A flow sets what it can do for as long as it can; None stands for "not now".
    """

    def __init__(self) -> None:
        self.submit_callback: Callable[[Secret], None] | None = None
        self.show_again: Callable[[], Awaitable[None]] | None = None


@frozen
class FlowContext:
    """One attempt's inputs.

    `workspace_ids` are the only ones that may sign in, empty for all. `ended` is called by a flow
    that has something to tell the person at the very end, such as a page in the browser.
    `metadata` is what the issuer publishes, None where it was not asked or could not be reached.
    `on_issuer_time` is given the time that the issuer's clock shows, None where it does not say;
    `on_remark` what the person should know and what does not end the attempt.
    """

    issuer: IssuerSettings
    workspace_ids: tuple[str, ...]
    prompts: LoginPrompts
    on_phase: Callable[[LoginPhase], None]
    attempt_id: str
    expires_at: datetime
    clock: Clock
    farewell: Farewell
    controls: Controls
    on_issuer_time: Callable[[datetime | None], None]
    on_remark: Callable[[str], None]
    api_key: Secret | None = None
    api_key_check_url: str | None = None
    metadata: IssuerMetadata | None = None


NewCredential = ChatGptCredential | ApiKeyCredential


class Farewell:
    """The last word to the person, said once the credential is stored or the attempt failed.

    A flow sets `say`; whoever runs the attempt calls it once, with who is signed in or why nobody
    is.
    """

    def __init__(self) -> None:
        self.say: Callable[[Account | AuthError], None] | None = None


class LoginFlow(Protocol):
    """A way of signing in."""

    async def sign_in(self, context: FlowContext) -> NewCredential:
        """Return the new credential; nothing is stored yet.

        Raises:
            LoginError, IssuerError: There is none. Cancellation ends the flow at once.
        """
        ...

    async def finish(self) -> None:
        """Wait, for seconds at the most, until the person has seen the last page."""
        ...

    async def close(self) -> None:
        """Free at once what an ended attempt may still hold."""
        ...


@asynccontextmanager
async def shown(
    context: FlowContext, show: Callable[[], Coroutine[Any, Any, None]]
) -> AsyncIterator[None]:
    """Show a prompt, and again when asked to, beside what the body waits for and no longer.

    One showing at a time: another one takes the place of one that is under way.

    Raises:
        BrowserOpenFailed: It could not be shown at all.
    """
    showing: asyncio.Task[None] | None = None

    async def show_again() -> None:
        nonlocal showing
        if showing is not None:
            showing.cancel()
        showing = asyncio.ensure_future(show())
        await asyncio.sleep(0)  # by now it is on its way
        if showing.done() and showing.exception() is not None:
            raise BrowserOpenFailed from showing.exception()

    try:
        await show_again()
        context.controls.show_again = show_again
        yield
    finally:
        context.controls.show_again = None
        if showing is not None and not showing.done():
            showing.cancel()
            await asyncio.wait([showing])
