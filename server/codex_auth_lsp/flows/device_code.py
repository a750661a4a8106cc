"""Sign-in with a code that the person enters on another screen (RFC 8628, OpenAI's dialect).

Shows the code, asks in the issuer's rhythm until the person has answered, and waits out a network
that is down for as long as the code is good. Nothing listens on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.errors import (
    SIGN_IN,
    SIGN_IN_WITH_API_KEY,
    DeviceCodeDisabled,
    DeviceCodeExpired,
    IssuerError,
    IssuerResponseInvalid,
    LoginMethodUnavailable,
    NetworkUnreachable,
)
from codex_auth_lsp.flows.base import FlowContext, LoginPhase, UserCodePrompt, shown
from codex_auth_lsp.flows.chatgpt import met, new_credential, prepare_check, token_url
from codex_auth_lsp.flows.issuer_presence import is_no_issuer, no_issuer
from codex_auth_lsp.oauth import device, http, token
from codex_auth_lsp.oauth.dialect import has_own_routes

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.oauth.device import DeviceCode, IssuedCode, NotYet
    from codex_auth_lsp.oauth.http import Reply
    from codex_auth_lsp.oauth.token import NewTokens

LONGEST_BACK_OFF = 60.0
"""Seconds between two tries while the issuer cannot be reached."""


class DeviceCodeFlow:
    """The login method `deviceCode`."""

    async def sign_in(self, context: FlowContext) -> ChatGptCredential:
        """Return the credential of the person who enters the code."""
        context = await met(context)
        endpoints = _endpoints(context)
        code = await _request_code(context, endpoints)
        begun = context.clock.monotonic()
        prompt = UserCodePrompt(
            attempt_id=context.attempt_id,
            verification_uri=code.verification_uri,
            verification_uri_complete=code.verification_uri_complete,
            user_code=code.user_code,
            expires_at=min(
                context.expires_at, context.clock.now() + timedelta(seconds=code.expires_in)
            ),
        )
        async with shown(context, lambda: context.prompts.show_user_code(prompt)):
            context.on_phase(LoginPhase.WAITING_FOR_USER)
            prepare_check(context)
            granted = await _wait(context, endpoints, code, begun + code.expires_in)
        context.on_phase(LoginPhase.EXCHANGING)
        if isinstance(granted, device.IssuedCode):
            granted = await _exchange(context, granted)
        context.on_phase(LoginPhase.VERIFYING)
        return await new_credential(context, granted)

    async def finish(self) -> None:
        """The page is the issuer's own."""

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class DeviceEndpoints:
    """Where an issuer that speaks RFC 8628 is asked."""

    authorization: str
    token: str


def _endpoints(context: FlowContext) -> DeviceEndpoints | None:
    """Return the endpoints of RFC 8628, None where OpenAI's dialect is spoken.

    Raises:
        LoginMethodUnavailable: An issuer with routes of its own names none for devices.
        IssuerResponseInvalid: There is nowhere to ask whether the person is done.
        IssuerUnavailable, RateLimited: An issuer that cannot say it now may well speak the RFC's.
    """
    metadata = context.metadata
    if metadata is None or context.issuer.issuer == OPENAI_ISSUER:
        return None
    if metadata.trouble is not None:
        raise metadata.trouble
    if metadata.device_authorization_endpoint is None:
        if has_own_routes(metadata, context.issuer):
            raise LoginMethodUnavailable(
                f"{context.issuer.issuer} offers no sign-in with a device code; sign in another "
                "way.",
                remediation=(SIGN_IN, SIGN_IN_WITH_API_KEY),
            )
        return None
    if metadata.token_endpoint is None:
        raise IssuerResponseInvalid(
            "The issuer names an endpoint for devices and none for tokens; sign in another way."
        )
    return DeviceEndpoints(metadata.device_authorization_endpoint, metadata.token_endpoint)


async def _request_code(context: FlowContext, endpoints: DeviceEndpoints | None) -> DeviceCode:
    issuer = context.issuer
    if endpoints is None:
        payload = {"client_id": issuer.client_id}
        reply = await http.post_json(device.user_code_endpoint(issuer), payload)
        try:
            return device.judge_user_code(reply, issuer)
        except DeviceCodeDisabled:
            if await is_no_issuer(issuer):
                raise no_issuer(issuer) from None
            raise
    fields = device.device_authorization_fields(issuer)
    reply = await http.post_form(endpoints.authorization, fields)
    return device.judge_device_authorization(reply, issuer)


@dataclass(slots=True)
class _Rhythm:
    """The pauses between two questions: the issuer's interval, doubled by each failure."""

    interval: float
    failures: int = 0

    def pause(self, failure: IssuerError | None) -> float:
        if failure is None:
            return self.interval
        asked = float(failure.retry_after_seconds or 0)
        # RFC 8628 section 3.5: exponential back-off after a connection that timed out.
        return max(asked, self.interval, min(self.interval * 2.0**self.failures, LONGEST_BACK_OFF))


async def _wait(
    context: FlowContext, endpoints: DeviceEndpoints | None, code: DeviceCode, deadline: float
) -> IssuedCode | NewTokens:
    """Ask until the person has answered; never after the code has expired."""
    rhythm = _Rhythm(code.interval)
    failure: IssuerError | None = None
    while True:
        pause = rhythm.pause(failure)
        left = deadline - context.clock.monotonic()
        if left <= pause:
            await context.clock.sleep(max(left, 0.0))
            raise _expired(failure)
        await context.clock.sleep(pause)
        try:
            answer = _judge(await _ask(context, endpoints, code, left - pause), endpoints)
        except IssuerError as error:
            if not error.retryable:
                raise
            failure, rhythm.failures = error, rhythm.failures + 1
            continue
        failure, rhythm.failures = None, 0
        if not isinstance(answer, device.NotYet):
            return answer
        if answer is device.NotYet.SLOW_DOWN:
            rhythm.interval += device.SLOW_DOWN


async def _ask(
    context: FlowContext, endpoints: DeviceEndpoints | None, code: DeviceCode, left: float
) -> Reply:
    """Ask once.

    Raises:
        NetworkUnreachable, ProxyError: No answer; the next question may get one.
        TlsUntrusted: It never will.
    """
    seconds = min(http.REQUEST_SECONDS, left)
    try:
        if endpoints is None:
            url = device.poll_endpoint(context.issuer)
            return await http.post_json(url, device.poll_payload(code), seconds=seconds)
        fields = device.device_token_fields(context.issuer, code)
        return await http.post_form(endpoints.token, fields, seconds=seconds)
    except IssuerResponseInvalid as exc:  # a connection that broke off: there was no answer
        raise NetworkUnreachable(exc.message) from exc


def _judge(reply: Reply, endpoints: DeviceEndpoints | None) -> IssuedCode | NewTokens | NotYet:
    return device.judge_poll(reply) if endpoints is None else device.judge_device_token(reply)


def _expired(failure: IssuerError | None) -> DeviceCodeExpired:
    if failure is None:
        return DeviceCodeExpired()
    return DeviceCodeExpired(
        "The code has expired, and the issuer could not be asked at the end whether it was "
        "entered; get a new one when the network works."
    )


async def _exchange(context: FlowContext, issued: IssuedCode) -> NewTokens:
    request = device.code_request(context.issuer, issued)
    fields = token.code_exchange_fields(request, issued.authorization_code)
    return token.judge_code_exchange(await http.post_form(token_url(context), fields))
