"""Codex's own encrypted store, seen from outside."""

from __future__ import annotations

import pytest

from codex_auth_lsp.stores.secret_auth_storage import secret_auth_storage_problem


@pytest.fixture
def encrypted_file(tmp_path):
    """Return the file that holds a login, for all one can tell without its key."""
    path = tmp_path / "secrets" / "codex_auth.age"
    path.parent.mkdir()
    path.write_bytes(b"age-encryption.org/v1\n")
    return path


@pytest.mark.parametrize(
    ("feature", "platform", "in_use"),
    [
        (True, "linux", True),
        (None, "linux", False),
        (False, "linux", False),
        (True, "win32", True),
        (None, "win32", True),
        (None, "darwin", True),
        (False, "darwin", False),
    ],
)
def test_feature_and_file_together_say_that_it_is_in_use(
    tmp_path, encrypted_file, feature, platform, in_use
):
    """Where the feature's default is not known, the file speaks for itself."""
    problem = secret_auth_storage_problem(tmp_path, feature, platform)

    assert in_use == (problem is not None)
    if problem is not None:
        assert str(encrypted_file) in problem
        assert "secret_auth_storage = false" in problem


def test_store_that_holds_nothing_is_in_nobodys_way(tmp_path, encrypted_file):
    """Neither a missing file nor an empty one."""
    encrypted_file.write_bytes(b"")
    assert secret_auth_storage_problem(tmp_path, feature=True) is None
    encrypted_file.unlink()
    assert secret_auth_storage_problem(tmp_path, feature=True) is None


def test_file_of_one_byte_holds_something(tmp_path, encrypted_file):
    """What, only Codex can tell."""
    encrypted_file.write_bytes(b"a")

    assert secret_auth_storage_problem(tmp_path, feature=True) == (
        f"Codex keeps the login in its encrypted store {encrypted_file}, which only Codex itself "
        "can use; set `secret_auth_storage = false` under `[features]` in config.toml to use the "
        "keyring."
    )
