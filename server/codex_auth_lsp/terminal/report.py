"""A status, or an examination, for a person at a terminal: pure, from objects to lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.terminal.advice import advice_lines
from codex_auth_lsp.wording import status_sentence

if TYPE_CHECKING:
    from codex_auth_lsp.doctor import Check

_BILLING = {
    "subscription": "part of the ChatGPT plan",
    "usage": "by use, at API rates",
    "provider": "by the model provider",
}
_NEXT_STEPS = {"signedOut": "signs in", "needsReauth": "signs in again"}
_COMMAND_LINES = {
    "deviceCode": "codex-auth-lsp login --device-auth",
    "apiKey": "codex-auth-lsp login --with-api-key",
}
_CLOUD_REASONS = {
    "chatgptRequired": "needs a sign-in with ChatGPT",
    "signedOut": "needs a sign-in with ChatGPT",
    "needsReauth": "needs a new sign-in",
}


def describe(status: dict[str, Any], method_ids: list[str]) -> str:
    """Return the lines, the most important first; `method_ids` are what policy allows."""
    headline = status_sentence(status)
    problems = [text for text in status["provider"]["problems"] if text not in headline]
    error = status.get("lastError", {}).get("message")
    told = [headline, *(entry["reason"] for entry in status["shadowed"])]
    rows = [
        ("Account", status.get("account", {}).get("label")),
        ("Plan", status.get("account", {}).get("planType")),
        ("Billing", _BILLING.get(status["billing"])),
        ("Codex cloud", _cloud(status["cloud"]) if status["state"] != "unavailable" else None),
        ("Stored in", status.get("source", {}).get("name")),
        ("Store", status["store"].get("detail") if status["state"] != "unavailable" else None),
        ("Valid until", status.get("expiresAt")),
        ("Provider", status["provider"]["id"]),
        *(("Problem", problem) for problem in problems),
        *(("Not in use", _shadowed(entry)) for entry in status["shadowed"]),
        ("Last error", error if error and not any(error in text for text in told) else None),
        ("Next", _next_step(status["state"], method_ids)),
    ]
    lines = [headline]
    lines += [f"  {name:<13}{value}" for name, value in rows if value]
    return "\n".join(lines) + "\n"


def _next_step(state: str, method_ids: list[str]) -> str | None:
    effect = _NEXT_STEPS.get(state)
    if effect is None or not method_ids:
        return None
    return f"`{_COMMAND_LINES.get(method_ids[0], 'codex-auth-lsp login')}` {effect}"


def _cloud(cloud: dict[str, Any]) -> str:
    if not cloud["available"]:
        return _CLOUD_REASONS.get(cloud.get("reason", ""), "not available")
    return f"available. {cloud['mfa']['reason']}"


def _shadowed(entry: dict[str, Any]) -> str:
    source = entry["source"]
    return f"{source.get('name', source['kind'])}: {entry['reason']}"


def describe_checks(checks: list[Check]) -> str:
    """Return a line for each check, with what it adds and advises below it."""
    lines = []
    for check in checks:
        lines.append(f"{check.health:<8} {check.id}: {check.summary}")
        more = (check.detail or "").splitlines()
        more += [f"-> {line}" for line in advice_lines(check.remediation)]
        lines += [f"{'':<9}{line}" for line in more]
    return "\n".join(lines) + "\n"
