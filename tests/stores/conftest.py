"""What the tests of stores share: a Codex folder, and a keyring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.stores import keyring_calls, keyring_entry
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from stores.fake_vaults import SHORT, FakeVault

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "codex"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def home(folder: Path) -> CodexHome:
    return CodexHome(folder, "option")


@pytest.fixture
def path(home: CodexHome) -> Path:
    return home.path / "auth.json"


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.fixture
def entry(home: CodexHome, vault: FakeVault) -> KeyringEntry:
    return KeyringEntry(home, vault)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait shortly for what is meant to be silent."""
    monkeypatch.setattr(keyring_entry, "READ_SECONDS", SHORT)
    for name in ("READ_SECONDS", "PROMPT_SECONDS", "LOGOUT_SECONDS", "LOCKED_CALL_SECONDS"):
        monkeypatch.setattr(keyring_calls, name, SHORT)
