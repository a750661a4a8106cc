"""The store that the configuration asks for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import partial

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.config.settings import STORE_MODES
from codex_auth_lsp.errors import StoreUnavailable
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.keyring_store import KeyringStore
from codex_auth_lsp.stores.memory import MemoryStore
from codex_auth_lsp.stores.secret_service import SecretServiceVault
from codex_auth_lsp.stores.select import Stores
from codex_auth_lsp.stores.system import system_vault
from codex_auth_lsp.stores.system_keyring import SystemKeyringVault

STORES = {
    "file": FileStore,
    "ephemeral": MemoryStore,
    "keyring": KeyringStore,
    "auto": AutoStore,
}


def test_every_mode_of_the_configuration_has_a_store():
    """None that `config.toml` may name is forgotten."""
    assert set(STORE_MODES) == set(STORES)


@pytest.mark.parametrize(("mode", "expected"), STORES.items())
def test_mode_chooses_its_store_and_the_report_names_it(tmp_path, mode, expected):
    """What is asked for is told."""
    store = Stores(CodexHome(tmp_path, "option")).choose(mode)

    assert type(store) is expected
    assert store.read().report.mode == mode


def test_keyring_that_is_not_there_never_becomes_a_file(tmp_path, monkeypatch):
    """(S16) No login is written to a place that the configuration did not ask for."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    home = tmp_path / "codex"
    home.mkdir()
    store = Stores(CodexHome(home, "option")).choose("keyring")
    asyncio.run(store.sync())
    report = store.read().report

    assert (report.backend, report.health) == ("none", "unavailable")
    assert "no D-Bus session bus" in (report.detail or "")
    login = partial(store.update, lambda old: old, over_unreadable=True)
    for use in (store.check_writable, login, store.remove):
        with pytest.raises(StoreUnavailable) as caught:
            use()
        assert str(caught.value) == report.detail
    assert not (home / "auth.json").exists()


def test_feature_of_codex_reaches_the_store(tmp_path):
    """Beside Codex's encrypted store nothing is kept."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "codex_auth.age").write_bytes(b"x")
    home = CodexHome(tmp_path, "option")

    for mode in ("keyring", "auto"):
        with pytest.raises(StoreUnavailable, match="encrypted store"):
            Stores(home).choose(mode, secret_auth_storage=True).check_writable()


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", SecretServiceVault),
        ("freebsd14", SecretServiceVault),
        ("darwin", SystemKeyringVault),
        ("win32", SystemKeyringVault),
    ],
)
def test_system_has_its_vault(tmp_path, platform, expected):
    """One each."""
    assert type(system_vault(tmp_path, platform)) is expected


@pytest.mark.parametrize("mode", ["keyring", "auto"])
def test_no_library_is_imported_to_find_that_there_is_no_session(tmp_path, mode):
    """A machine without a desktop does not wait for what it cannot use."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from codex_auth_lsp.config.home import CodexHome\n"
        "from codex_auth_lsp.stores.select import Stores\n"
        "store = Stores(CodexHome(Path(sys.argv[2]), 'option')).choose(sys.argv[1])\n"
        "asyncio.run(store.sync())\n"
        "assert store.read().known\n"
        "print({'keyring', 'secretstorage', 'jeepney', 'cryptography'} & set(sys.modules))\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script, mode, str(tmp_path)],
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )

    assert (process.stdout, process.stderr) == ("set()\n", "")
