"""The guard that searches every output of an end-to-end test for the secrets it was made with.

Secrets come from four sides: what the issuer minted, what a test wrote into the login cache, what a
client sent as `apiKey`, and what appears in a prompt's URL (`state`). Each may stand on the wire
only where `protocol.md` says that a field carries secrets; in stderr, in log files, in other
people's view of the process (its command line) and in side files it may never stand.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, quote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from support.lsp_client import LanguageClient, Message

STATE = "state"
USER_CODE = "user code"
ACCESS_TOKEN = "access token"
API_KEY = "API key"
OTHER = "secret"

SHORTEST = 6
"""Shorter values are not searched for: they would be found by chance."""

_PROMPTS = {
    "auth/loginPrompt": ("url", "completeUrl", "userCode"),
    "window/showDocument": ("uri",),
    "window/showMessage": ("message",),
    "window/showMessageRequest": ("message",),
}
"""Where a person is shown the way to sign in: `state` and the user code belong there."""

_PERSONAL = frozenset({"auth.json", "config.toml", ".env"})
"""The files in which a person keeps secrets; the server writes the first alone."""

_FILE_SECRETS = {
    "access_token": ACCESS_TOKEN,
    "OPENAI_API_KEY": API_KEY,
    "personal_access_token": ACCESS_TOKEN,
    "refresh_token": OTHER,
    "id_token": OTHER,
    "login_owner_id": OTHER,
    "api_key": API_KEY,
    "secret_access_key": OTHER,
    "session_token": OTHER,
    "agent_identity": OTHER,
}
"""The fields of `auth.json` that are secret, at any depth."""


@dataclass
class SecretsGuard:
    """Collects secrets while a test runs and searches its outputs when it is over."""

    secrets: dict[str, str] = field(default_factory=dict)
    """Each secret with its kind."""
    outputs: list[tuple[str, bytes]] = field(default_factory=list)
    """Outputs of other processes, such as the command line tool's, by name."""

    def add(self, value: Any, kind: str = OTHER) -> None:
        """Watch for this value. A kind that was given before stays."""
        if isinstance(value, str) and len(value.strip()) >= SHORTEST:
            self.secrets.setdefault(value.strip(), kind)

    def add_login(self, login: Any) -> None:
        """Watch for every secret in the content of an `auth.json`."""
        for path, value in walk(login):
            if path and path[-1] in _FILE_SECRETS:
                self.add(value, _FILE_SECRETS[str(path[-1])])

    def add_login_file(self, path: Path) -> None:
        """Watch for every secret in this `auth.json`, if there is one that can be read."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            self.add_login(json.loads(path.read_bytes()))

    def add_output(self, name: str, output: bytes) -> None:
        """Search this output too when the test is over."""
        self.outputs.append((name, output))

    def learn(self, client: LanguageClient) -> None:
        """Take in what this client sent and was shown."""
        for body in client.sent:
            params = body.get("params") if isinstance(body, dict) else None
            if isinstance(params, dict) and body.get("method") == "auth/login":
                self.add(params.get("apiKey"), API_KEY)
            if isinstance(params, dict) and body.get("method") == "auth/submitCallback":
                self.add_callback(params.get("url"))
        for message in client.messages:
            for name in _PROMPTS.get(message.method or "", ()):
                for word in str((message.params or {}).get(name, "")).split():
                    self.add_authorize_url(word)
            if message.method == "auth/loginPrompt":
                self.add(message.params.get("userCode"), USER_CODE)

    def add_authorize_url(self, url: str) -> None:
        """Watch for the `state` in an authorize URL."""
        for value in _query(url).get("state", []):
            self.add(value, STATE)

    def add_callback(self, url: Any) -> None:
        """Watch for `code` and `state` of a redirect URL."""
        for value in _query(url).get("code", []):
            self.add(value, OTHER)
        self.add_authorize_url(url)

    def findings(self, clients: Iterable[LanguageClient], folders: Iterable[Path]) -> list[str]:
        """Return one line for each place where a secret stands that may not, without the secret."""
        found = []
        for client in clients:
            for message in client.messages:
                found += self._in_message(client, message)
            found += self._in_bytes(f"stderr of {client.name}", bytes(client.stderr))
            found += self._in_bytes(
                f"the command line of {client.name}", "\0".join(client.command).encode()
            )
        for name, output in self.outputs:
            found += self._in_bytes(name, output)
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink() and path.name not in _PERSONAL:
                    found += self._in_bytes(f"the file {path.name}", path.read_bytes())
        return found

    def _in_message(self, client: LanguageClient, message: Message) -> Iterator[str]:
        for path, text in walk(message.body):
            if not isinstance(text, str):
                continue
            for secret, kind in self.secrets.items():
                if any(form in text for form in forms(secret)) and not _allowed(
                    message, path, kind
                ):
                    where = ".".join(map(str, path))
                    what = message.method or f"the answer to {message.answers}"
                    yield f"{kind} in {where} of {what} ({client.name} message {message.index})"

    def _in_bytes(self, where: str, data: bytes) -> Iterator[str]:
        for secret, kind in self.secrets.items():
            if any(form.encode() in data for form in forms(secret)):
                yield f"{kind} in {where}"


def forms(secret: str) -> set[str]:
    """Return the secret as it stands plain, in a URL and in JSON."""
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}


def walk(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield every key and every leaf of a JSON value with the path to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, "<key>"), key
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))
    else:
        yield path, value


def _allowed(message: Message, path: tuple[str | int, ...], kind: str) -> bool:
    if kind in (STATE, USER_CODE):
        allowed = _PROMPTS.get(message.method or "", ())
        return len(path) == 2 and path[0] == "params" and path[1] in allowed
    if kind in (ACCESS_TOKEN, API_KEY):
        return message.answers == "auth/credential" and path[0] == "result"
    return False


def _query(url: Any) -> dict[str, list[str]]:
    try:
        return parse_qs(urlsplit(str(url)).query)
    except ValueError:
        return {}


def process_arguments(pid: int) -> bytes:
    """Return the command line that others on this machine see, where the system shows it."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
