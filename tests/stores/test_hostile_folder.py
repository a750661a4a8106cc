"""A folder in which somebody has laid out names and links before the login is written."""

from __future__ import annotations

import hashlib
import secrets
import stat
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.errors import StoreWriteFailed
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.replacement import Replacement
from e2e.shapes import api_key_login, codex_bytes
from stores.store_contract import KEY, store_login

if TYPE_CHECKING:
    from pathlib import Path

OLD = codex_bytes(api_key_login("sk-old"))


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FileStore(CodexHome(folder, "option"))


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_second_name_of_the_file_never_sees_the_new_login(folder, store, tmp_path, mode):
    """(S3) The rename parts the two: the other name keeps what it had, mode and all."""
    other = tmp_path / "second-name"
    other.write_bytes(OLD)
    other.chmod(mode)
    (folder / "auth.json").hardlink_to(other)

    store_login(store, KEY)

    written = (folder / "auth.json").stat()
    assert store.read().credential == KEY
    assert (written.st_nlink, stat.S_IMODE(written.st_mode)) == (1, 0o600)
    assert (other.read_bytes(), stat.S_IMODE(other.stat().st_mode)) == (OLD, mode)


@pytest.mark.parametrize("planted", ["file", "link", "link to nothing", "folder"])
def test_a_temporary_name_that_is_taken_is_not_used(folder, store, tmp_path, monkeypatch, planted):
    """(S4) Names are random; who guesses one all the same gets nothing written through it."""
    (folder / "auth.json").write_bytes(OLD)
    target = tmp_path / "target"
    digest = hashlib.sha256(b"auth.json").hexdigest()
    temporary = folder / f".auth-{digest[:8]}0badcafe"
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0badcafe")
    if planted == "file":
        temporary.write_bytes(b"")
    elif planted == "folder":
        temporary.mkdir()
    else:
        temporary.symlink_to(target)
        if planted == "link":
            target.write_bytes(b"of somebody")

    with pytest.raises(StoreWriteFailed):
        store_login(store, KEY)

    assert (folder / "auth.json").read_bytes() == OLD
    assert (target.read_bytes() if target.exists() else None) == (
        b"of somebody" if planted == "link" else None
    )
    assert temporary.name in {path.name for path in folder.iterdir()}


def test_temporary_names_are_never_the_same(folder):
    """(S4) Thirty-two random bits, and a name that is taken is refused by the kernel."""
    reserved = [Replacement(folder / "auth.json", 1) for _ in range(200)]
    names = {path.name for path in folder.iterdir()}
    for replacement in reserved:
        replacement.drop()

    assert len(names) == 200
    assert list(folder.iterdir()) == []
