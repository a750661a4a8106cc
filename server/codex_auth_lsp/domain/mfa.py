"""Advice on multi-factor authentication (MFA) before Codex cloud is used, one pure function.

Source: OpenAI's page "Authentication", section "Secure your Codex cloud account"; `amr` values
are RFC 8176's. A token shows how a person signed in this time; it cannot show which other ways of
signing in the account has, so the advice says that part in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.links import MFA_APPLE, MFA_GOOGLE, MFA_MICROSOFT, Link
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from codex_auth_lsp.domain.claims import Claims

_ALL_LINKS = (MFA_GOOGLE, MFA_MICROSOFT, MFA_APPLE)

_PASSWORD = ("password", "auth0", "email", "username")
_ORGANIZATION = ("google-apps", "saml", "okta", "waad", "adfs", "oidc", "sso", "workos")
_SOCIAL: tuple[tuple[str, str, Link], ...] = (
    ("google", "Google", MFA_GOOGLE),
    ("microsoft", "Microsoft", MFA_MICROSOFT),
    ("windowslive", "Microsoft", MFA_MICROSOFT),
    ("live", "Microsoft", MFA_MICROSOFT),
    ("apple", "Apple", MFA_APPLE),
)
_SECOND_FACTOR = frozenset({"mfa", "otp"})

_IF_PASSWORD_TOO = (
    "If an email address and a password also open this account, "
    "set up MFA on it before using Codex cloud, even when signing in another way."
)


@frozen
class MfaAdvice:
    """What the documentation asks of an account that signs in this way.

    `requirement` is `required`, `managedByOrganization`, `recommended` or `unknown`.
    """

    requirement: str
    reason: str
    links: tuple[Link, ...]

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's `mfa` object."""
        return {
            "requirement": self.requirement,
            "reason": self.reason,
            "links": [{"title": link.title, "url": link.url} for link in self.links],
        }


NO_CHATGPT_LOGIN = MfaAdvice(
    "unknown",
    "Nobody is signed in with ChatGPT, so it is not known how this account is protected. Codex "
    "cloud asks for MFA on accounts with an email address and a password, recommends it for "
    "Google, Microsoft and Apple sign-in, and leaves it to the administrator with single sign-on.",
    _ALL_LINKS,
)


def advise(claims: Claims) -> MfaAdvice:
    """Return the advice that fits the sign-in which an id token describes.

    Looks at `auth_provider`, else the part of `sub` before `|`, and at `amr`.
    """
    provider = _provider(claims)
    amr = _amr(claims)
    if provider.startswith(_PASSWORD) or "pwd" in amr:
        return _password_advice(second_factor=bool(amr & _SECOND_FACTOR))
    if provider.startswith(_ORGANIZATION):
        return MfaAdvice(
            "managedByOrganization",
            "This account signs in through its organization, whose single sign-on administrator "
            f"should enforce MFA for everybody. {_IF_PASSWORD_TOO}",
            (),
        )
    for prefix, name, link in _SOCIAL:
        if provider.startswith(prefix):
            return MfaAdvice(
                "recommended",
                f"This account signs in with {name}; MFA is not demanded, and can be set up "
                f"with {name}. {_IF_PASSWORD_TOO}",
                (link,),
            )
    return MfaAdvice(
        "unknown",
        "The sign-in does not say how this account is protected. With an email address and a "
        "password, MFA must be set up before using Codex cloud, also when another way of signing "
        "in is used; with Google, Microsoft or Apple it is recommended; with single sign-on the "
        "organization's administrator should enforce it.",
        _ALL_LINKS,
    )


def _password_advice(*, second_factor: bool) -> MfaAdvice:
    reason = (
        "An email address and a password open this account, so MFA must be set up on it before "
        "using Codex cloud."
    )
    if second_factor:
        reason += " A second factor was used at this sign-in."
    return MfaAdvice("required", reason, ())


def _provider(claims: Claims) -> str:
    named = claims.get("auth_provider")
    if isinstance(named, str) and named.strip():
        return named.strip().lower()
    subject = claims.get("sub")
    if isinstance(subject, str) and "|" in subject:
        return subject.partition("|")[0].strip().lower()
    return ""


def _amr(claims: Claims) -> frozenset[str]:
    values = claims.get("amr")
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, Iterable):
        return frozenset()
    return frozenset(value.lower() for value in values if isinstance(value, str))
