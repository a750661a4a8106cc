"""What the sandbox grants, and to whom, by the rules of the RFCs."""

from __future__ import annotations

from typing import Any

import pytest

from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.ledger import Grant, GrantRefusedError, Ledger, Policy
from codex_auth_lsp.sandbox.mint import code_challenge
from codex_auth_lsp.sandbox.people import PEOPLE
from sandbox.actors import REDIRECT_URI, SetClock, claims

VERIFIER = "v" * 86
ISSUER = "http://127.0.0.1:9999"


class Desk:
    """A ledger and what a client does with it."""

    def __init__(self, clock: SetClock, **policy: Any) -> None:
        self.ledger = Ledger(ISSUER, clock, Policy(**policy))
        self.person = PEOPLE[0]

    def code(self) -> str:
        grant = Grant(self.person, CODEX_CLIENT_ID, "openid email")
        return self.ledger.issue_code(grant, REDIRECT_URI, code_challenge(VERIFIER))

    def redeem(self, code: str, **changes: str) -> dict[str, Any]:
        fields = {
            "client_id": CODEX_CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        return self.ledger.redeem_code(code, **{**fields, **changes})

    def tokens(self) -> dict[str, Any]:
        return self.redeem(self.code())

    def refresh(self, tokens: dict[str, Any], client_id: str = CODEX_CLIENT_ID) -> dict[str, Any]:
        return self.ledger.refresh(tokens["refresh_token"], client_id=client_id)

    def refusal(self, use: Any, *arguments: Any, **keywords: Any) -> str:
        """Return the error with which something is refused."""
        with pytest.raises(GrantRefusedError) as caught:
            use(*arguments, **keywords)
        return caught.value.error


@pytest.fixture
def desk(clock: SetClock) -> Desk:
    return Desk(clock)


def test_code_gives_tokens_once(desk):
    """Used again, it takes back what it gave (RFC 6749 section 4.1.2)."""
    code = desk.code()
    tokens = desk.redeem(code)
    assert desk.ledger.accepts(tokens["access_token"])

    assert desk.refusal(desk.redeem, code) == "invalid_grant"
    assert not desk.ledger.accepts(tokens["access_token"])
    assert desk.refusal(desk.refresh, tokens) == "refresh_token_invalidated"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "app_other"},
        {"redirect_uri": "http://127.0.0.1:1457/auth/callback"},
        {"redirect_uri": "http://localhost:1455/auth/callback"},
        {"code_verifier": "w" * 86},
        {"code_verifier": VERIFIER[:-1]},
        {"code_verifier": code_challenge(VERIFIER)},
    ],
)
def test_code_is_good_for_its_own_client_redirect_and_verifier_alone(desk, changes):
    """And a wrong try uses it up."""
    code = desk.code()

    assert desk.refusal(desk.redeem, code, **changes) == "invalid_grant"
    assert desk.refusal(desk.redeem, code) == "invalid_grant"


def test_code_that_nobody_issued_is_refused(desk):
    """So is an empty one."""
    assert desk.refusal(desk.redeem, "made-up") == "invalid_grant"
    assert desk.refusal(desk.redeem, "") == "invalid_grant"


@pytest.mark.parametrize(("seconds", "good"), [(59, True), (60, False), (3600, False)])
def test_code_lives_a_minute(desk, clock, seconds, good):
    """A code in a browser's history is worth nothing."""
    code = desk.code()
    clock.advance(seconds)

    if good:
        assert desk.redeem(code)["token_type"] == "Bearer"
    else:
        assert desk.refusal(desk.redeem, code) == "invalid_grant"


def test_refresh_rotates_and_ends_what_it_spent(desk):
    """Each answer has new tokens; the chain goes on with the newest."""
    first = desk.tokens()
    second = desk.refresh(first)
    third = desk.refresh(second)

    assert len({tokens["refresh_token"] for tokens in (first, second, third)}) == 3
    assert len({tokens["access_token"] for tokens in (first, second, third)}) == 3
    assert desk.refusal(desk.refresh, first) == "refresh_token_reused"
    assert desk.refusal(desk.refresh, second) == "refresh_token_reused"
    assert desk.refresh(third)


@pytest.mark.parametrize(("family_revocation", "survives"), [(False, True), (True, False)])
def test_reuse_ends_the_family_where_the_policy_says_so(clock, family_revocation, survives):
    """RFC 9700 section 4.14: a thief and a victim are not told apart."""
    desk = Desk(clock, family_revocation=family_revocation)
    first = desk.tokens()
    second = desk.refresh(first)
    other = desk.tokens()
    assert desk.refusal(desk.refresh, first) == "refresh_token_reused"

    assert desk.ledger.accepts(second["access_token"]) is survives
    if survives:
        assert desk.refresh(second)
    else:
        assert desk.refusal(desk.refresh, second) == "refresh_token_invalidated"
    assert desk.refresh(other)


def test_reuse_within_the_grace_gives_the_same_answer(clock):
    """A client whose answer was lost may ask again; no second family begins."""
    desk = Desk(clock, grace_seconds=30, family_revocation=True)
    first = desk.tokens()
    second = desk.refresh(first)
    clock.advance(29)
    assert second == desk.refresh(first)

    clock.advance(1)
    assert desk.refusal(desk.refresh, first) == "refresh_token_reused"
    assert desk.refusal(desk.refresh, second) == "refresh_token_invalidated"


def test_grace_does_not_outlive_a_revocation(clock):
    """A login that was ended stays so."""
    desk = Desk(clock, grace_seconds=30)
    first = desk.tokens()
    desk.ledger.revoke(desk.refresh(first)["refresh_token"])

    assert desk.refusal(desk.refresh, first) == "refresh_token_reused"


def test_refresh_token_belongs_to_its_client(desk):
    """Another client's try does not spend it."""
    tokens = desk.tokens()

    assert desk.refusal(desk.refresh, tokens, "app_other") == "invalid_grant"
    assert desk.refresh(tokens)


def test_unknown_refresh_token_was_revoked_for_all_that_is_known(desk):
    """The issuer does not tell more."""
    assert desk.refusal(desk.refresh, {"refresh_token": "x"}) == "refresh_token_invalidated"


def test_tokens_expire_by_the_clock(clock):
    """Each kind at its own time."""
    desk = Desk(clock, access_seconds=10, id_seconds=20, refresh_seconds=30)
    tokens = desk.tokens()
    clock.advance(9)
    assert desk.ledger.accepts(tokens["access_token"])
    clock.advance(1)
    assert not desk.ledger.accepts(tokens["access_token"])
    exchange = desk.ledger.make_api_key
    assert exchange(tokens["id_token"], client_id=CODEX_CLIENT_ID)
    clock.advance(10)
    assert desk.refusal(exchange, tokens["id_token"], client_id=CODEX_CLIENT_ID) == "invalid_grant"
    clock.advance(10)
    assert desk.refusal(desk.refresh, tokens) == "refresh_token_expired"


@pytest.mark.parametrize(
    ("which", "access", "refresh"),
    [
        ({"refresh_tokens": True, "access_tokens": False}, True, False),
        ({"refresh_tokens": False, "access_tokens": True}, False, True),
        ({"refresh_tokens": True, "access_tokens": True}, False, False),
    ],
)
def test_operator_lets_expire_what_was_issued_so_far(desk, which, access, refresh):
    """What is issued later is not touched."""
    tokens = desk.tokens()
    desk.ledger.expire(**which)
    later = desk.tokens()

    assert desk.ledger.accepts(tokens["access_token"]) is access
    assert desk.ledger.accepts(later["access_token"])
    assert desk.refresh(later)
    if refresh:
        assert desk.refresh(tokens)
    else:
        assert desk.refusal(desk.refresh, tokens) == "refresh_token_expired"


def test_revoked_refresh_token_ends_its_whole_login_and_no_other(desk):
    """RFC 7009 section 2.1."""
    tokens, other = desk.tokens(), desk.tokens()
    desk.ledger.revoke(tokens["refresh_token"])

    assert not desk.ledger.accepts(tokens["access_token"])
    assert desk.refusal(desk.refresh, tokens) == "refresh_token_invalidated"
    assert desk.ledger.accepts(other["access_token"])


def test_spent_refresh_token_still_ends_its_login(desk):
    """Somebody who logs out with a stale copy means the login."""
    first = desk.tokens()
    second = desk.refresh(first)
    desk.ledger.revoke(first["refresh_token"])

    assert desk.refusal(desk.refresh, second) == "refresh_token_invalidated"


def test_revoked_access_token_leaves_the_refresh_token(desk):
    """And one that nobody issued changes nothing."""
    tokens = desk.tokens()
    desk.ledger.revoke("made-up")
    desk.ledger.revoke(tokens["access_token"])

    assert not desk.ledger.accepts(tokens["access_token"])
    assert desk.refresh(tokens)


def test_operator_revokes_everything(desk):
    """Every login at once."""
    tokens = [desk.tokens() for _ in range(2)]
    desk.ledger.revoke_all()

    assert not any(desk.ledger.accepts(each["access_token"]) for each in tokens)


def test_api_key_is_made_for_an_id_token_of_its_own(desk):
    """The model endpoint takes it; another client, or another token, gets none."""
    tokens = desk.tokens()
    exchange = desk.ledger.make_api_key
    api_key = exchange(tokens["id_token"], client_id=CODEX_CLIENT_ID)

    assert api_key.startswith("sk-sandbox-")
    assert desk.ledger.accepts(api_key)
    assert desk.refusal(exchange, tokens["id_token"], client_id="app_other") == "invalid_grant"
    assert desk.refusal(exchange, tokens["access_token"], client_id=CODEX_CLIENT_ID) == (
        "invalid_grant"
    )


def test_person_without_an_api_organization_gets_no_key(desk):
    """The sign-in itself works all the same."""
    desk.person = next(person for person in PEOPLE if not person.api_access)
    tokens = desk.tokens()

    refusal = desk.refusal(desk.ledger.make_api_key, tokens["id_token"], client_id=CODEX_CLIENT_ID)
    assert refusal == "invalid_request"
    assert desk.ledger.accepts(tokens["access_token"])


def test_key_that_a_test_made_up_is_accepted_once_it_is_registered(desk):
    """An unknown one is not."""
    assert not desk.ledger.accepts("sk-made-up")
    desk.ledger.register_api_key("sk-made-up")

    assert desk.ledger.accepts("sk-made-up")
    assert desk.ledger.person_of("sk-made-up") is None


@pytest.mark.parametrize("person", PEOPLE, ids=lambda person: person.id)
def test_tokens_carry_the_claims_of_their_person(desk, clock, person):
    """Those that OpenAI's tokens carry; what a person does not have is left out, never null."""
    desk.person = person
    tokens = desk.tokens()
    id_claims, access_claims = claims(tokens["id_token"]), claims(tokens["access_token"])
    now = int(clock.now().timestamp())

    assert (id_claims["iss"], id_claims["aud"]) == (ISSUER, [CODEX_CLIENT_ID])
    assert (id_claims["iat"], id_claims["exp"]) == (now, now + 3600)
    assert (id_claims["sub"], access_claims["sub"]) == (person.sub, person.sub)
    assert id_claims["email"] == person.email
    assert id_claims.get("amr", []) == list(person.amr)
    auth = id_claims["https://api.openai.com/auth"]
    assert auth["chatgpt_plan_type"] == person.plan_type
    assert auth["chatgpt_account_id"] == person.account_id
    assert "organizations" not in auth
    assert access_claims["scp"] == ["openid", "email"]
    assert None not in {**id_claims, **auth, **access_claims}.values()


def test_everything_minted_is_remembered_for_leak_tests(desk):
    """By kind and value."""
    tokens = desk.tokens()
    desk.ledger.make_api_key(tokens["id_token"], client_id=CODEX_CLIENT_ID)

    assert [kind for kind, _ in desk.ledger.mint.minted] == [
        "code",
        "idToken",
        "accessToken",
        "refreshToken",
        "apiKey",
    ]
    assert {tokens["id_token"], tokens["access_token"], tokens["refresh_token"]} <= {
        value for _, value in desk.ledger.mint.minted
    }
