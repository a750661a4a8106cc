"""Fourteen id tokens that no sign-in may be made of: each is refused and nothing is stored.

The issuer is a sandbox inside the test, so that the test can sign with the issuer's true key.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from e2e.logins import begin, completion
from e2e.shapes import AUTH_CLAIM, CLIENT_ID, api_key_login, example_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.secrets_guard import SecretsGuard

HOUR = 3600


@pytest.fixture
async def issuer() -> AsyncIterator[SandboxIssuer]:
    """Run a sandbox whose key the test has."""
    async with SandboxIssuer.start() as issuer:
        yield issuer


class Forge:
    """Makes id tokens: good ones, and ones with something wrong."""

    def __init__(self, issuer: SandboxIssuer) -> None:
        self.mint = issuer.state.ledger.mint
        self.key: ec.EllipticCurvePrivateKey = self.mint._signing_key
        self.key_id: str = self.mint._key_id
        self.now = int(issuer.state.ledger.now())
        self.good: dict[str, Any] = {
            "iss": issuer.url,
            "aud": [CLIENT_ID],
            "sub": "user-of-the-test",
            "iat": self.now,
            "exp": self.now + HOUR,
            "email": "ada@example.com",
            AUTH_CLAIM: {"chatgpt_account_id": "account-ada", "chatgpt_plan_type": "plus"},
        }

    def signed(self, key: object = None, headers: dict[str, Any] | None = None, **claims: Any):
        """Return a token signed with the issuer's key, with claims changed or left out (`...`)."""
        body = {k: v for k, v in {**self.good, **claims}.items() if v is not ...}
        headers = {"kid": self.key_id, **(headers or {})}
        return jwt.encode(body, key or self.key, "ES256", headers=headers)

    def unsigned(self) -> str:
        return f"{part({'alg': 'none', 'kid': self.key_id})}.{part(self.good)}.c2lnbmF0dXJl"

    def signed_with_the_public_key(self) -> str:
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        text = f"{part({'alg': 'HS256', 'kid': self.key_id})}.{part(self.good)}"
        digest = hmac.new(pem, text.encode(), hashlib.sha256).digest()
        return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"

    def nested(self) -> str:
        inner = self.signed()
        text = f"{part({'alg': 'ES256', 'cty': 'JWT', 'kid': self.key_id})}.{part(inner)}"
        signature = self.signed().rpartition(".")[2]
        return f"{text}.{signature}"


def part(value: object) -> str:
    raw = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


BAD_TOKENS: dict[str, Callable[[Forge], str]] = {
    "no algorithm": Forge.unsigned,
    "HS256 with the public key as the secret": Forge.signed_with_the_public_key,
    "a key that is not published": lambda forge: forge.signed(headers={"kid": "another-key"}),
    "another audience": lambda forge: forge.signed(aud=["another-client"]),
    "several audiences without azp": lambda forge: forge.signed(aud=[CLIENT_ID, "another"]),
    "expired": lambda forge: forge.signed(iat=forge.now - 2 * HOUR, exp=forge.now - HOUR),
    "issued in the future": lambda forge: forge.signed(iat=forge.now + HOUR),
    "another issuer": lambda forge: forge.signed(iss="https://issuer.example"),
    "no subject": lambda forge: forge.signed(sub=...),
    "huge": lambda forge: forge.signed(padding="x" * 100_000),
    "a token in a token": Forge.nested,
    "bad base64": lambda forge: forge.signed().replace(".", ".*", 1),
    "jku in the header": lambda forge: forge.signed(headers={"jku": "https://keys.example/jwks"}),
    "x5u in the header": lambda forge: forge.signed(headers={"x5u": "https://keys.example/x5u"}),
    "another key under the right name": lambda forge: forge.signed(
        ec.generate_private_key(ec.SECP256R1())
    ),
    "azp of another client": lambda forge: forge.signed(azp="another-client"),
    "no expiry": lambda forge: forge.signed(exp=...),
    "an account that is no name": lambda forge: forge.signed(
        **{AUTH_CLAIM: {"chatgpt_account_id": 7}}
    ),
}
"""Row P12 of the list of attacks that this server is held to, and four of the same kind."""


async def sign_in_with(
    start: Starter, issuer: SandboxIssuer, guard: SecretsGuard, id_token: str
) -> Any:
    """Begin a login whose code is exchanged for this id token; return the pending request."""
    guard.add(id_token)
    body = {"id_token": id_token, "access_token": "at-of-the-test", "refresh_token": "rt-of-test"}
    issuer.state.faults.add(Fault("token", "json", status=200, body=body))
    client = await start(issuer.url)
    attempt = await begin(client)
    await attempt.answer(code="code-of-the-test")
    return client, attempt


@pytest.mark.parametrize("name", BAD_TOKENS)
async def test_a_bad_id_token_is_refused_and_nothing_is_stored(
    start: Starter, issuer: SandboxIssuer, home: CodexHome, guard: SecretsGuard, name
):
    """`issuerResponseInvalid`, in a sentence without the token; the old login stays as it was.

    (P12)
    """
    before = home.write(api_key_login(example_key("stays")))

    client, attempt = await sign_in_with(start, issuer, guard, BAD_TOKENS[name](Forge(issuer)))
    error = await attempt.request.error()
    completed = await completion(client, attempt.id)

    assert error.summary == (-32803, "issuerResponseInvalid")
    assert completed["error"]["kind"] == "issuerResponseInvalid"
    assert home.bytes() == before


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": CLIENT_ID},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
        {"iat": ..., AUTH_CLAIM: {}},
    ],
    ids=["as OpenAI sends it", "audience as a string", "azp is ours", "without account and iat"],
)
async def test_a_good_id_token_is_accepted(
    start: Starter, issuer: SandboxIssuer, home: CodexHome, guard: SecretsGuard, claims
):
    """What the standard allows signs a person in: the refusals above are not for all."""
    _, attempt = await sign_in_with(start, issuer, guard, Forge(issuer).signed(**claims))

    result = await attempt.request.result()

    assert result["status"]["account"]["email"] == "ada@example.com"
    assert home.read()["tokens"]["access_token"] == "at-of-the-test"


async def test_clocks_may_be_four_minutes_apart(
    start: Starter, issuer: SandboxIssuer, guard: SecretsGuard
):
    """The skew is bounded at five minutes, in both directions."""
    forge = Forge(issuer)
    early = forge.signed(iat=forge.now + 240)
    late = forge.signed(iat=forge.now - HOUR, exp=forge.now - 240)

    for token in (early, late):
        _, attempt = await sign_in_with(start, issuer, guard, token)
        result = await attempt.request.result()
        assert result["status"]["state"] == "signedIn"


@pytest.mark.parametrize("endpoint", ["metadata", "jwks"])
async def test_keys_that_are_not_handed_out_are_no_reason_to_go_without(
    start: Starter, issuer: SandboxIssuer, home: CodexHome, guard: SecretsGuard, endpoint
):
    """Published keys that fail are `issuerUnavailable`; metadata that fails publishes none."""
    issuer.state.faults.add(Fault(endpoint, "status", status=503))
    _, attempt = await sign_in_with(start, issuer, guard, Forge(issuer).signed())

    if endpoint == "jwks":
        error = await attempt.request.error()
        assert error.summary == (-32803, "issuerUnavailable")
        assert home.bytes() is None
    else:
        result = await attempt.request.result()
        assert result["status"]["state"] == "signedIn"


async def test_an_issuer_without_keys_is_trusted_by_its_channel(
    start: Starter, issuer: SandboxIssuer, guard: SecretsGuard
):
    """OpenID Connect Core lets the connection stand in for the signature; claims count still.

    (P12)
    """
    forge = Forge(issuer)
    bare = {"email": "ada@example.com", AUTH_CLAIM: {"chatgpt_account_id": "account-ada"}}
    unsigned = f"{part({'alg': 'none'})}.{part(bare)}.c2lnbmF0dXJl"
    foreign = f"{part({'alg': 'none'})}.{part({**forge.good, 'aud': 'other'})}.c2lnbmF0dXJl"
    issuer.state.faults.add(Fault("metadata", "status", status=404, times=2))

    _, attempt = await sign_in_with(start, issuer, guard, unsigned)
    result = await attempt.request.result()
    _, attempt = await sign_in_with(start, issuer, guard, foreign)
    error = await attempt.request.error()

    assert result["status"]["account"]["id"] == "account-ada"
    assert error.summary == (-32803, "issuerResponseInvalid")


@pytest.mark.parametrize(
    ("claims", "kind"),
    [
        ({}, None),
        ({"iss": ...}, "issuerResponseInvalid"),
        ({"iss": "https://b.example"}, "issuerResponseInvalid"),
    ],
    ids=["names the issuer", "names nobody", "names another"],
)
async def test_where_the_metadata_names_no_issuer_the_id_token_has_to(
    start: Starter, issuer: SandboxIssuer, home: CodexHome, guard: SecretsGuard, claims, kind
):
    """Somebody names the issuer in any case, so that nobody's code goes to one for another.

    Also where no keys are published. (P10, P11)
    """
    forge = Forge(issuer)
    body = {"token_endpoint": f"{issuer.url}/oauth/token"}
    issuer.state.faults.add(Fault("metadata", "json", status=200, body=body))

    _, attempt = await sign_in_with(start, issuer, guard, forge.signed(**claims))
    if kind is None:
        result = await attempt.request.result()
        assert result["status"]["state"] == "signedIn"
    else:
        error = await attempt.request.error()
        assert error.summary == (-32803, kind)
        assert home.bytes() is None


@pytest.mark.parametrize(
    "changes",
    [{"issuer": "https://issuer.example"}, {"code_challenge_methods_supported": ["plain"]}],
    ids=["of another issuer", "without S256"],
)
async def test_metadata_that_does_not_fit_is_refused_before_anybody_is_asked(
    start: Starter, issuer: SandboxIssuer, changes
):
    """RFC 8414 section 3.3, and no fallback to the `plain` challenge: no prompt, no code.

    (P2, P11)
    """
    body = {"issuer": issuer.url, **changes}
    issuer.state.faults.add(Fault("metadata", "json", status=200, body=body))
    client = await start(issuer.url)

    error = await client.request_error("auth/login", {"method": "browser"})

    assert error.summary == (-32803, "issuerResponseInvalid")
    assert client.all("auth/loginPrompt") == []
