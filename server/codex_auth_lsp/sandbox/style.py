"""The one style sheet of the sandbox's pages, and the policy that allows it and nothing else."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --edge: #d9dde3; --text: #16191d; --soft: #565e69;
  --accent: #2f4fb0; --on-accent: #fff; --tint: #eef2fc; --bad: #b3261e;
  --note: #7a4b00; --note-tint: #fff3d9; --note-edge: #f0d8a0;
  --shade: 0 1px 2px rgb(16 24 40 / 5%), 0 12px 32px -8px rgb(16 24 40 / 12%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1114; --card: #181b20; --edge: #333943; --text: #eef0f3; --soft: #a3abb6;
    --accent: #9db4ff; --on-accent: #10162b; --tint: #20263a; --bad: #ff9389;
    --note: #f4cf86; --note-tint: #2a2112; --note-edge: #4d3d1d;
    --shade: 0 1px 2px rgb(0 0 0 / 40%), 0 16px 40px -8px rgb(0 0 0 / 50%);
  }
}
* { box-sizing: border-box; margin: 0; }
body {
  min-height: 100vh; min-height: 100dvh; padding: 1.5rem; display: grid;
  justify-items: center; align-content: safe center;
  background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans",
    "Helvetica Neue", Arial, sans-serif;
  -webkit-font-smoothing: antialiased;
}
main {
  width: 100%; max-width: 29rem; overflow: hidden; background: var(--card);
  border: 1px solid var(--edge); border-radius: 1rem; box-shadow: var(--shade);
}
.note { padding: 0.625rem 2rem; font-size: 0.875rem; background: var(--note-tint);
  color: var(--note); border-bottom: 1px solid var(--note-edge); }
section { padding: 2rem; }
h1 { font-size: 1.5rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.015em;
  text-wrap: balance; }
p { overflow-wrap: anywhere; text-wrap: pretty; }
h1 + p { margin-top: 0.5rem; color: var(--soft); }
form { margin-top: 1.5rem; display: grid; gap: 0.625rem; }
button, input { font: inherit; color: inherit; border-radius: 0.625rem; }
button { padding: 0.6875rem 1rem; background: transparent; border: 1px solid var(--edge);
  cursor: pointer; font-weight: 600; }
button:hover { background: var(--tint); border-color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.primary:hover { background: var(--accent); filter: brightness(1.08); }
.person { text-align: left; font-weight: 400; padding: 0.75rem 1rem; }
.person span { display: block; overflow-wrap: anywhere; }
.person .title { font-weight: 600; }
.person .detail { color: var(--soft); font-size: 0.875rem; }
.pair { grid-template-columns: 1fr 1fr; }
label { font-weight: 600; }
input { width: 100%; padding: 0.75rem 1rem; background: var(--page); border: 1px solid var(--edge);
  font-size: 1.375rem; letter-spacing: 0.12em; text-align: center; text-transform: uppercase; }
.bad { color: var(--bad); font-weight: 600; }
dl { margin-top: 1.5rem; border-top: 1px solid var(--edge); }
dl div { display: grid; grid-template-columns: 6.5rem 1fr; gap: 0.25rem 1rem;
  padding: 0.75rem 0; border-bottom: 1px solid var(--edge); }
dt { color: var(--soft); }
dd { overflow-wrap: anywhere; }
ul { padding: 0; list-style: none; }
@media (max-width: 26rem) {
  body { padding: 0.75rem; }
  section { padding: 1.5rem; }
  .note { padding-inline: 1.5rem; }
  dl div, .pair { grid-template-columns: 1fr; }
}
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode("utf-8")).digest()).decode("ascii")


def content_security_policy(redirect_origin: str | None) -> str:
    """Return the policy of a page whose form may end in a redirect to `redirect_origin`.

    Browsers apply form-action to the redirects after a form too, so the client's must be named.
    """
    form_action = f"'self' {redirect_origin}" if redirect_origin else "'self'"
    return (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action {form_action}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
