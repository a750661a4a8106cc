"""The macOS keychain and the Windows Credential Manager as vaults, through the keyring package.

The package's classes for the two are built by name from the list below. Its own search for a
backend is never asked, so neither `PYTHON_KEYRING_BACKEND` nor `keyringrc.cfg` nor an installed
plug-in can put a plaintext file in their place. Not run on the real systems: the names under which
the Codex CLI's library keeps an entry there were read in its source (rust-keyring 3.6.3).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from codex_auth_lsp.stores.abandon import ensure_wanted
from codex_auth_lsp.stores.account_name import account_name
from codex_auth_lsp.stores.vault import (
    SERVICE,
    Kept,
    VaultAbsent,
    VaultError,
    VaultLocked,
    VaultRefused,
    kept,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from codex_auth_lsp.secret import Secret

WINDOWS_LIMIT_BYTES = 2560
"""`CRED_MAX_CREDENTIAL_BLOB_SIZE` of wincred.h; the value is stored as UTF-16."""

_NOT_FOUND = -25300  # errSecItemNotFound of SecBase.h
_NO_INTERACTION = -25308  # errSecInteractionNotAllowed
_NO_LOGON_SESSION = 1312  # ERROR_NO_SUCH_LOGON_SESSION of winerror.h

T = TypeVar("T")


class Backend(Protocol):
    """What is used of a class of the keyring package."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the password, None where there is none."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store the password."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Delete the password; raise PasswordDeleteError where there is none."""
        ...


@dataclass(frozen=True)
class SystemKeyring:
    """One of the two: what a person calls it, its class, and its ways."""

    name: str
    backend: str
    limit_bytes: int | None = None


KEYRINGS = {
    "darwin": SystemKeyring("the keychain", "keyring.backends.macOS.Keyring"),
    "win32": SystemKeyring(
        "the Windows Credential Manager",
        "keyring.backends.Windows.WinVaultKeyring",
        WINDOWS_LIMIT_BYTES,
    ),
}
"""By `sys.platform`: all that may hold a login."""


def open_backend(path: str) -> Backend:
    """Return a backend of the keyring package by the path of its class.

    Raises:
        VaultRefused: It is not on the list.
        VaultAbsent: It does not work on this system.
    """
    import importlib

    if path not in {keyring.backend for keyring in KEYRINGS.values()}:
        raise VaultRefused(f"{path} is no place for a login; only the system's own keyring is.")
    module, _, name = path.rpartition(".")
    backend_class = getattr(importlib.import_module(module), name)
    if not backend_class.viable:
        raise VaultAbsent("The system's keyring cannot be used here.")
    backend: Backend = backend_class()
    vars(backend).clear()  # what KEYRING_PROPERTY_... of the environment has put there
    return backend


class SystemKeyringVault:
    """The login of one CODEX_HOME in the keychain or the Credential Manager.

    Args:
        home: The CODEX_HOME.
        platform: A key of `KEYRINGS`.
        open_backend: Makes the backend, on the thread of the first call.
        without_dialogs: Keeps the system from asking the person while the body runs.
    """

    def __init__(
        self,
        home: Path,
        platform: str,
        *,
        open_backend: Callable[[str], Backend] = open_backend,
        without_dialogs: Callable[[], AbstractContextManager[None]] | None = None,
    ) -> None:
        self._home = home
        self._platform = platform
        self._keyring = KEYRINGS[platform]
        self._open_backend = open_backend
        self._without_dialogs = without_dialogs or (
            keychain_without_dialogs if platform == "darwin" else _no_dialogs_anyway
        )
        self._one_at_a_time = threading.Lock()  # whether dialogs are allowed holds for the process
        self._asking = False

    def fits(self, value: Secret) -> bool:
        """Say whether the Credential Manager's limit is kept; the keychain has none."""
        limit = self._keyring.limit_bytes
        return limit is None or len(value.reveal().encode("utf-16-le", "surrogatepass")) <= limit

    def is_open(self, *, for_writing: bool = True) -> bool:  # noqa: ARG002 - nothing to make
        """Say whether the entry can be read without a dialog."""
        try:
            self.get()
        except VaultLocked:
            return False
        return True

    def unlock(self, *, for_writing: bool = True) -> None:  # noqa: ARG002 - nothing to make
        """Read the entry with dialogs allowed, which unlocks a keychain."""
        with self._one_at_a_time:
            self._asking = True
            try:
                self._call(lambda backend: backend.get_password(*self._entry()))
            finally:
                self._asking = False

    def get(self) -> Kept | None:
        """Return the value, without a dialog."""
        value = self._quietly(lambda backend: backend.get_password(*self._entry()))
        return None if value is None else kept(value)

    def is_there(self) -> bool:
        """Say whether there is an entry; of a locked keychain nobody knows."""
        try:
            return self.get() is not None
        except VaultLocked:
            return False

    def set(self, value: Secret) -> None:
        """Store the value, without a dialog."""
        service, account = self._entry()
        self._quietly(lambda backend: backend.set_password(service, account, value.reveal()))
        if self._platform == "win32":
            # Before it writes, the class copies the old value to a second entry, a safety net
            # until here that must not stay.
            self._quietly(lambda backend: _delete(backend, f"{account}@{service}", account))

    def delete(self, *, may_prompt: bool = False) -> bool:  # noqa: ARG002 - deletes unasked
        """Delete the entry, and on Windows a copy of it."""
        return self._quietly(lambda backend: _delete(backend, *self._entry()))

    def _entry(self) -> tuple[str, str]:
        """Return service and username; on Windows the service is the entry's whole target name."""
        account = account_name(self._home, self._platform)
        return (f"{account}.{SERVICE}" if self._platform == "win32" else SERVICE), account

    def _quietly(self, work: Callable[[Backend], T]) -> T:
        if self._asking:
            raise VaultLocked(f"{_sentence(self._keyring.name)} waits for an answer to a question.")
        with self._one_at_a_time, self._without_dialogs():
            return self._call(work)

    def _call(self, work: Callable[[Backend], T]) -> T:
        from keyring.errors import KeyringError

        backend = self._open_backend(self._keyring.backend)
        ensure_wanted()
        try:
            return work(backend)
        except (KeyringError, UnicodeError) as exc:
            raise self._translated(exc) from exc
        except Exception as exc:
            if not hasattr(exc, "winerror"):  # by which pywin32's error is told, on Windows alone
                raise
            raise self._translated(exc) from exc

    def _translated(self, exc: Exception) -> VaultError:
        from keyring import errors

        status = _keychain_status(exc)
        if isinstance(exc, errors.KeyringLocked) or status == _NO_INTERACTION:
            return VaultLocked(
                f"{_sentence(self._keyring.name)} is locked, or asks whether this program may read "
                "the login; answer with Always Allow when you sign in."
            )
        number = getattr(exc, "winerror", None)
        if isinstance(exc, errors.InitError | errors.NoKeyringError) or number == _NO_LOGON_SESSION:
            return VaultAbsent(f"{_sentence(self._keyring.name)} cannot be used in this session.")
        reason = f"error {status or number}" if status or number else type(exc).__name__
        return VaultRefused(f"{_sentence(self._keyring.name)} refused: {reason}.")


def _delete(backend: Backend, service: str, account: str) -> bool:
    from keyring.errors import PasswordDeleteError

    try:
        backend.delete_password(service, account)
    except PasswordDeleteError as exc:
        if exc.__cause__ is None or _keychain_status(exc) == _NOT_FOUND:
            return False
        raise
    return True


def _keychain_status(exc: Exception) -> int | None:
    """Return the OSStatus behind an error of the package's macOS class."""
    arguments = getattr(exc.__cause__, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _sentence(name: str) -> str:
    return name[0].upper() + name[1:]


@contextmanager
def _no_dialogs_anyway() -> Iterator[None]:
    yield


@contextmanager
def keychain_without_dialogs() -> Iterator[None]:
    """Let the keychain answer "not allowed" instead of asking (SecKeychain.h)."""
    import ctypes
    import ctypes.util

    security = ctypes.CDLL(ctypes.util.find_library("Security"))
    security.SecKeychainSetUserInteractionAllowed(0)
    try:
        yield
    finally:
        security.SecKeychainSetUserInteractionAllowed(1)
