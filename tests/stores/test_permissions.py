"""Who else may read or replace a login is told, and a write makes the file private again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.stores import permissions
from codex_auth_lsp.stores.file import FileStore
from e2e.shapes import api_key_login, codex_bytes
from stores.store_contract import LOGIN, store_login

if TYPE_CHECKING:
    from pathlib import Path

LOGIN_FILE = codex_bytes(api_key_login("sk-example"))


@pytest.fixture
def store(folder: Path) -> FileStore:
    return FileStore(CodexHome(folder, "option"))


def causes(store: FileStore) -> list[str]:
    return [notice.cause for notice in store.read().report.notices]


@pytest.mark.parametrize(
    ("file_mode", "folder_mode", "expected"),
    [
        (0o600, 0o700, []),
        (0o400, 0o755, []),
        (0o600, 0o775, []),
        (0o600, 0o1777, []),
        (0o640, 0o700, ["file"]),
        (0o660, 0o700, ["file"]),
        (0o604, 0o700, ["file"]),
        (0o600, 0o777, ["folder"]),
        (0o644, 0o707, ["file", "folder"]),
    ],
    ids=lambda value: oct(value) if isinstance(value, int) else None,
)
def test_modes_that_let_others_in_are_told(folder, store, file_mode, folder_mode, expected):
    """(S1) A group's folder is no trouble, nor one in which only an owner can replace a file."""
    path = folder / "auth.json"
    path.write_bytes(LOGIN_FILE)
    path.chmod(file_mode)
    folder.chmod(folder_mode)
    snapshot = store.read()

    assert causes(store) == expected
    assert snapshot.report.health == "ok"
    assert snapshot.document is not None
    assert path.stat().st_mode & 0o777 == file_mode


def test_notice_names_the_file_behind_a_link_and_the_remedy(tmp_path, folder, store):
    """The target is what other people open."""
    target = tmp_path / "dotfiles-auth.json"
    target.write_bytes(LOGIN_FILE)
    target.chmod(0o644)
    (folder / "auth.json").symlink_to(target)
    (notice,) = store.read().report.notices

    assert notice.to_wire() == {
        "code": "storePermissions",
        "severity": "warning",
        "message": f"Other people on this computer may use the login in {target}.",
        "actions": [{"title": f"Run: chmod 600 {target}"}],
    }
    assert store.read().report.detail is None


def test_what_takes_the_place_of_a_login_or_of_junk_is_judged_by_its_own_mode(folder, store):
    """A look at one of them leaves nothing that the next could take for its own."""
    path = folder / "auth.json"
    told = []
    for content, mode in ((LOGIN_FILE, 0o600), (b"junk", 0o644), (LOGIN_FILE, 0o644)):
        beside = folder / "beside"
        beside.write_bytes(content)
        beside.chmod(mode)
        beside.replace(path)
        told.append(causes(store))

    assert told == [[], [], ["file"]]


def test_write_makes_the_file_private(folder, store):
    """As every file that the server writes."""
    path = folder / "auth.json"
    path.write_bytes(LOGIN_FILE)
    path.chmod(0o666)
    store_login(store, LOGIN)

    assert path.stat().st_mode & 0o777 == 0o600
    assert causes(store) == []


@pytest.mark.parametrize("content", [None, b"no login"], ids=["no file", "no login"])
def test_where_there_is_no_login_nothing_is_told(folder, store, content):
    """There is nothing that others could use."""
    folder.chmod(0o777)
    if content is not None:
        (folder / "auth.json").write_bytes(content)

    assert causes(store) == []


def test_another_name_of_the_file_is_told_until_a_write_parts_the_two(folder, store, tmp_path):
    """(S3) It is no reason to refuse anything; that name keeps what it had."""
    other = tmp_path / "second-name"
    other.write_bytes(LOGIN_FILE)
    other.chmod(0o600)
    path = folder / "auth.json"
    path.hardlink_to(other)
    (notice,) = store.read().report.notices

    assert (notice.code, notice.cause, notice.severity) == ("storePermissions", "link", "warning")
    assert str(path) in notice.message
    assert store.read().report.health == "ok"
    store_login(store, LOGIN)
    assert causes(store) == []


def test_file_and_folder_of_another_user_are_told(folder, store, monkeypatch):
    """(S2) Whoever owns them may read the login or put another one there; root may anyway."""
    path = folder / "auth.json"
    path.write_bytes(LOGIN_FILE)
    path.chmod(0o600)
    owner = path.stat().st_uid
    for user, expected in ((owner, []), (owner + 4321, ["owner", "folderOwner"]), (0, [])):
        monkeypatch.setattr(permissions.os, "geteuid", lambda user=user: user)
        monkeypatch.setattr(permissions, "_ROOT", 0 if owner else 99_999)
        assert causes(store) == expected
        assert store.read().report.health == "ok"
