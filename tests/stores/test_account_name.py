"""Whose keyring entry it is."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from codex_auth_lsp.stores import account_name as account_name_module
from codex_auth_lsp.stores.account_name import account_name


def digits(text: str) -> str:
    """Return the account name for the text of a path."""
    return "cli|" + hashlib.sha256(text.encode()).hexdigest()[:16]


def test_account_is_made_of_the_real_path(tmp_path):
    """A link and the folder that it names have one login."""
    folder, link = tmp_path / "real", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)

    assert digits(str(folder)) == account_name(folder, "linux") == account_name(link, "linux")


def test_account_of_a_missing_folder_is_made_of_its_path_as_given(tmp_path):
    """As it would be for the Codex CLI."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    assert digits(str(tmp_path / "link")) == account_name(tmp_path / "link", "linux")


def test_path_that_is_no_text_is_replaced_where_it_is_none(tmp_path):
    """Rust's lossy conversion, so that both programs agree even here."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    folder.mkdir()

    assert digits(f"{tmp_path}/\N{REPLACEMENT CHARACTER}") == account_name(folder, "linux")


@pytest.mark.parametrize(
    ("real", "canonical"),
    [
        ("C:\\Users\\Ada\\.codex", "\\\\?\\C:\\Users\\Ada\\.codex"),
        ("\\\\server\\share\\.codex", "\\\\?\\UNC\\server\\share\\.codex"),
        ("\\\\?\\C:\\codex", "\\\\?\\C:\\codex"),
    ],
)
def test_account_on_windows_is_made_of_the_verbatim_path(monkeypatch, real, canonical):
    """Rust's `canonicalize` gives that form there, Python's `realpath` does not."""
    monkeypatch.setattr(account_name_module.os.path, "realpath", lambda _path, strict: real)

    assert digits(canonical) == account_name(Path("any"), "win32")
