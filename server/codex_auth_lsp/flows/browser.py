"""Sign-in with ChatGPT in the browser: authorization code with PKCE (RFC 6749, 7636, 8252).

As the Codex CLI 0.169.0 does it: its parameters, ports and requests, the API-key exchange that
may fail, and the workspace check between the two exchanges.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.account import Account
from codex_auth_lsp.errors import (
    SIGN_IN_WITH_API_KEY,
    SIGN_IN_WITH_DEVICE_CODE,
    AuthError,
    CallbackRejected,
    IssuerError,
    LoginDenied,
    LoginMethodUnavailable,
    NotEntitled,
)
from codex_auth_lsp.flows.base import FlowContext, LoginPhase, OpenUrlPrompt, shown
from codex_auth_lsp.flows.chatgpt import new_credential, prepare_check, token_url
from codex_auth_lsp.flows.issuer_presence import is_no_issuer, no_issuer
from codex_auth_lsp.flows.loopback import Answer, LoopbackListener
from codex_auth_lsp.flows.result_page import failed_page, signed_in_page
from codex_auth_lsp.oauth import http, token
from codex_auth_lsp.oauth.authorization import (
    AuthorizationCode,
    AuthorizationRequest,
    judge_redirect,
    loopback_redirect_uri,
    pasted_query,
)
from codex_auth_lsp.oauth.dialect import has_own_routes
from codex_auth_lsp.oauth.metadata import IssuerMetadata
from codex_auth_lsp.oauth.token import error_code
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import ChatGptCredential

_API_KEY_SECONDS = 10.0  # what is optional must not hold a sign-in up for long


class BrowserFlow:
    """The login method `browser`.

    A listener may outlive its attempt for the seconds that a browser needs to fetch the last
    page; the next attempt needs the port and ends it.
    """

    def __init__(self) -> None:
        self._lingering: dict[asyncio.Task[None], LoopbackListener] = {}

    async def sign_in(self, context: FlowContext) -> ChatGptCredential:
        """Return the credential of the person who signs in."""
        await _check_page(context)
        await self.close()
        listener = LoopbackListener()
        await listener.open()
        context.farewell.say = partial(_say_farewell, listener)
        try:
            return await _sign_in(context, listener)
        finally:
            if listener.browser_waits:
                task = asyncio.ensure_future(listener.linger())
                self._lingering[task] = listener
                task.add_done_callback(self._lingering.pop)
            else:
                await listener.close()

    async def finish(self) -> None:
        """Wait until the browser has its last page, which the listener's deadlines bound."""
        if self._lingering:
            await asyncio.wait(self._lingering)

    async def close(self) -> None:
        """Free the port at once, whatever a browser still waits for."""
        for task, listener in tuple(self._lingering.items()):
            await listener.close()
            task.cancel()


async def _check_page(context: FlowContext) -> None:
    """Refuse where no page can be opened.

    An issuer with routes of its own names none for it, or there is no issuer at all.
    """
    metadata = context.metadata or IssuerMetadata()
    if _publishes_nothing(context) and await is_no_issuer(context.issuer):
        raise no_issuer(context.issuer)
    if metadata.authorization_endpoint is None and has_own_routes(metadata, context.issuer):
        raise LoginMethodUnavailable(
            f"{context.issuer.issuer} offers no sign-in in a browser; sign in another way.",
            remediation=(SIGN_IN_WITH_DEVICE_CODE, SIGN_IN_WITH_API_KEY),
        )


def _publishes_nothing(context: FlowContext) -> bool:
    """Say whether the issuer was asked about itself and had no answer."""
    return context.metadata == IssuerMetadata()


async def _sign_in(context: FlowContext, listener: LoopbackListener) -> ChatGptCredential:
    metadata = context.metadata or IssuerMetadata()
    request = AuthorizationRequest(
        context.issuer,
        loopback_redirect_uri(listener.port),
        context.workspace_ids,
        issuer_names_itself=metadata.names_itself,
        endpoint=metadata.authorization_endpoint,
    )
    listener.expect(partial(judge_redirect, request=request))
    prompt = OpenUrlPrompt(
        context.attempt_id, Secret(request.url()), listener.port, context.expires_at
    )
    context.controls.submit_callback = partial(_submit, listener, request.redirect_uri)
    try:
        async with shown(context, lambda: context.prompts.open_url(prompt)):
            context.on_phase(LoginPhase.WAITING_FOR_USER)
            prepare_check(context)
            code = _code(await listener.answer())
    finally:
        context.controls.submit_callback = None
    context.on_phase(LoginPhase.EXCHANGING)
    fields = token.code_exchange_fields(request, code)
    reply = await http.post_form(token_url(context), fields)
    tokens = token.judge_code_exchange(reply)
    context.on_phase(LoginPhase.VERIFYING)
    credential = await new_credential(context, tokens)
    return replace(credential, api_key=await _api_key(context, tokens))


def _submit(listener: LoopbackListener, redirect_uri: str, pasted: Secret) -> None:
    """Take the redirect that a person copied out of a browser which could not deliver it."""
    query = pasted_query(pasted, redirect_uri)
    if query is None:
        raise CallbackRejected(
            "This is not the address of the sign-in's last page, which begins with "
            f"{redirect_uri}; copy that one."
        )
    listener.submit(query)


def _code(answer: Answer) -> Secret:
    if isinstance(answer, AuthorizationCode):
        return answer.code
    if answer.description == "missing_codex_entitlement":
        raise NotEntitled(oauth_error=error_code(answer.error))
    if answer.error == "access_denied":
        raise LoginDenied(oauth_error=answer.error)
    raise LoginDenied(
        "The sign-in page answered with an error; try again, or sign in another way.",
        oauth_error=error_code(answer.error),
    )


async def _api_key(context: FlowContext, tokens: token.NewTokens) -> Secret | None:
    fields = token.api_key_exchange_fields(context.issuer.client_id, tokens.id_token)
    try:
        reply = await http.post_form(token_url(context), fields, seconds=_API_KEY_SECONDS)
    except IssuerError:
        return None  # accounts without a platform organization get none; the tokens suffice
    return token.judge_api_key_exchange(reply)


def _say_farewell(listener: LoopbackListener, end: Account | AuthError) -> None:
    if isinstance(end, Account):
        page = signed_in_page(
            account_label=end.label, plan=end.plan_type, workspace=end.workspace_id
        )
    else:
        page = failed_page(
            heading="This sign-in did not work",
            explanation=f"{end.message} Nothing has changed: a login from before is as it was.",
        )
    listener.conclude(page)
