"""What a status and the end of an action are called in one sentence, for messages and terminals.

Pure; takes the contract's objects, whose texts are already fit to show.
"""

from __future__ import annotations

from typing import Any

_METHODS = {
    "apiKey": "with an API key, billed at API rates",
    "accessToken": "with a personal access token",
    "bedrockApiKey": "with an Amazon Bedrock API key",
    "bedrockAccessKeys": "with Amazon Bedrock access keys",
}

DEVICE_CODE_WARNING = (
    "Never share this code with anybody, and go on only if you started this sign-in yourself."
)


def status_sentence(status: dict[str, Any]) -> str:
    """Return who is signed in, or why nobody is, and whether that is of no use."""
    sentence = _state_sentence(status)
    return f"{sentence} {status['lastError']['message']}" if names_nothing(status) else sentence


def status_message(status: dict[str, Any]) -> str:
    """Return the sentence of a status, and what is asked of the account before Codex cloud."""
    cloud = status["cloud"]
    sentence = status_sentence(status)
    is_asked = cloud["available"] and cloud["mfa"]["requirement"] == "required"
    return f"{sentence} {cloud['mfa']['reason']}" if is_asked else sentence


def names_nothing(status: dict[str, Any]) -> bool:
    """Say whether `model_provider` names a provider that is nowhere, so that nothing works."""
    return bool(status.get("lastError", {}).get("kind") == "providerUnknown")


def _state_sentence(status: dict[str, Any]) -> str:
    state = status["state"]
    kind = status.get("lastError", {}).get("kind")
    if state == "signedOut":
        return _UNKNOWN if kind == "configurationInvalid" else "Nobody is signed in to Codex."
    if state == "unavailable":
        if kind == "configurationInvalid" and status["store"]["backend"] == "none":
            return _UNKNOWN
        detail = status["store"].get("detail")
        return f"The stored login cannot be read. {detail}" if detail else _UNREADABLE
    if state == "notRequired":
        return f"The model provider `{status['provider']['id']}` needs no sign-in to OpenAI."
    who = _who(status)
    source = status.get("source", {})
    if status.get("method") == "accessToken" and source.get("kind") == "environment":
        return (
            f"Signed in to Codex with the personal access token in {source['name']}, which was not "
            "checked."
        )
    return (
        f"The sign-in of {who} has ended; sign in again."
        if state == "needsReauth"
        else (f"Signed in to Codex {_METHODS.get(status.get('method', ''), f'as {who}')}.")
    )


def login_sentence(status: dict[str, Any]) -> str:
    """Return who has signed in, or why the new login is not the one in use."""
    for entry in status["shadowed"]:
        if entry["source"]["kind"] != "environment":
            return f"The login is stored, but not in use. {entry['reason']}"
    return status_sentence(status)


def logout_sentence(result: dict[str, Any], *, unread: bool) -> str:
    """Return what a logout did, and what it could not do.

    Args:
        result: That of `auth/logout`.
        unread: Whether nobody could read what was removed.
    """
    places = {place["store"] for place in result["remaining"]}
    if not result["removed"] and "file" not in places:
        is_unknown = result["status"]["state"] == "unavailable"
        return _NOTHING_FOUND if is_unknown else "Nobody was signed in to Codex."
    sentence = "Signed out of Codex." if result["removed"] else "The login could not be removed."
    if "file" in places:
        sentence += " It is still in the file, which cannot be removed here."
    if "keyring" in places:
        sentence += " A login may still be in the system's keyring, which could not be used."
    if result["revoked"] == "failed":
        sentence += (
            " The issuer could not be told, so the old login may stay valid there until it expires."
        )
    if unread and result["revoked"] == "notApplicable":
        sentence += (
            " What was stored could not be read, so it could not be revoked: an old login may stay "
            "valid at the issuer until it expires."
        )
    source = result["status"].get("source", {})
    if result["status"]["state"] == "signedIn" and source.get("kind") != "file":
        sentence += f" {source.get('name', 'The environment')} still signs this program in."
    return sentence


def cancel_sentence(outcome: str) -> str:
    """Return what became of a wish to cancel."""
    return {
        "cancelled": "The sign-in was cancelled.",
        "alreadyFinished": "The sign-in had already finished.",
    }.get(outcome, "No sign-in is running.")


_UNKNOWN = "Who is signed in to Codex cannot be known until config.toml is mended."
_NOTHING_FOUND = (
    "No login was found; one that is kept elsewhere cannot be found until config.toml is mended."
)
_UNREADABLE = "The stored login cannot be read."


def _who(status: dict[str, Any]) -> str:
    account = status.get("account", {})
    plan = account.get("planType")
    return f"{account.get('label', 'somebody')}" + (f" (ChatGPT {plan} plan)" if plan else "")
