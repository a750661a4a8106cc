"""Proof Key for Code Exchange (RFC 7636)."""

from __future__ import annotations

import re

from codex_auth_lsp.oauth.pkce import CODE_CHALLENGE_METHOD, code_challenge, new_code_verifier
from codex_auth_lsp.secret import Secret

UNRESERVED = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def test_challenge_of_the_example_in_the_rfc():
    """RFC 7636 appendix B."""
    code_verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

    assert code_challenge(code_verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert CODE_CHALLENGE_METHOD == "S256"


def test_verifiers_are_long_unreserved_and_never_the_same():
    """(P3) RFC 7636 section 4.1: 43 to 128 characters of the unreserved set."""
    verifiers = [new_code_verifier() for _ in range(1000)]

    assert {86} == {len(verifier.reveal()) for verifier in verifiers}
    assert all(UNRESERVED.fullmatch(verifier.reveal()) for verifier in verifiers)
    assert len(verifiers) == len(set(verifiers))
    assert {43} == {len(code_challenge(verifier)) for verifier in verifiers}
