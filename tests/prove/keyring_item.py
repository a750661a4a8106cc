"""A login in its item of a real keyring, as any program beside the language server sees it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import secretstorage

from stores.desktop_session import PROMPTER, DesktopSession, desktop_session

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "Codex Auth"

SEVERAL = b"several items"
BESIDE = b"a file beside the keyring"


@contextmanager
def session(
    *, display: str | None = None, keyring: bool = True, services: tuple[str, ...] = (PROMPTER,)
) -> Iterator[DesktopSession]:
    """Run a desktop session, in a folder whose path is short enough for sockets.

    Args:
        display: Where the keyring may ask.
        keyring: Start one that is unlocked.
        services: What the bus starts by itself.
    """
    with (
        tempfile.TemporaryDirectory(prefix="ks-") as folder,
        desktop_session(Path(folder), display=display, services=services) as running,
    ):
        if keyring:
            running.start_keyring()
        yield running


def variables(running: DesktopSession) -> dict[str, str]:
    """Return the variables by which a program finds the session."""
    names = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
    return {name: running.environment[name] for name in names}


@dataclass(frozen=True, slots=True)
class LoginItem:
    """The item of one folder, with the ways of `LoginFile`."""

    folder: Path
    session: DesktopSession

    @classmethod
    def make(cls, running: DesktopSession, mode: str = "keyring") -> LoginItem:
        """Make a new, empty folder whose logins are kept in the session's keyring."""
        folder = running.folder / f"codex-{mode}"
        folder.mkdir(mode=0o700)
        (folder / "config.toml").write_text(f'cli_auth_credentials_store = "{mode}"\n')
        return cls(folder, running)

    @property
    def attributes(self) -> dict[str, str]:
        """What the Codex CLI gives its item (observed on 0.169.0)."""
        digits = hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:16]
        return {
            "application": "rust-keyring",
            "service": SERVICE,
            "target": "default",
            "username": f"cli|{digits}",
        }

    @property
    def file(self) -> Path:
        """Where the login would be in the clear."""
        return self.folder / "auth.json"

    def write(self, login: dict[str, Any]) -> bytes:
        """Replace the login as the Codex CLI does; return its bytes."""
        content = json.dumps(login, separators=(",", ":")).encode()
        with self.session.connection() as connection:
            secretstorage.get_default_collection(connection).create_item(
                f"{self.attributes['username']}@{SERVICE}:default (keyring v3.6.3)",
                self.attributes,
                content,
                replace=True,
            )
        return content

    def remove(self) -> None:
        """Take the login away."""
        with self.session.connection() as connection:
            for item in secretstorage.search_items(connection, self._search):
                item.delete()

    def bytes(self) -> bytes | None:
        """Return the content, None where there is no item.

        Several items, and a file beside them, are content that no operation may leave.
        """
        if self.file.exists():
            return BESIDE
        found = self.session.items(**self._search)
        if len(found) > 1:
            return SEVERAL
        return found[0].secret.encode() if found else None

    def read(self) -> dict[str, Any]:
        """Return the login.

        Raises:
            ValueError: There is not exactly one, or it is no JSON object.
        """
        login = json.loads(self.bytes() or b"")
        if not isinstance(login, dict):
            raise ValueError("the item is no JSON object")
        return login

    def refresh_token(self) -> str:
        """Return the refresh token that is stored."""
        return str(self.read()["tokens"]["refresh_token"])

    def temporaries(self) -> list[Path]:
        """Return the temporary files that somebody left."""
        prefixes = (".auth-", ".refresh-", ".tmp")
        return sorted(path for path in self.folder.iterdir() if path.name.startswith(prefixes))

    @property
    def _search(self) -> dict[str, str]:
        return {name: self.attributes[name] for name in ("service", "username")}
