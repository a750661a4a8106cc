"""What every ChatGPT sign-in has in common: the issuer is met first, its tokens are checked last.

The issuer is asked for its metadata before a person is, so that a proxy, a certificate or a
network that stands in the way is told of before a browser opens.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import IssuerResponseInvalid, WrongWorkspace
from codex_auth_lsp.oauth import http
from codex_auth_lsp.oauth.id_token import Expectation, judge_claims, read_header
from codex_auth_lsp.oauth.metadata import IssuerMetadata, judge_metadata, metadata_url

if TYPE_CHECKING:
    from codex_auth_lsp.domain.claims import Claims
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.flows.base import FlowContext
    from codex_auth_lsp.oauth.token import NewTokens

_MEETING_SECONDS = 10.0  # nobody was asked for anything yet, so nobody waits for long
_OWNER_ID_BYTES = 32  # 43 characters, as the Codex CLI makes them


async def meet_issuer(issuer: IssuerSettings) -> IssuerMetadata:
    """Return what the issuer publishes of itself; most of all, see that it can be reached.

    Raises:
        NetworkUnreachable, ProxyError, TlsUntrusted: The tokens could not be fetched either.
        IssuerResponseInvalid: What it publishes forbids a sign-in.
    """
    try:
        reply = await http.get(metadata_url(issuer), {}, seconds=_MEETING_SECONDS)
    except IssuerResponseInvalid:
        return IssuerMetadata()  # it is there, and publishes nothing that can be read
    return judge_metadata(reply, issuer)


async def new_credential(context: FlowContext, tokens: NewTokens) -> ChatGptCredential:
    """Return the credential of a new login, with its provenance.

    Raises:
        IssuerError: The id token is not for us, not from this issuer, or its keys are not there.
        WrongWorkspace: The configuration allows other workspaces only.
    """
    context.on_issuer_time(tokens.issuer_time)
    account = account_from_claims(await _checked_claims(context, tokens), None)
    if context.workspace_ids and account.id not in context.workspace_ids:
        raise WrongWorkspace(
            "This sign-in is for a workspace that `forced_chatgpt_workspace_id` in config.toml "
            "does not allow; sign in again and choose the allowed one."
        )
    return ChatGptCredential(
        id_token=tokens.id_token,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        last_refresh=context.clock.now(),
        account_id=account.id,
        issuer=context.issuer.issuer,
        client_id=context.issuer.client_id,
        login_owner_id=secrets.token_urlsafe(_OWNER_ID_BYTES),
    )


async def _checked_claims(context: FlowContext, tokens: NewTokens) -> Claims:
    """Return the id token's claims; its signature is checked where the issuer publishes keys."""
    metadata = context.metadata or await meet_issuer(context.issuer)
    jwks_uri = metadata.jwks_uri
    header = read_header(tokens.id_token)
    expected = Expectation(context.issuer, context.clock.now(), tokens.issuer_time)
    claims = judge_claims(tokens.id_token, expected, complete=jwks_uri is not None)
    if jwks_uri is not None:
        from codex_auth_lsp.oauth.signature import check_signature, judge_keys  # it is costly

        keys = judge_keys(await http.get(jwks_uri, {}, seconds=_MEETING_SECONDS))
        check_signature(tokens.id_token, header, keys)
    return claims
