"""The invented people who can sign in: one for each kind of account that tokens tell apart.

Their names, addresses and ids are made up; the shapes of `sub`, `auth_provider` and `amr` are
those of OpenAI's id tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

CONTROL_NAMES = {
    "title": "title",
    "email": "email",
    "name": "name",
    "planType": "plan_type",
    "accountId": "account_id",
    "userId": "user_id",
    "sub": "sub",
    "authProvider": "auth_provider",
    "amr": "amr",
    "entitled": "entitled",
    "apiAccess": "api_access",
}
"""What `POST /sandbox/account` may set, by its name there."""

_REQUIRED = frozenset({"title", "sub"})
_FLAGS = frozenset({"entitled", "api_access"})


@dataclass(frozen=True, slots=True)
class Person:
    """Someone on the sign-in page; a claim whose value is None is left out of the tokens.

    `entitled` says whether their workspace lets them use Codex, `api_access` whether they have a
    platform organization, without which no API key is made for them.
    """

    id: str
    title: str
    way: str
    sub: str
    email: str | None
    name: str | None
    plan_type: str | None
    account_id: str | None
    user_id: str | None
    auth_provider: str | None
    amr: tuple[str, ...] = ()
    organization: str = "Personal"
    entitled: bool = True
    api_access: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return what `GET /sandbox/people` tells."""
        values = {name: getattr(self, field) for name, field in CONTROL_NAMES.items()}
        return {"id": self.id, **values, "amr": list(self.amr)}


def patched(person: Person, changes: dict[str, Any]) -> Person:
    """Return the person with the values of a control request.

    Raises:
        ValueError: A name is unknown or a value of the wrong type.
    """
    values: dict[str, Any] = {}
    for name, value in changes.items():
        field = CONTROL_NAMES.get(name)
        if field is None or not _fits(field, value):
            raise ValueError(name)
        values[field] = tuple(value) if field == "amr" else value
    return replace(person, **values)


def _fits(field: str, value: Any) -> bool:
    if field in _FLAGS:
        return isinstance(value, bool)
    if field == "amr":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, str) or (value is None and field not in _REQUIRED)


def _person(number: int, **values: Any) -> Person:
    """Return a person with ids that show at a glance that they are invented."""
    return Person(
        account_id=f"00000000-0000-4000-8000-{number:012d}",
        user_id=f"user-sandbox-{number}",
        **values,
    )


PEOPLE = (
    _person(
        1,
        id="google",
        title="A personal account, Plus plan",
        way="Continue with Google",
        sub="google-oauth2|sandbox-1",
        email="plus@example.com",
        name="Sandbox Plus",
        plan_type="plus",
        auth_provider="google",
    ),
    _person(
        2,
        id="password",
        title="A personal account, Pro plan",
        way="Email and password",
        sub="auth0|sandbox-2",
        email="pro@example.com",
        name="Sandbox Pro",
        plan_type="pro",
        auth_provider="password",
        amr=("pwd",),
    ),
    _person(
        3,
        id="password-mfa",
        title="A personal account, Plus plan, second factor",
        way="Email, password and one-time code",
        sub="auth0|sandbox-3",
        email="mfa@example.com",
        name="Sandbox Second Factor",
        plan_type="plus",
        auth_provider="password",
        amr=("pwd", "otp", "mfa"),
    ),
    _person(
        4,
        id="sso",
        title="A member of an organization, Business plan",
        way="Single sign-on of the organization",
        sub="samlp|sandbox-org|sandbox-4",
        email="member@example.com",
        name="Sandbox Member",
        plan_type="business",
        auth_provider="saml",
        organization="Sandbox Organization",
    ),
    _person(
        5,
        id="new",
        title="A new user, Free plan, no API organization",
        way="Continue with Microsoft",
        sub="windowslive|sandbox-5",
        email="new@example.com",
        name="Sandbox Newcomer",
        plan_type="free",
        auth_provider="microsoft",
        api_access=False,
    ),
    _person(
        6,
        id="not-entitled",
        title="A member whose workspace has no Codex",
        way="Single sign-on of the organization",
        sub="samlp|sandbox-org|sandbox-6",
        email="outside@example.com",
        name="Sandbox Outsider",
        plan_type="enterprise",
        auth_provider="saml",
        organization="Sandbox Organization",
        entitled=False,
    ),
)
"""Who the sign-in page offers; the first is whom a scripted sign-in takes."""
