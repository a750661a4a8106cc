"""The one thing to do next about a status, for a person at a terminal: pure."""

from __future__ import annotations

from pathlib import PurePath
from shlex import quote
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.terminal.advice import command_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OTHER_STORE = 'set cli_auth_credentials_store to "file" or "auto" in config.toml'
ONLY_IN_AN_EDITOR = (
    "sign in in an editor, which keeps the login until it ends, or set "
    'cli_auth_credentials_store to "file" in config.toml'
)


_LOGINS = {"deviceCode": "login --device-auth", "apiKey": "login --with-api-key"}


def next_step(
    status: Mapping[str, Any], ways: Sequence[str], typed: str, mend: str | None = None
) -> str | None:
    """Return what helps, None where nothing has to be done; the best of the `ways` comes first.

    Args:
        status: The status.
        ways: Those of signing in that work here.
        typed: The options that the person gave.
        mend: What opens a folder or a file that is in the way.
    """
    if mend is not None:
        return mend
    login = command_line(_LOGINS.get(next(iter(ways), ""), "login"), typed)
    if status.get("lastError", {}).get("kind") == "configurationInvalid":
        return "mend config.toml as the last error says; until then no sign-in begins"
    if status.get("lastError", {}).get("kind") == "providerUnknown":
        return "name another `model_provider` in config.toml, or define that one there"
    if status["state"] == "signedOut":
        is_kept = status["store"]["mode"] != "ephemeral"
        return f"{login} signs in" if is_kept else ONLY_IN_AN_EDITOR
    if status["state"] == "notRequired" and not status["provider"].get("ready", True):
        return _ready_again(status["provider"])
    if status["state"] == "needsReauth":
        return f"{login} signs in again"
    return _readable_again(status["store"], login) if status["state"] == "unavailable" else None


def _ready_again(provider: Mapping[str, Any]) -> str:
    if provider.get("authKind") == "environmentKey":
        return "set the variable that the problem names, or choose another `model_provider`"
    return "mend in config.toml what the problem names, or choose another `model_provider`"


def _readable_again(store: Mapping[str, Any], login: str) -> str:
    if store["health"] == "corrupt":
        return f"{login} replaces it"
    if store["health"] == "locked":
        return f"unlock the keyring; without a desktop, {OTHER_STORE}"
    if store["backend"] != "file":
        return f"start the system's keyring; without a desktop, {OTHER_STORE}"
    if "does not exist" in store.get("detail", ""):
        return f"`mkdir -p {quote(str(PurePath(store['path']).parent))}`, or name another folder"
    return (
        f"see to it that {store['path']} is a file, in a folder, that you may read and write; then "
        "try again"
    )
