"""What the scripted server says: statuses, methods and prompts of people who do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from datetime import datetime

INSTANCE = "check-client"
ACCOUNT = "plus@example.com"
SECOND_ACCOUNT = "pro@example.com"
USER_CODE = "CHECK-2468"

_FAR = "2099-01-01T00:00:00Z"


def capabilities(*, with_commands: bool) -> dict[str, Any]:
    """Return the result of `initialize`."""
    offered: dict[str, Any] = {
        "experimental": {
            "auth": {
                "protocolVersion": methods.PROTOCOL_VERSION,
                "serverInstanceId": INSTANCE,
                "loginMethods": ["browser", "deviceCode", "apiKey"],
                "requests": list(methods.REQUESTS),
                "notifications": list(methods.NOTIFICATIONS),
            }
        }
    }
    if with_commands:
        offered["executeCommandProvider"] = {"commands": list(methods.COMMANDS)}
    return {"capabilities": offered, "serverInfo": {"name": "codex-auth-lsp check-client"}}


def signed_out(revision: int) -> dict[str, Any]:
    """Return the status of nobody."""
    return {
        **_status(revision, "signedOut"),
        "billing": "none",
        "cloud": _cloud("signedOut"),
        "freshness": "unknown",
    }


def signed_in(revision: int, email: str = ACCOUNT) -> dict[str, Any]:
    """Return the status of somebody with a ChatGPT plan."""
    return {
        **_status(revision, "signedIn"),
        "method": "chatgpt",
        "account": {"id": f"account-{email}", "email": email, "planType": "plus", "label": email},
        "billing": "subscription",
        "cloud": _cloud(None),
        "source": {"kind": "file", "name": "/home/person/.codex/auth.json"},
        "expiresAt": _FAR,
        "freshness": "fresh",
    }


def needs_reauth(revision: int) -> dict[str, Any]:
    """Return the status of somebody whose login has ended for good."""
    error = {
        "kind": "refreshTokenRevoked",
        "message": "The login has been revoked.",
        "retryable": False,
        "remediation": [{"title": "Sign in again", "command": "codexAuth.signIn"}],
    }
    return {
        **signed_in(revision),
        "state": "needsReauth",
        "cloud": _cloud("needsReauth"),
        "freshness": "stale",
        "lastError": error,
    }


def waiting(
    status: dict[str, Any], attempt_id: str, method: str, started_at: datetime
) -> dict[str, Any]:
    """Return the status after this one, with a sign-in that runs."""
    started = started_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    pending = {"attemptId": attempt_id, "method": method, "startedAt": started, "expiresAt": _FAR}
    return {**status, "revision": status["revision"] + 1, "pendingLogin": pending}


def login_methods() -> dict[str, Any]:
    """Return the result of `auth/methods`."""
    titles = {
        "browser": "Sign in with ChatGPT",
        "deviceCode": "Sign in with a device code",
        "apiKey": "Sign in with an API key",
    }
    return {
        "methods": [
            {
                "id": id_,
                "title": title,
                "description": "It is played, nobody is signed in.",
                "available": True,
                "recommended": id_ == "browser",
            }
            for id_, title in titles.items()
        ]
    }


def providers() -> dict[str, Any]:
    """Return the result of `auth/providers`."""
    only = {
        "id": "openai",
        "name": "OpenAI",
        "active": True,
        "authKind": "openai",
        "requiresOpenaiAuth": True,
        "ready": True,
        "problems": [],
    }
    return {
        "activeProviderId": "openai",
        "providers": [only],
        "revision": 1,
        "serverInstanceId": INSTANCE,
    }


def doctor() -> dict[str, Any]:
    """Return the result of `auth/doctor`."""
    return {"checks": [{"id": "versions", "status": "ok", "summary": "This is check-client."}]}


def failure(code: int, kind: str, message: str, **data: Any) -> dict[str, Any]:
    """Return the error of a response."""
    return {
        "code": code,
        "message": message,
        "data": {"kind": kind, "retryable": False, "remediation": [], **data},
    }


def _status(revision: int, state: str) -> dict[str, Any]:
    return {
        "revision": revision,
        "serverInstanceId": INSTANCE,
        "state": state,
        "store": {
            "mode": "file",
            "backend": "file",
            "path": "/home/person/.codex/auth.json",
            "encrypted": False,
            "health": "ok",
        },
        "shadowed": [],
        "provider": {
            "id": "openai",
            "authKind": "openai",
            "requiresOpenaiAuth": True,
            "ready": state == "signedIn",
            "problems": [],
        },
    }


def _cloud(reason: str | None) -> dict[str, Any]:
    mfa = {"requirement": "unknown", "reason": "Nothing is known of this account.", "links": []}
    return {"available": reason is None, "mfa": mfa} | (
        {} if reason is None else {"reason": reason}
    )
