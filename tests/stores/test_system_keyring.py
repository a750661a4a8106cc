"""The keychain and the Credential Manager: the keyring package's own classes on systems of ours.

Neither macOS nor Windows is here; what stands below the package's classes behaves as their
documentation and the package's source say.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from keyring.backends import Windows, macOS
from keyring.errors import (
    InitError,
    KeyringError,
    KeyringLocked,
)

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.errors import StoreWriteFailed
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.account_name import account_name
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.base import MAXIMUM_BYTES
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.keyring_store import KeyringStore
from codex_auth_lsp.stores.system_keyring import (
    KEYRINGS,
    WINDOWS_LIMIT_BYTES,
    SystemKeyringVault,
    open_backend,
)
from codex_auth_lsp.stores.vault import SERVICE, Kept, VaultAbsent, VaultLocked, VaultRefused
from stores.store_contract import KEY, LOGIN, StoreContract, store_login

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10.0
"""Seconds that nothing here may take."""


class Win32Error(Exception):
    """`pywintypes.error`, which is no error of the keyring package."""

    def __init__(self, winerror: int, funcname: str) -> None:
        super().__init__(winerror, funcname, "what Windows says")
        self.winerror = winerror
        self.funcname = funcname


class CredentialManager:
    """`win32cred` on top of a store like the Credential Manager: by target name, with a limit."""

    CRED_TYPE_GENERIC = 1
    CRED_PERSIST_ENTERPRISE = 3

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.trouble: Exception | None = None

    def CredRead(self, Type: int, TargetName: str) -> dict[str, Any]:  # noqa: N802, N803
        self._raise_trouble()
        if TargetName not in self.entries:
            raise Win32Error(1168, "CredRead")
        return self.entries[TargetName]

    def CredWrite(self, credential: dict[str, Any], flags: int) -> None:  # noqa: N802
        self._raise_trouble()
        blob = credential["CredentialBlob"].encode("utf-16-le")
        if len(blob) > WINDOWS_LIMIT_BYTES:
            raise Win32Error(1783, "CredWrite")
        self.entries[credential["TargetName"]] = {**credential, "CredentialBlob": blob}

    def CredDelete(self, Type: int, TargetName: str) -> None:  # noqa: N802, N803
        self._raise_trouble()
        if self.entries.pop(TargetName, None) is None:
            raise Win32Error(1168, "CredDelete")

    @property
    def values(self) -> dict[str, str]:
        """Return each target name's value as text."""
        return {
            name: entry["CredentialBlob"].decode("utf-16") for name, entry in self.entries.items()
        }

    def _raise_trouble(self) -> None:
        if self.trouble is not None:
            raise self.trouble


class SecurityError(Exception):
    """What the package's macOS calls raise: an OSStatus and a text."""


class NotFound(SecurityError):
    """errSecItemNotFound."""


class KeychainDenied(SecurityError):
    """The person said no."""


class Keychain:
    """The package's calls into macOS on top of a dictionary; it may ask before it is read."""

    Error, NotFound, KeychainDenied = SecurityError, NotFound, KeychainDenied

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.asks = False
        self.dialogs_allowed = True
        self.answered = threading.Event()
        self.asked = threading.Event()
        self.add_fails = False

    @contextmanager
    def without_dialogs(self) -> Iterator[None]:
        self.dialogs_allowed = False
        try:
            yield
        finally:
            self.dialogs_allowed = True

    def find_generic_password(self, _name: str | None, service: str, username: str) -> str:
        if self.asks and not self.dialogs_allowed:
            raise SecurityError(-25308, "x")
        if self.asks:
            self.asked.set()
            self.answered.wait()
        if (service, username) not in self.entries:
            raise NotFound(-25300, "Item not found")
        return self.entries[service, username]

    def set_generic_password(
        self, _name: str | None, service: str, username: str, password: str
    ) -> None:
        self.entries.pop((service, username), None)
        if self.add_fails:
            self.add_fails = False
            raise SecurityError(-25299, "x")
        self.entries[service, username] = password

    def delete_generic_password(self, _name: str | None, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise NotFound(-25300, "Item not found")


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "codex"
    folder.mkdir()
    return CodexHome(folder, "option")


@pytest.fixture
def manager(monkeypatch):
    """Let the package's class for Windows stand on a Credential Manager of ours."""
    manager = CredentialManager()
    monkeypatch.setattr(Windows, "missing_deps", None)
    monkeypatch.setattr(Windows, "win32cred", manager, raising=False)
    monkeypatch.setattr(Windows, "pywintypes", SimpleNamespace(error=Win32Error), raising=False)
    return manager


@pytest.fixture
def keychain(monkeypatch):
    """Let the package's class for macOS stand on a keychain of ours."""
    keychain = Keychain()
    monkeypatch.setattr(macOS, "api", keychain, raising=False)
    monkeypatch.setattr(macOS.platform, "system", lambda: "Darwin")
    return keychain


@pytest.fixture
def windows(home, manager):
    return SystemKeyringVault(home.path, "win32")


@pytest.fixture
def macos(home, keychain):
    return SystemKeyringVault(home.path, "darwin", without_dialogs=keychain.without_dialogs)


class _SystemKeyringContract(StoreContract):
    """The store mode on top of the system's keyring keeps the promises of every store."""

    @pytest.fixture
    def store(self, home, vault):
        store = KeyringStore(home, KeyringEntry(home, vault))
        asyncio.run(store.sync())
        return store


class TestKeychain(_SystemKeyringContract):
    """On macOS."""

    @pytest.fixture
    def vault(self, macos):
        return macos


class TestCredentialManager(_SystemKeyringContract):
    """On Windows."""

    @pytest.fixture
    def vault(self, windows):
        return windows


def test_entry_of_the_keychain_is_that_of_the_codex_cli(macos, keychain, home):
    """Service and account are all that identifies it."""
    macos.set(Secret("value"))

    assert keychain.entries == {(SERVICE, account_name(home.path, "darwin")): "value"}


def test_entry_of_the_credential_manager_is_that_of_the_codex_cli(windows, manager, home):
    """Its library joins user and service to the target name; the value is UTF-16."""
    windows.set(Secret("välue"))
    account = account_name(home.path, "win32")

    assert list(manager.entries) == [f"{account}.{SERVICE}"]
    entry = manager.entries[f"{account}.{SERVICE}"]
    assert (entry["UserName"], entry["CredentialBlob"]) == (account, "välue".encode("utf-16-le"))


def test_value_is_replaced_without_a_copy_of_the_old_one(windows, manager):
    """The package's class makes one, so that it is safe until the new value stands."""
    windows.set(Secret("old"))
    windows.set(Secret("new"))

    assert list(manager.values.values()) == ["new"]
    assert windows.get() == Kept(Secret("new"))


def test_copy_of_an_interrupted_write_goes_with_the_entry(windows, manager, home):
    """A process may have ended in between."""
    windows.set(Secret("old"))
    account = account_name(home.path, "win32")
    Windows.WinVaultKeyring().set_password(f"{account}.{SERVICE}", account, "new")
    assert sorted(manager.values.values()) == ["new", "old"]

    assert windows.get() == Kept(Secret("new"))
    assert windows.delete() is True
    assert manager.entries == {}


@pytest.mark.parametrize("vault", ["windows", "macos"])
def test_what_is_not_there_is_none_and_is_not_deleted(vault, request):
    """Neither is an error."""
    vault = request.getfixturevalue(vault)

    assert vault.get() is None
    assert vault.delete() is False
    vault.set(Secret("value"))
    assert [vault.delete(), vault.delete()] == [True, False]


@pytest.mark.parametrize(
    ("letter", "count", "fits"),
    [("a", 1280, True), ("a", 1281, False), ("\N{GRINNING FACE}", 640, True),
     ("\N{GRINNING FACE}", 641, False)],
)  # fmt: skip
def test_credential_manager_takes_2560_bytes_of_utf_16(windows, manager, letter, count, fits):
    """(S17) What does not fit is known beforehand, and what fits is taken."""
    value = Secret(letter * count)

    assert windows.fits(value) is fits
    if fits:
        windows.set(value)
    else:
        with pytest.raises(VaultRefused, match="error 1783"):
            windows.set(value)


def test_keychain_has_no_limit(macos):
    """Of a size that matters."""
    assert macos.fits(Secret("a" * 100_000))


def test_chatgpt_login_is_refused_by_keyring_mode_and_kept_by_auto_mode(home, windows, manager):
    """(S17) On Windows the tokens are too large; `auto` uses the file and says so."""
    keyring_store = KeyringStore(home, KeyringEntry(home, windows))
    store_login(keyring_store, KEY)
    with pytest.raises(StoreWriteFailed, match="too large"):
        store_login(keyring_store, big(LOGIN))
    assert len(manager.entries) == 1
    auto_store = AutoStore(home, KeyringEntry(home, windows))
    store_login(auto_store, big(LOGIN))

    assert manager.entries == {}
    assert (home.path / "auth.json").exists()


def big(login):
    """Return a login of the size that OpenAI's tokens have."""
    return replace(login, access_token=Secret("a" * 2000))


@pytest.mark.parametrize(
    ("error", "expected", "why"),
    [
        (KeyringLocked("denied"), VaultLocked, "is locked"),
        (InitError("no"), VaultAbsent, "cannot be used in this session"),
        (Win32Error(1312, "CredRead"), VaultAbsent, "cannot be used in this session"),
        (Win32Error(5, "CredRead"), VaultRefused, "refused: error 5"),
        (KeyringError("secret text"), VaultRefused, "refused: KeyringError"),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "secret text"), VaultRefused, "UnicodeDecode"),
    ],
)
@pytest.mark.parametrize("use", ["get", "set", "delete", "unlock"])
def test_errors_of_the_package_become_the_vaults(windows, manager, use, error, expected, why):
    """Told in our words: theirs may hold anything."""
    manager.trouble = error
    uses = {
        "get": windows.get,
        "set": lambda: windows.set(Secret("value")),
        "delete": windows.delete,
        "unlock": windows.unlock,
    }
    with pytest.raises(expected, match=why) as caught:
        uses[use]()

    assert "secret text" not in str(caught.value)


def test_defect_of_ours_is_no_trouble_of_the_keyring(windows, manager):
    """It is found, and not taken for a locked door."""
    manager.trouble = TypeError("ours")
    with pytest.raises(TypeError, match="ours"):
        windows.get()


def test_keychain_that_would_ask_is_locked_to_whoever_asks_nobody(macos, keychain):
    """A status causes no dialog."""
    macos.set(Secret("value"))
    keychain.asks = True
    with pytest.raises(VaultLocked, match="Always Allow"):
        macos.get()

    assert not keychain.asked.is_set()
    assert keychain.dialogs_allowed


def test_keychain_says_without_asking_whether_it_would_ask(macos, keychain):
    """So that nobody is asked for nothing."""
    assert macos.is_open()
    keychain.asks = True

    assert not macos.is_open()
    assert not keychain.asked.is_set()


@pytest.mark.parametrize(("size", "is_read"), [(MAXIMUM_BYTES, True), (MAXIMUM_BYTES + 1, False)])
def test_value_far_too_large_for_a_login_is_not_taken(macos, size, is_read):
    """It is there all the same, and can be replaced and deleted."""
    macos.set(Secret("x" * size))

    assert macos.get() == Kept(Secret("x" * size) if is_read else None)
    assert macos.delete() is True


def test_unlocking_lets_the_keychain_ask_and_quiet_calls_do_not_wait_for_the_answer(
    macos, keychain
):
    """Whether dialogs are allowed holds for the whole process."""
    keychain.asks = True
    thread = threading.Thread(target=macos.unlock)
    thread.start()
    assert keychain.asked.wait(PATIENCE)
    with pytest.raises(VaultLocked, match="waits for an answer"):
        macos.get()
    keychain.answered.set()
    thread.join(PATIENCE)
    keychain.asks = False

    assert macos.get() is None


def test_write_that_fails_between_delete_and_add_is_taken_back(home, macos, keychain):
    """The package's macOS class deletes first."""
    store = KeyringStore(home, KeyringEntry(home, macos))
    store_login(store, KEY)
    before = dict(keychain.entries)
    keychain.add_fails = True
    with pytest.raises(StoreWriteFailed, match="error -25299"):
        store_login(store, LOGIN)

    assert keychain.entries == before


@pytest.mark.parametrize(
    "path",
    [
        "keyrings.alt.file.PlaintextKeyring",
        "keyring.backends.null.Keyring",
        "keyring.backends.chainer.ChainerBackend",
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.macOS.api",
        "os.path",
    ],
)
def test_any_other_backend_is_refused_by_name(path):
    """(S18) Plaintext and unknown ones alike."""
    with pytest.raises(VaultRefused, match=path):
        open_backend(path)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_environment_and_configuration_choose_no_backend(tmp_path, platform):
    """Neither a variable nor a file nor a plug-in beside the server: the system's own, or none.

    (S18)
    """
    (tmp_path / "evil.py").write_text("raise SystemExit('evil was imported')\n")
    for folder in ("config", "data"):
        config = tmp_path / folder / "python_keyring" / "keyringrc.cfg"
        config.parent.mkdir(parents=True)
        config.write_text(f"[backend]\ndefault-keyring=evil.Keyring\nkeyring-path={tmp_path}\n")
    plugin = tmp_path / "evil-1.dist-info"
    plugin.mkdir()
    (plugin / "entry_points.txt").write_text("[keyring.backends]\nevil = evil\n")
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from codex_auth_lsp.stores.system_keyring import SystemKeyringVault, VaultAbsent\n"
        f"vault = SystemKeyringVault(Path({str(tmp_path)!r}), {platform!r},"
        " without_dialogs=lambda: __import__('contextlib').nullcontext())\n"
        "try:\n"
        "    vault.get()\n"
        "except VaultAbsent as exc:\n"
        "    print(exc)\n"
        "print(sorted(name for name in sys.modules if name.startswith('keyring.backends.')))\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        env={
            "PYTHONPATH": ":".join([str(tmp_path), *sys.path]),
            "PYTHON_KEYRING_BACKEND": "evil.Keyring",
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
            "XDG_DATA_HOME": str(tmp_path / "data"),
        },
        capture_output=True,
        text=True,
    )
    _, _, module = KEYRINGS[platform].backend.rpartition(".")[0].rpartition(".")

    assert process.stderr == ""
    assert "The system's keyring cannot be used here." in process.stdout
    assert f"keyring.backends.{module}" in process.stdout
    assert process.returncode == 0


@pytest.mark.usefixtures("manager")
def test_backend_takes_no_property_from_the_environment(monkeypatch):
    """A variable can put anything in the place of anything there."""
    monkeypatch.setenv("KEYRING_PROPERTY_GET_PASSWORD", "evil")
    backend = open_backend(KEYRINGS["win32"].backend)

    assert callable(backend.get_password)
    assert vars(backend) == {}


def test_keychain_that_does_not_delete_is_no_empty_one(macos, keychain):
    """Only "not found" means that there was nothing."""
    macos.set(Secret("value"))

    def refuse(*_: Any) -> None:
        raise SecurityError(-25293, "x")

    keychain.delete_generic_password = refuse
    with pytest.raises(VaultRefused, match="error -25293"):
        macos.delete()

    assert macos.get() == Kept(Secret("value"))


def test_keychain_says_what_it_may_say_without_asking(macos, keychain):
    """Of one that would ask nobody knows whether it has an entry."""
    before = macos.is_there()
    macos.set(Secret("value"))
    there = macos.is_there()
    keychain.asks = True

    assert (before, there, macos.is_there()) == (False, True, False)
    assert not keychain.asked.is_set()
