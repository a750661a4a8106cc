"""What each parser promises for any bytes: an answer or its own error, soon, and no value in it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.config.settings import parse_settings
from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.domain.claims import decode_claims, numeric_date
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.domain.mfa import advise
from codex_auth_lsp.errors import AuthError, ConfigurationInvalid, IssuerResponseInvalid
from codex_auth_lsp.oauth import device, metadata, signature, token
from codex_auth_lsp.oauth.id_token import Expectation, judge_claims, read_header
from codex_auth_lsp.providers.catalogue import all_providers
from codex_auth_lsp.providers.surroundings import Surroundings
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.document import DocumentInvalid, parse_document
from codex_auth_lsp.transport.envelope import read_message
from codex_auth_lsp.transport.framing import FrameDecoder, FramingError
from fuzz import http_answers, logins, wire_messages
from fuzz.values import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from codex_auth_lsp.oauth.http import Reply

CORPUS = Path(__file__).parent / "corpus"

_ISSUER = IssuerSettings("https://issuer.example", "client")
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CONFIG = Path("/home/user/.codex/config.toml")


class Finding(Exception):
    """A promise that did not hold; the message says which."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parser: what is thrown at it, and what must be true whatever comes."""

    name: str
    title: str
    full: int
    """Cases of a full run."""
    make: Callable[[Random], Any]
    check: Callable[[Any], None]


@cache
def corpus(suffix: str) -> tuple[bytes, ...]:
    """Return the kept files of a kind, in a fixed order."""
    return tuple(path.read_bytes() for path in sorted(CORPUS.glob(f"*.{suffix}")))


def expect(holds: bool, promise: str) -> None:
    """Raise where a promise does not hold."""
    if not holds:
        raise Finding(promise)


def expect_no_marker(what: str, shown: object) -> None:
    """Raise where something that people or logs may see holds a secret."""
    expect(MARKER not in str(shown), f"{what} holds a secret")


def check_auth_json(raw: bytes) -> None:
    """A document is read or refused; what was read comes back whole from what is written."""
    try:
        document = parse_document(raw)
    except DocumentInvalid as exc:
        expect_no_marker("the refusal", exc)
        return
    credential = document.credential
    expect_no_marker("the document's repr", repr(document))
    expect_no_marker("the credential's repr", repr(credential))
    again = parse_document(document.render())
    expect(again.members == document.members, "a member is lost by writing")
    expect(again.credential == credential, "another credential after writing")
    expect(again.render() == document.render(), "writing twice differs")


def check_config_toml(raw: bytes) -> None:
    """A configuration is read or refused; every provider in it can be told of."""
    try:
        settings = parse_settings(raw, _CONFIG)
    except ConfigurationInvalid as exc:
        expect_no_marker("the refusal", exc.message)
        expect(str(_CONFIG) in exc.message, "the refusal does not name the file")
        return
    for configured in settings.model_providers.values():
        secrets = (configured.bearer_token, configured.headers, configured.query_params)
        expect_no_marker("a secret's repr", repr(secrets))
    surroundings = Surroundings({"PATH": "x"})
    for provider in all_providers(settings, surroundings):
        told = provider.to_auth(surroundings.environment)
        expect_no_marker("a problem", told.problems)
        expect(told.usable or bool(told.problems), "unusable, and nobody knows why")


def check_jwt(raw: bytes) -> None:
    """A token's claims are read or not; what is made of them is fit to show."""
    id_token = Secret(raw.decode("utf-8", "replace"))
    claims = decode_claims(id_token)
    if claims is not None:
        account = account_from_claims(claims, None)
        expect(bool(account.label), "an account without a label")
        expect(account.label.isprintable(), "a label that cannot be printed")
        advise(claims)
        numeric_date(claims, "exp")
    try:
        read_header(id_token)
        judge_claims(id_token, Expectation(_ISSUER, _NOW), complete=True)
    except AuthError as exc:
        expect_no_marker("the refusal", exc.message)


_ANSWER_JUDGES: tuple[Callable[[Reply], object], ...] = (
    token.judge_code_exchange,
    token.judge_refresh,
    token.judge_api_key_exchange,
    token.answered_at,
    token.retry_after_seconds,
    lambda reply: device.judge_user_code(reply, _ISSUER),
    device.judge_poll,
    lambda reply: device.judge_device_authorization(reply, _ISSUER),
    device.judge_device_token,
    lambda reply: metadata.judge_metadata(reply, _ISSUER),
    lambda reply: _check_signatures(signature.judge_keys(reply)),
)


def _check_signatures(keys: list[dict[str, Any]]) -> None:
    """Try keys on tokens of which none has signed any."""
    for algorithm in ("RS256", "ES256", "EdDSA"):
        header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).decode()
        id_token = Secret(f"{header.rstrip('=')}.e30.{'A' * 86}")
        try:
            signature.check_signature(id_token, {"alg": algorithm}, keys)
        except IssuerResponseInvalid:
            continue
        raise Finding("a signature of nobody counts")


def check_answer(reply: Reply) -> None:
    """Every judge takes every answer, and says what it holds or what is wrong with it."""
    for judge in _ANSWER_JUDGES:
        try:
            found = judge(reply)
        except AuthError as exc:
            expect_no_marker("the refusal", exc.message)
            expect(exc.message.isprintable(), "a refusal that cannot be printed")
        else:
            expect_no_marker("what was found", repr(found))


def check_stream(data: bytes) -> None:
    """A stream is cut into the same messages, and refused or not, however it arrives."""
    expect(_cut(data, len(data) + 1) == _cut(data, 7), "it matters how the bytes arrive")


def _cut(data: bytes, piece: int) -> tuple[list[str], bool]:
    decoder, found = FrameDecoder(), []
    try:
        for start in range(0, len(data), piece):
            for content in decoder.feed(data[start : start + piece]):
                found.append(repr(read_message(content)))  # noqa: PERF401 - some come before an error
    except FramingError:
        return found, False
    return found, True


TARGETS = (
    Target(
        "auth_json",
        "content of auth.json",
        200_000,
        lambda rng: logins.auth_json(rng, corpus("json")),
        check_auth_json,
    ),
    Target(
        "config_toml",
        "content of config.toml",
        200_000,
        lambda rng: logins.config_toml(rng, corpus("toml")),
        check_config_toml,
    ),
    Target("jwt", "JSON Web Tokens", 200_000, logins.jwt, check_jwt),
    Target("answer", "answers of an issuer", 100_000, http_answers.answer, check_answer),
    Target(
        "stream", "streams of frames, by the decoder", 100_000, wire_messages.stream, check_stream
    ),
)
