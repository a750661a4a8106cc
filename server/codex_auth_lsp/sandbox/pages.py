"""The sandbox's pages: sign-in, consent, device code and plain messages, as functions to responses.

Everything put in is escaped. No scripts and no other resources; each page says that it belongs to
a sandbox, so that nobody takes it for OpenAI's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from codex_auth_lsp.http1 import Response
from codex_auth_lsp.sandbox.style import STYLE, content_security_policy

if TYPE_CHECKING:
    from codex_auth_lsp.sandbox.people import Person

_SCOPES = {
    "openid": "Know who you are",
    "profile": "Know who you are",
    "email": "See your email address",
    "offline_access": "Stay signed in until you sign out",
    "api.connectors.read": "Use the connectors of your account",
    "api.connectors.invoke": "Use the connectors of your account",
}

Hidden = Sequence[tuple[str, str]]
"""The fields of a form that a person does not see."""


def sign_in_page(people: Iterable[Person], hidden: Hidden, redirect_origin: str | None) -> Response:
    """Return the page on which a person chooses who to be."""
    buttons = "".join(
        f'<button class="person" name="person" value="{escape(person.id)}">'
        f'<span class="title">{escape(person.title)}</span>'
        f'<span class="detail">{escape(person.email or "No email address")}'
        f" · {escape(person.way)}</span></button>"
        for person in people
    )
    return _page(
        "Who do you want to be?",
        "<p>Choose one of the sandbox&#8217;s people to sign in to Codex as.</p>"
        + _form("/sign-in", hidden, buttons),
        redirect_origin=redirect_origin,
    )


def consent_page(
    person: Person, scope: str, returns_to: str, hidden: Hidden, redirect_origin: str | None
) -> Response:
    """Return the page on which a person allows or denies."""
    wishes = dict.fromkeys(_SCOPES.get(name, name) for name in scope.split())
    facts = (
        ("Account", escape(person.email or person.name or person.title)),
        ("Plan", escape(person.plan_type or "None")),
        ("Codex may", f"<ul>{''.join(f'<li>{escape(wish)}</li>' for wish in wishes)}</ul>"),
        ("Returns to", escape(returns_to)),
    )
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    buttons = (
        '<button name="decision" value="deny">Deny</button>'
        '<button class="primary" name="decision" value="allow">Allow</button>'
    )
    return _page(
        "Sign in to Codex?",
        f"<dl>{rows}</dl>" + _form("/consent", hidden, buttons, "pair"),
        redirect_origin=redirect_origin,
    )


def device_page(hidden: Hidden, problem: str | None = None) -> Response:
    """Return the page on which a person types the code that their editor shows."""
    alert = f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else ""
    entry = (
        '<label for="user_code">Code</label>'
        '<input id="user_code" name="user_code" required maxlength="16" autocomplete="off" '
        'autocapitalize="characters" spellcheck="false" autofocus>'
        f'{alert}<button class="primary">Continue</button>'
    )
    return _page(
        "Enter the code from your editor",
        "<p>Only enter a code that you asked for yourself, and never one that somebody sent you."
        "</p>" + _form("/codex/device", hidden, entry),
        status=400 if problem else 200,
    )


def message_page(heading: str, explanation: str, status: int = 200) -> Response:
    """Return a page that only says something."""
    return _page(heading, f"<p>{escape(explanation)}</p>", status=status)


def _form(action: str, hidden: Hidden, content: str, style_class: str = "") -> str:
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden
    )
    attribute = f' class="{style_class}"' if style_class else ""
    return f'<form method="post" action="{action}"{attribute}>{fields}{content}</form>'


def _page(
    heading: str, content: str, *, status: int = 200, redirect_origin: str | None = None
) -> Response:
    title = escape(heading)
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title} - Codex sandbox</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        '<main>\n<p class="note"><strong>Sandbox.</strong> Nobody here is real, and nothing leaves '
        f"this computer.</p>\n<section>\n<h1>{title}</h1>\n{content}\n</section>\n</main>\n"
        "</body>\n</html>\n"
    )
    headers = (
        ("Content-Security-Policy", content_security_policy(redirect_origin)),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    )
    return Response(status, page.encode("utf-8"), "text/html; charset=utf-8", headers)
