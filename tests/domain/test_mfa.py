"""MFA advice: the documentation's rules for every way in which a token says somebody signed in."""

from __future__ import annotations

import pytest

from codex_auth_lsp.domain.links import MFA_APPLE, MFA_GOOGLE, MFA_MICROSOFT
from codex_auth_lsp.domain.mfa import NO_CHATGPT_LOGIN, advise

ALL_LINKS = (MFA_GOOGLE, MFA_MICROSOFT, MFA_APPLE)

SOCIAL = {
    "google": MFA_GOOGLE,
    "google-oauth2": MFA_GOOGLE,
    "microsoft": MFA_MICROSOFT,
    "windowslive": MFA_MICROSOFT,
    "live": MFA_MICROSOFT,
    "live.com": MFA_MICROSOFT,
    "apple": MFA_APPLE,
    "appleid": MFA_APPLE,
}

REQUIREMENTS = {
    **dict.fromkeys(["password", "auth0", "email", "email-otp", "username"], "required"),
    **dict.fromkeys(
        ["google-apps", "saml", "samlp", "okta", "waad", "adfs", "oidc", "sso", "workos"],
        "managedByOrganization",
    ),
    **dict.fromkeys(SOCIAL, "recommended"),
    **dict.fromkeys(["", "  ", "github", "passkey", "xgoogle", "my-saml"], "unknown"),
}
"""Each provider, alone, and what it asks for."""

EITHER_WAY = "even when signing in another way"
SECOND_FACTOR = "A second factor was used at this sign-in."


@pytest.mark.parametrize("spell", [str, str.upper, str.title, lambda name: f"  {name} "])
@pytest.mark.parametrize(("provider", "expected"), REQUIREMENTS.items())
def test_provider_decides_whatever_its_spelling(provider, expected, spell):
    """Values are prefixes, read without case."""
    assert advise({"auth_provider": spell(provider)}).requirement == expected


@pytest.mark.parametrize(("provider", "expected"), REQUIREMENTS.items())
def test_subject_stands_in_for_a_missing_provider(provider, expected):
    """Where no provider is named, the part of `sub` before the bar is one."""
    claims = {"sub": f"{provider}|1234|5678"}

    assert advise(claims).requirement == expected
    assert advise({**claims, "auth_provider": " "}).requirement == expected
    assert advise({**claims, "auth_provider": 7}).requirement == expected


def test_provider_goes_before_the_subject():
    """The more precise claim wins."""
    assert (
        advise({"auth_provider": "saml", "sub": "auth0|1"}).requirement == "managedByOrganization"
    )


@pytest.mark.parametrize("claims", [{}, {"sub": "user-1"}, {"sub": 5}, {"auth_provider": None}])
def test_token_that_says_nothing_is_unknown_with_every_link(claims):
    """The reason then names what each kind of account has to do."""
    advice = advise(claims)

    assert (advice.requirement, advice.links) == ("unknown", ALL_LINKS)
    for word in ("password", "Google", "Microsoft", "Apple", "single sign-on", "administrator"):
        assert word in advice.reason


@pytest.mark.parametrize("provider", ["google", "saml", "github", ""])
@pytest.mark.parametrize("amr", [["pwd"], ["PWD"], "pwd", ["fed", "pwd"]])
def test_password_beside_another_provider_is_required(provider, amr):
    """An account that was signed in to with a password has one."""
    assert advise({"auth_provider": provider, "amr": amr}).requirement == "required"


@pytest.mark.parametrize("amr", [["pwd", "mfa"], ["otp", "pwd"], ["MFA"], "otp"])
def test_second_factor_at_a_password_sign_in_is_told_and_changes_nothing_else(amr):
    """One sign-in with a second factor does not show that the account always asks for it."""
    advice = advise({"auth_provider": "password", "amr": amr})

    assert advice.requirement == "required"
    assert SECOND_FACTOR in advice.reason


@pytest.mark.parametrize("amr", [None, [], ["pwd"], ["sms"], 7, {"x": 1}, [None, 3], "mfa-not"])
def test_without_a_second_factor_nothing_is_said_of_one(amr):
    """Claims of other types are read as absent."""
    advice = advise({"auth_provider": "password", "amr": amr})

    assert (advice.requirement, SECOND_FACTOR in advice.reason) == ("required", False)


@pytest.mark.parametrize("amr", [["mfa"], ["otp"]])
def test_second_factor_elsewhere_is_no_password(amr):
    """Google's own second factor leaves the advice as it is."""
    assert advise({"auth_provider": "google", "amr": amr}).requirement == "recommended"


@pytest.mark.parametrize(("provider", "link"), SOCIAL.items())
def test_social_sign_in_links_to_that_provider_alone(provider, link):
    """And says what is asked for if there is a password too, which no token shows."""
    advice = advise({"auth_provider": provider})

    assert advice.links == (link,)
    assert EITHER_WAY in advice.reason


def test_organization_is_told_who_enforces_it_and_of_the_password():
    """The administrator is named; there is no page to set it up oneself."""
    advice = advise({"auth_provider": "samlp"})

    assert advice.links == ()
    assert "administrator" in advice.reason
    assert EITHER_WAY in advice.reason


def test_without_a_chatgpt_login_nothing_is_known():
    """The advice is there all the same, with every link."""
    assert (NO_CHATGPT_LOGIN.requirement, NO_CHATGPT_LOGIN.links) == ("unknown", ALL_LINKS)


def test_advice_on_the_wire():
    """Links are objects of title and URL."""
    assert advise({"auth_provider": "apple"}).to_wire() == {
        "requirement": "recommended",
        "reason": advise({"auth_provider": "apple"}).reason,
        "links": [{"title": MFA_APPLE.title, "url": "https://support.apple.com/en-us/102660"}],
    }
