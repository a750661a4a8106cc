"""A status, or an examination, for a person at a terminal: pure, from objects to lines of text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.status import shadowed_line
from codex_auth_lsp.terminal.advice import advice_lines
from codex_auth_lsp.terminal.next_step import next_step
from codex_auth_lsp.terminal.ways import suit
from codex_auth_lsp.wording import status_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_auth_lsp.doctor import Check
    from codex_auth_lsp.domain.notice import Notice

_BILLING = {
    "subscription": "part of the ChatGPT plan",
    "usage": "by use, at API rates",
    "provider": "by the model provider",
}
_PLACES = {"keyring": "the system's keyring", "memory": "the memory of this program"}
_CLOUD_REASONS = {
    "chatgptRequired": "needs a sign-in with ChatGPT",
    "signedOut": "needs a sign-in with ChatGPT",
    "needsReauth": "needs a new sign-in",
}


def describe(
    status: dict[str, Any],
    ways: list[str],
    *,
    now: datetime,
    notices: Iterable[Notice] = (),
    typed: str = "",
    mend: str | None = None,
) -> str:
    """Return the lines, the most important first.

    Args:
        status: The status.
        ways: Those of signing in that work here, the best first.
        now: The time.
        notices: What stands beside the status.
        typed: The options that the person gave.
        mend: What opens a folder or a file that is in the way.
    """
    headline = status_sentence(status)
    problems = [text for text in status["provider"]["problems"] if text not in headline]
    error = status.get("lastError", {}).get("message")
    is_readable = status["state"] != "unavailable"
    detail = status["store"].get("detail")
    told = [notice for notice in notices if notice.message != detail]
    said = [headline, *(entry["reason"] for entry in status["shadowed"])]
    rows = [
        ("Account", status.get("account", {}).get("label")),
        ("Plan", status.get("account", {}).get("planType")),
        ("Billing", _BILLING.get(status["billing"])),
        ("Codex cloud", _cloud(status) if is_readable else None),
        _place(status.get("source", {})),
        ("Store", detail if is_readable else None),
        _validity(status, now),
        ("Provider", status["provider"]["id"]),
        *(("Problem", problem) for problem in problems),
        *(("Also there", shadowed_line(entry)) for entry in status["shadowed"]),
        *(
            ("Note", " ".join([n.message, *advice_lines(suit(n.actions, ways), typed)]))
            for n in told
        ),
        ("Last error", error if error and not any(error in text for text in said) else None),
        ("Next", next_step(status, ways, typed, mend)),
    ]
    lines = [headline]
    lines += [f"  {name:<13}{value}" for name, value in rows if value]
    return "\n".join(lines) + "\n"


def _place(source: dict[str, Any]) -> tuple[str, str | None]:
    if source.get("kind") == "environment":
        return "Taken from", f"the environment variable {source['name']}"
    return "Stored in", source.get("name") or _PLACES.get(source.get("kind", ""))


def _validity(status: dict[str, Any], now: datetime) -> tuple[str, str | None]:
    """Return until when the login is good; of a dead one there is nothing to say."""
    end = status.get("expiresAt")
    if end is None or status["state"] == "needsReauth":
        return "Valid until", None
    if datetime.fromisoformat(end) > now:
        return "Valid until", end
    will_be_renewed = status.get("lastError", {}).get("retryable", True)
    return "Ended", f"{end}, and will be renewed when it is used" if will_be_renewed else end


def _cloud(status: dict[str, Any]) -> str:
    cloud = status["cloud"]
    if not cloud["available"]:
        return _CLOUD_REASONS.get(cloud.get("reason", ""), "not available")
    if status.get("method") == "chatgpt":
        return f"available. {cloud['mfa']['reason']}"
    is_asked = cloud["mfa"]["requirement"] == "required"
    condition = ", once MFA is set up on its account" if is_asked else ""
    return f"available to the stored ChatGPT login, which is not in use here{condition}."


def describe_checks(checks: list[Check], ways: list[str], typed: str = "") -> str:
    """Return a line for each check, with what it adds and advises below it; see `describe`."""
    lines = []
    for check in checks:
        lines.append(f"{check.health:<8} {check.id}: {check.summary}")
        more = (check.detail or "").splitlines()
        more += [f"-> {line}" for line in advice_lines(suit(check.remediation, ways), typed)]
        lines += [f"{'':<9}{line}" for line in more]
    return "\n".join(lines) + "\n"
