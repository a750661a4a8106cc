"""What every ChatGPT sign-in has in common: the issuer is met first, its tokens are checked last.

The issuer is asked for its metadata before a person is, so that a proxy, a certificate or a
network that stands in the way is told of before a browser opens.
"""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.errors import IssuerResponseInvalid, WrongWorkspace
from codex_auth_lsp.oauth import http
from codex_auth_lsp.oauth.dialect import form_endpoints
from codex_auth_lsp.oauth.endpoints import token_endpoint
from codex_auth_lsp.oauth.id_token import Expectation, judge_claims, read_header
from codex_auth_lsp.oauth.metadata import (
    IssuerMetadata,
    holds_metadata,
    judge_metadata,
    metadata_urls,
)

if TYPE_CHECKING:
    from codex_auth_lsp.domain.claims import Claims
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.flows.base import FlowContext
    from codex_auth_lsp.oauth.token import NewTokens

MEETING_SECONDS = 10.0
"""How long an issuer may take to describe itself: nobody was asked for anything yet."""

_OWNER_ID_BYTES = 32  # 43 characters, as the Codex CLI makes them


async def meet_issuer(
    issuer: IssuerSettings, *, seconds: float = MEETING_SECONDS
) -> IssuerMetadata:
    """Return what the issuer publishes of itself; most of all, see that it can be reached.

    The first document that can be read counts; `seconds` are for each place where one may stand.

    Raises:
        NetworkUnreachable, ProxyError, TlsUntrusted: The tokens could not be fetched either.
        IssuerResponseInvalid: What it publishes forbids a sign-in.
    """
    found = IssuerMetadata()
    for url in metadata_urls(issuer):
        try:
            reply = await http.get(url, {}, seconds=seconds)
        except IssuerResponseInvalid:
            continue  # it is there, and publishes nothing that can be read
        metadata = judge_metadata(reply, issuer)
        if holds_metadata(reply):
            return metadata
        found = metadata if found.trouble is None else found
    return found


async def met(context: FlowContext) -> FlowContext:
    """Return the context with what the issuer publishes, asking where nobody could before.

    Nothing that OpenAI's publishes is needed before its tokens are there.

    Raises:
        IssuerError: As `meet_issuer`.
    """
    if context.metadata is not None or context.issuer.issuer == OPENAI_ISSUER:
        return context
    return replace(context, metadata=await meet_issuer(context.issuer))


def prepare_check(context: FlowContext) -> None:
    """Import what checks a signature while the person signs in: it takes longer than the rest.

    In a thread, so that the event loop goes on. Where that fails, the check itself will tell.
    """
    if context.metadata is not None and context.metadata.jwks_uri is not None:
        with suppress(RuntimeError):  # the system gives no thread
            threading.Thread(target=_prepare, name="token check", daemon=True).start()


def _prepare() -> None:
    with suppress(ImportError):
        from codex_auth_lsp.oauth.signature import prepare

        prepare()


def token_url(context: FlowContext) -> str:
    """Return where an attempt's code is exchanged."""
    named = context.metadata.token_endpoint if context.metadata is not None else None
    return named or token_endpoint(context.issuer)


async def new_credential(context: FlowContext, tokens: NewTokens) -> ChatGptCredential:
    """Return the credential of a new login, with its provenance.

    Raises:
        IssuerError: The id token is not for us, not from this issuer, or its keys are not there.
        WrongWorkspace: The configuration allows other workspaces only.
    """
    context.on_issuer_time(tokens.issuer_time)
    metadata = context.metadata or await meet_issuer(context.issuer)
    account = account_from_claims(await _checked_claims(context, metadata, tokens), None)
    if context.workspace_ids and account.id not in context.workspace_ids:
        raise WrongWorkspace(
            "This sign-in is for a workspace that `forced_chatgpt_workspace_id` in config.toml "
            "does not allow; sign in again and choose the allowed one."
        )
    for_refresh, for_revocation = form_endpoints(metadata, context.issuer)
    return ChatGptCredential(
        id_token=tokens.id_token,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        last_refresh=context.clock.now(),
        account_id=account.id,
        issuer=context.issuer.issuer,
        client_id=context.issuer.client_id,
        token_endpoint=for_refresh,
        revocation_endpoint=for_revocation,
        login_owner_id=secrets.token_urlsafe(_OWNER_ID_BYTES),
    )


async def _checked_claims(
    context: FlowContext, metadata: IssuerMetadata, tokens: NewTokens
) -> Claims:
    """Return the id token's claims; its signature is checked where the issuer publishes keys."""
    jwks_uri = metadata.jwks_uri
    header = read_header(tokens.id_token)
    expected = Expectation(context.issuer, context.clock.now(), tokens.issuer_time)
    complete = jwks_uri is not None or metadata.is_anonymous
    claims = judge_claims(tokens.id_token, expected, complete=complete)
    if jwks_uri is not None:
        from codex_auth_lsp.oauth.signature import check_signature, judge_keys  # it is costly

        keys = judge_keys(await http.get(jwks_uri, {}, seconds=MEETING_SECONDS))
        check_signature(tokens.id_token, header, keys)
    return claims
