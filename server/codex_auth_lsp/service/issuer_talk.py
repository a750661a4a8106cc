"""What is asked of a stored login's issuer: to renew it (RFC 6749), to revoke it (RFC 7009).

OpenAI's issuer gets JSON on its fixed routes, one that is known to want forms gets them where it
said. Any other gets JSON first; what it does not understand is sent once more as a form, within
the same time, and where it has no such route its metadata is read anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.errors import IssuerError
from codex_auth_lsp.oauth.endpoints import revocation_endpoint, token_endpoint
from codex_auth_lsp.values import frozen, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.oauth.http import Reply
    from codex_auth_lsp.oauth.metadata import IssuerMetadata

# httpx, and with it most of `oauth`, is not needed before the first question.


@frozen
class _Question:
    """One request in both dialects.

    `url` is where it goes; an `is_final` one is never looked up elsewhere. `named` returns the
    endpoint of such a request in an issuer's metadata.
    """

    url: str
    is_final: bool
    payload: Mapping[str, str]
    fields: Sequence[tuple[str, str]]
    named: Callable[[IssuerMetadata], str | None]


@frozen
class _Answer:
    reply: Reply
    url: str
    by_form: bool
    metadata: IssuerMetadata | None = None


async def renew(
    login: ChatGptCredential, reason: str, clock: Clock, override: str | None
) -> tuple[Reply, ChatGptCredential]:
    """Spend the refresh token; return the answer, and the login with what was found out.

    Raises:
        IssuerError: No usable answer.
    """
    from codex_auth_lsp.oauth import http, token

    client_id = login.provenance.client_id
    question = _Question(
        override or login.token_endpoint or token_endpoint(login.provenance),
        override is not None,
        token.refresh_payload(client_id, login.refresh_token, reason),
        token.refresh_fields(client_id, login.refresh_token),
        lambda metadata: metadata.token_endpoint,
    )
    answer = await _ask(login, question, clock, http.REQUEST_SECONDS)
    if question.is_final or not answer.by_form or answer.url == login.token_endpoint:
        return answer.reply, login
    known = answer.metadata or login
    found = replace(login, token_endpoint=answer.url, revocation_endpoint=known.revocation_endpoint)
    return answer.reply, found


async def revoke(
    login: ChatGptCredential, clock: Clock, override: str | None, seconds: float
) -> Reply:
    """Ask that the login be revoked.

    Raises:
        IssuerError: No usable answer.
    """
    from codex_auth_lsp.oauth.revocation import revocation_fields, revocation_payload

    client_id = login.provenance.client_id
    question = _Question(
        override or login.revocation_endpoint or revocation_endpoint(login.provenance),
        override is not None,
        revocation_payload(login, client_id),
        revocation_fields(login, client_id),
        lambda metadata: metadata.revocation_endpoint,
    )
    return (await _ask(login, question, clock, seconds)).reply


async def _ask(
    login: ChatGptCredential, question: _Question, clock: Clock, seconds: float
) -> _Answer:
    from codex_auth_lsp.oauth.dialect import Dialect, dialect_of, is_no_route, is_not_understood

    deadline = clock.monotonic() + seconds
    dialect = dialect_of(login)
    by_form = dialect is Dialect.FORMS
    first = _Answer(await _send(question.url, question, by_form, seconds), question.url, by_form)
    if dialect is Dialect.CODEX:
        return first
    url, metadata = question.url, None
    if is_no_route(first.reply) and not question.is_final:
        metadata = await _metadata(login, deadline - clock.monotonic())
        named = question.named(metadata) if metadata is not None else None
        if named in {None, url}:
            return first
        url = str(named)
    elif by_form or not is_not_understood(first.reply):
        return first
    left = deadline - clock.monotonic()
    if left <= 0:
        return first
    return _Answer(await _send(url, question, True, left), url, True, metadata)


async def _send(url: str, question: _Question, by_form: bool, seconds: float) -> Reply:
    from codex_auth_lsp.oauth import http

    if by_form:
        return await http.post_form(url, question.fields, seconds=seconds)
    return await http.post_json(url, question.payload, seconds=seconds)


async def _metadata(login: ChatGptCredential, left: float) -> IssuerMetadata | None:
    """Return what the issuer publishes now; None where it cannot be had, and nothing waits."""
    from codex_auth_lsp.flows.chatgpt import MEETING_SECONDS, meet_issuer

    if left <= 0:
        return None
    try:
        return await meet_issuer(login.provenance, seconds=min(left / 2, MEETING_SECONDS))
    except IssuerError:
        return None
