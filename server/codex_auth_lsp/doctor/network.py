"""The way to the issuer: proxy, authorities, and, where that is asked for, the issuer itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_auth_lsp.doctor.check import Check, Health
from codex_auth_lsp.errors import IssuerError, Remediation
from codex_auth_lsp.flows.issuer_presence import is_no_issuer, no_issuer
from codex_auth_lsp.oauth import http
from codex_auth_lsp.oauth.id_token import clock_difference, clock_finding
from codex_auth_lsp.oauth.metadata import judge_metadata, metadata_url
from codex_auth_lsp.oauth.network import proxy_for, trusted
from codex_auth_lsp.oauth.token import answered_at

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene
    from codex_auth_lsp.oauth.http import Reply

REACH_SECONDS = 10.0
"""How long the issuer has to answer."""

_NOT_ASKED = "The issuer was not asked; `doctor --network` asks it."
_NO_TIME = "The issuer's time is not known."
_NO_WAY = "The issuer was not asked, since the error above is in the way."


async def checks(scene: Scene) -> list[Check]:
    """Return what the environment says of the way, and how it goes where that may be tried."""
    before = [_proxy(scene), await _certificates(scene)]
    return [*before, *await _reach(scene, is_open=all(c.health is Health.OK for c in before))]


def _proxy(scene: Scene) -> Check:
    issuer = scene.options.issuer.issuer
    proxy = proxy_for(issuer, scene.options.environment)
    if proxy is None:
        return Check("proxy", Health.OK, f"Requests to {issuer} are to go without a proxy.")
    if proxy.problem is not None:
        text = f"The proxy that {proxy.variable} names cannot be used: it {proxy.problem}."
        advice = Remediation(f"Set it as in {proxy.example}, or unset it")
        return Check("proxy", Health.ERROR, text, remediation=(advice,))
    text = f"Requests to {issuer} are to go through the proxy {proxy}."
    return Check("proxy", Health.OK, text)


async def _certificates(scene: Scene) -> Check:
    from codex_auth_lsp.oauth.trust import client_context  # truststore is for this alone

    try:
        await asyncio.to_thread(client_context, scene.options.environment)
    except IssuerError as error:
        return Check("certificates", Health.ERROR, error.message)
    text = f"Certificates are checked against {trusted(scene.options.environment)}."
    return Check("certificates", Health.OK, text)


async def _reach(scene: Scene, *, is_open: bool) -> list[Check]:
    if not scene.network or not is_open:
        text = _NO_WAY if scene.network else _NOT_ASKED
        return [Check(name, Health.SKIPPED, text) for name in ("reachability", "clock")]
    issuer = scene.options.issuer
    try:
        reply = await http.get(metadata_url(issuer), {}, seconds=REACH_SECONDS)
    except IssuerError as error:
        failed = Check(
            "reachability", Health.ERROR, error.message, f"kind {error.kind}", error.remediation
        )
        return [failed, Check("clock", Health.SKIPPED, _NO_TIME)]
    if reply.status == 404 and await is_no_issuer(issuer):
        nothing = no_issuer(issuer)
        found = Check("reachability", Health.ERROR, nothing.message, f"kind {nothing.kind}")
        return [found, _clock(scene, reply)]
    return [_judged(scene, reply), _clock(scene, reply)]


def _judged(scene: Scene, reply: Reply) -> Check:
    issuer = scene.options.issuer
    try:
        metadata = judge_metadata(reply, issuer)
    except IssuerError as error:
        return Check("reachability", Health.ERROR, error.message, f"kind {error.kind}")
    if reply.status >= 500:
        text = f"{issuer.issuer} has a problem: it answered with HTTP {reply.status}."
        return Check("reachability", Health.WARNING, text)
    keys = "publishes signing keys" if metadata.jwks_uri else "publishes no signing keys"
    return Check("reachability", Health.OK, f"{issuer.issuer} answers and {keys}.")


def _clock(scene: Scene, reply: Reply) -> Check:
    theirs = answered_at(reply)
    if theirs is None:
        return Check("clock", Health.SKIPPED, _NO_TIME)
    difference = clock_difference(scene.clock.now(), theirs)
    if difference is None:
        return Check("clock", Health.OK, "This computer's clock and the issuer's agree.")
    return Check("clock", Health.ERROR, f"{clock_finding(difference)}; set the clock.")
