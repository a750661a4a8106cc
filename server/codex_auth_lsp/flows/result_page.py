"""The page that a person's browser shows when a sign-in has ended: pure functions to bytes.

Promises: everything that is put in is made plain, cut and escaped; nothing runs and nothing is
loaded, which `PAGE_HEADERS` also tells the browser; the page reads well in light and dark, on
small screens, enlarged and aloud. It never holds a secret, and has nothing to click.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape

from codex_auth_lsp.domain.claims import clean_text

_PLAN_NAMES = {
    "free": "ChatGPT Free",
    "go": "ChatGPT Go",
    "plus": "ChatGPT Plus",
    "pro": "ChatGPT Pro",
    "team": "ChatGPT Team",
    "business": "ChatGPT Business",
    "enterprise": "ChatGPT Enterprise",
    "edu": "ChatGPT Edu",
}

_STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --edge: #e1e4e9;
  --text: #16191d; --soft: #565e69; --good: #0b7a4b; --good-tint: #e3f5ec;
  --bad: #b3261e; --bad-tint: #fdebe9; --calm: #3b5bb5; --calm-tint: #e9eefb;
  --shade: 0 1px 2px rgb(16 24 40 / 5%), 0 12px 32px -8px rgb(16 24 40 / 12%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1114; --card: #181b20; --edge: #2a2f37;
    --text: #eef0f3; --soft: #a3abb6; --good: #4fd39a; --good-tint: #12322a;
    --bad: #ff9389; --bad-tint: #3a1d1c; --calm: #9db4ff; --calm-tint: #1d2541;
    --shade: 0 1px 2px rgb(0 0 0 / 40%), 0 16px 40px -8px rgb(0 0 0 / 50%);
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  min-height: 100vh; min-height: 100dvh; padding: 1.5rem;
  display: grid; grid-template-rows: 1fr auto 1.4fr; justify-items: center; align-items: center;
  background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans",
    "Helvetica Neue", Arial, sans-serif;
  -webkit-font-smoothing: antialiased; text-rendering: optimizeLegibility;
}
main {
  grid-row: 2; width: 100%; max-width: 27rem; padding: 2.5rem 2.25rem 2.25rem;
  background: var(--card); border: 1px solid var(--edge); border-radius: 1rem;
  box-shadow: var(--shade);
}
svg { display: block; width: 3rem; height: 3rem; margin-bottom: 1.5rem; }
svg circle { fill: var(--tint); }
svg path { fill: none; stroke: var(--ink); stroke-width: 2.25;
  stroke-linecap: round; stroke-linejoin: round; }
.good { --ink: var(--good); --tint: var(--good-tint); }
.bad { --ink: var(--bad); --tint: var(--bad-tint); }
.calm { --ink: var(--calm); --tint: var(--calm-tint); }
h1 { font-size: 1.625rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.018em;
  text-wrap: balance; overflow-wrap: anywhere; }
p { color: var(--soft); overflow-wrap: anywhere; text-wrap: pretty; }
h1 + p { margin-top: 0.625rem; }
dl { margin-top: 1.5rem; border-top: 1px solid var(--edge); }
dl div { display: grid; grid-template-columns: 6.5rem 1fr; gap: 0.25rem 1rem;
  padding: 0.75rem 0; border-bottom: 1px solid var(--edge); }
dt { color: var(--soft); }
dd { font-weight: 600; overflow-wrap: anywhere; }
.aside { margin-top: 1.5rem; font-size: 0.875rem; }
footer { grid-row: 3; align-self: end; padding-top: 1.5rem; color: var(--soft);
  font-size: 0.8125rem; text-align: center; }
@media (max-width: 26rem) {
  body { padding: 1rem; }
  main { padding: 1.75rem 1.5rem; }
  dl div { grid-template-columns: 1fr; }
}
@media (forced-colors: active) { main { border-color: CanvasText; } }
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode("utf-8")).digest()).decode("ascii")

PAGE_HEADERS: tuple[tuple[str, str], ...] = (
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
"""What each answer of the listener carries; the policy allows this module's style and no more."""

_CODE = re.compile("`([^`]+)`")  # as messages write what is typed
_TICK = "M15.5 24.5l6 6 11.5-13"
_CROSS = "M17.5 17.5l13 13m0-13l-13 13"
_DOT = "M24 22.5v10M24 16v.01"


def signed_in_page(*, account_label: str, plan: str | None, workspace: str | None) -> bytes:
    """Return the page of a completed sign-in, which names who is signed in.

    Args:
        account_label: How the editor calls the account.
        plan: The plan as the id token names it, `plus` for instance.
        workspace: The workspace's id or name.
    """
    facts = [("Account", account_label)]
    if plan:
        facts.append(("Plan", _PLAN_NAMES.get(plan, plan)))
    if workspace:
        facts.append(("Workspace", workspace))
    rows = "".join(
        f"<div><dt>{name}</dt><dd><bdi>{_text(value)}</bdi></dd></div>" for name, value in facts
    )
    return _page(
        "good",
        _TICK,
        "You are signed in",
        "<p>You can close this tab and go back to your editor or terminal.</p>"
        f"<dl>{rows}</dl>"
        '<p class="aside">Not the account that you meant? '
        "Sign out there, then sign in again.</p>",
    )


def failed_page(*, heading: str, explanation: str) -> bytes:
    """Return the page of a sign-in that came to nothing, or of a request that was refused."""
    return _page(
        "bad",
        _CROSS,
        heading,
        f"<p>{_CODE.sub(_as_code, _text(explanation))}</p>"
        '<p class="aside">You can close this tab and go back to your editor or terminal.</p>',
    )


def neutral_page() -> bytes:
    """Return the page for an address that was opened again; it tells nothing of the outcome."""
    return _page(
        "calm",
        _DOT,
        "Nothing more to do here",
        "<p>This sign-in has already been answered; you can close this tab.</p>",
    )


def _page(mood: str, path: str, heading: str, content: str) -> bytes:
    title = _text(heading)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{title} - Codex sign-in</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<main class="{mood}">\n'
        f'<svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="24"/>'
        f'<path d="{path}"/></svg>\n'
        f"<h1>{title}</h1>\n{content}\n</main>\n"
        "<footer>Codex sign-in, shown by codex-auth-lsp on this "
        "computer</footer>\n</body>\n</html>\n"
    ).encode("utf-8", "replace")


def _as_code(found: re.Match[str]) -> str:
    return f"<code>{found[1]}</code>"


def _text(value: str) -> str:
    return escape(clean_text(value))
