"""What the scripted server says: statuses, methods and prompts of people who do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.errors import RefreshTokenRevoked
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.errors import AuthError

INSTANCE = "check-client"
ACCOUNT = "plus@example.com"
SECOND_ACCOUNT = "pro@example.com"
USER_CODE = "CHECK-2468"
PROVIDER = "openai"

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
    return {
        **signed_in(revision),
        "state": "needsReauth",
        "cloud": _cloud("needsReauth"),
        "freshness": "stale",
        "lastError": auth_error(RefreshTokenRevoked()),
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
        "id": PROVIDER,
        "name": "OpenAI",
        "active": True,
        "authKind": "openai",
        "requiresOpenaiAuth": True,
        "ready": True,
        "problems": [],
    }
    return {
        "activeProviderId": PROVIDER,
        "providers": [only],
        "revision": 1,
        "serverInstanceId": INSTANCE,
    }


def doctor() -> dict[str, Any]:
    """Return the result of `auth/doctor`."""
    return {"checks": [{"id": "versions", "status": "ok", "summary": "This is check-client."}]}


def credential(page: str) -> dict[str, Any]:
    """Return the result of `auth/credential`, of which a server on this machine is the provider."""
    return {
        "providerId": PROVIDER,
        "baseUrl": page,
        "headers": {"Authorization": "Bearer played-by-check-client"},
        "expiresAt": _FAR,
        "revision": 1,
    }


def auth_error(error: AuthError) -> dict[str, Any]:
    """Return an error as statuses and notifications carry it."""
    return {**error.to_data(), "message": error.message}


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
            "id": PROVIDER,
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
