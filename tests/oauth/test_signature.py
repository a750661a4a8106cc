"""Whose signature on an id token counts: one of a published key, by an algorithm that fits it."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from codex_auth_lsp.errors import IssuerResponseInvalid, IssuerUnavailable
from codex_auth_lsp.oauth.http import Reply
from codex_auth_lsp.oauth.signature import ALGORITHMS, check_signature, judge_keys
from codex_auth_lsp.secret import Secret

RSA = rsa.generate_private_key(65537, 2048)
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
KEYS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    **{name: ec.generate_private_key(curve) for name, curve in CURVES.items()},
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}
NOT_SIGNED = (
    "The id token of this sign-in is not signed by a key of the issuer, so nothing was stored; try "
    "again later."
)
NO_WAY = (
    "The id token of this sign-in is not signed in a way that counts, so nothing was stored; try "
    "again later."
)


def published(algorithm: str, **members: object) -> dict[str, object]:
    """Return the public key as an issuer publishes it."""
    key = KEYS[algorithm].public_key()
    value = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True)
    return {name: member for name, member in {**value, **members}.items() if member is not ...}


def signed(algorithm: str, key: object = None) -> Secret:
    return Secret(jwt.encode({"sub": "user-1"}, key or KEYS[algorithm], algorithm))


def checked(algorithm: str, *keys: dict, header: dict | None = None, key: object = None) -> str:
    """Return what is said of a token: nothing when it counts."""
    header = {"alg": algorithm} if header is None else header
    try:
        check_signature(signed(algorithm, key), header, list(keys))
    except IssuerResponseInvalid as exc:
        return exc.message
    return ""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_signature_of_a_published_key_counts(algorithm):
    """By every algorithm with a public key, whether or not the key says for which it is."""
    assert checked(algorithm, published(algorithm)) == ""
    assert checked(algorithm, published(algorithm, alg=algorithm, kid="key-1")) == ""


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256K", "", None, 7, "rs256"])
def test_other_algorithm_never_counts(algorithm):
    """Whatever keys there are: with some of these anybody could sign. (P12)"""
    assert checked("ES256", published("ES256"), header={"alg": algorithm}) == NO_WAY
    assert checked("ES256", published("ES256"), header={}) == NO_WAY


def test_key_that_is_too_short_does_not_count():
    """(P29) RFC 7518 section 3.3: whoever finds its factors could sign."""
    short = rsa.generate_private_key(65537, 1024)
    key = jwt.get_algorithm_by_name("RS256").to_jwk(short.public_key(), as_dict=True)

    with pytest.warns(jwt.InsecureKeyLengthWarning):  # the test's own signature
        assert checked("RS256", key, key=short) == NOT_SIGNED


def test_signature_is_looked_for_among_all_keys():
    """An issuer that changes its keys publishes old and new ones."""
    others = [published("RS256"), published("ES384"), published("EdDSA")]
    strange = published("ES256", x="AA", y="AA")

    assert checked("ES256", *others, strange, published("ES256")) == ""
    assert checked("ES256", *others, strange) == NOT_SIGNED
    assert checked("ES256") == NOT_SIGNED


def test_signature_of_another_key_does_not_count():
    """Of the same kind and under the same name."""
    another = ec.generate_private_key(ec.SECP256R1())
    header = {"alg": "ES256", "kid": "key-1"}

    assert checked("ES256", published("ES256", kid="key-1"), header=header, key=another) == (
        NOT_SIGNED
    )


def test_token_that_names_its_key_is_checked_by_that_key_alone():
    """RFC 7515 section 4.1.4."""
    header = {"alg": "ES256", "kid": "key-1"}

    assert checked("ES256", published("ES256", kid="key-1"), header=header) == ""
    assert checked("ES256", published("ES256", kid="key-2"), header=header) == NOT_SIGNED
    assert checked("ES256", published("ES256"), header=header) == NOT_SIGNED


def test_key_for_another_algorithm_does_not_count():
    """RFC 7517 section 4.4: what it says that it is for."""
    assert checked("RS256", published("RS256", alg="RS384")) == NOT_SIGNED
    assert checked("RS256", published("RS256", alg="RS256")) == ""


@pytest.mark.parametrize(
    "members",
    [{"kty": ...}, {"kty": "EC"}, {"n": ...}, {"n": 7}, {"e": "*"}, {"n": ""}, {"kty": None}],
    ids=str,
)
def test_key_that_makes_no_sense_does_not_count(members):
    """It is passed by, and the next one tried."""
    assert checked("RS256", published("RS256", **members)) == NOT_SIGNED
    assert checked("RS256", published("RS256", **members), published("RS256")) == ""


def keys_of(document: object, status: int = 200) -> list:
    return judge_keys(Reply(status, {}, json.dumps(document).encode()))


def test_keys_for_encryption_are_left_out():
    """RFC 7517 section 4.2; what is no key is left out too."""
    keys = [{"kid": "1"}, {"kid": "2", "use": "sig"}, {"kid": "3", "use": "enc"}, "four", None]

    assert keys_of({"keys": keys}) == [{"kid": "1"}, {"kid": "2"}]


def test_of_a_private_key_the_public_part_counts_alone():
    """(P29) Whoever publishes one: without its primes PyJWT would look for them, for minutes."""
    key = published("RS256") | {"d": "c" * 8000, "x5c": ["certificate"], "oth": []}

    (public,) = keys_of({"keys": [key]})

    assert sorted(public) == ["e", "kty", "n"]
    assert checked("RS256", public) == ""


@pytest.mark.parametrize("members", [{"n": "A" * 2733}, {"kid": "a" * 3000}, {"n": 7}, {"x": []}])
def test_key_that_no_library_would_take_is_left_out(members):
    """(P29) What is as long as an answer may be costs seconds, although it is no key in the end."""
    longest = {"kid": "a" * 2732}  # 16,384 bits in base64url

    assert keys_of({"keys": [published("RS256") | members, longest]}) == [longest]


def test_number_of_keys_is_bounded():
    """A hundred, the first ones."""
    keys = [{"kid": str(number)} for number in range(101)]

    assert keys_of({"keys": keys}) == keys[:100]


@pytest.mark.parametrize("document", [{}, [], {"keys": {}}, {"keys": None}, "keys"], ids=str)
def test_what_is_no_set_of_keys_is_refused(document):
    """RFC 7517 section 5."""
    with pytest.raises(IssuerResponseInvalid) as caught:
        keys_of(document)

    assert caught.value.message == (
        "The issuer's signing keys cannot be read, so the sign-in cannot be checked; try again "
        "later."
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_keys_that_are_no_json_are_refused(body):
    """However deep."""
    with pytest.raises(IssuerResponseInvalid, match="signing keys cannot be read"):
        judge_keys(Reply(200, {}, body))


@pytest.mark.parametrize("status", [201, 204, 301, 404, 503])
def test_keys_that_are_not_handed_out_are_asked_for_later(status):
    """The issuer has keys, so nothing goes without them."""
    with pytest.raises(IssuerUnavailable) as caught:
        keys_of({"keys": []}, status)

    assert caught.value.message == (
        f"The issuer did not hand out its signing keys (HTTP {status}), so the sign-in cannot be "
        "checked; try again in a few minutes."
    )
