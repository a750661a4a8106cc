"""The folder that is shared with the Codex CLI."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from codex_auth_lsp.config.home import CodexHome, resolve_codex_home
from codex_auth_lsp.errors import ConfigurationInvalid, StoreUnavailable


@pytest.mark.parametrize(
    ("option", "environment", "expected", "chosen_by"),
    [
        ("/from/option", {"CODEX_HOME": "/from/variable"}, "/from/option", "option"),
        (None, {"CODEX_HOME": "/from/variable"}, "/from/variable", "environment"),
        (None, {"CODEX_HOME": ""}, "/home/ada/.codex", "default"),
        (None, {}, "/home/ada/.codex", "default"),
        ("/a/../b", {}, "/a/../b", "option"),
    ],
)
def test_option_goes_before_variable_and_default(
    monkeypatch, option, environment, expected, chosen_by
):
    """An empty variable is none; the path is taken as it is."""
    monkeypatch.setenv("HOME", "/home/ada")

    assert resolve_codex_home(option, environment) == CodexHome(Path(expected), chosen_by)


def test_relative_folder_is_below_the_working_directory(monkeypatch, tmp_path):
    """And `~` in the variable is a name like any other, as for the Codex CLI."""
    monkeypatch.chdir(tmp_path)

    assert resolve_codex_home("here", {}).path == tmp_path / "here"
    assert resolve_codex_home(None, {"CODEX_HOME": "~/x"}).path == tmp_path / "~" / "x"


@pytest.mark.parametrize(
    ("chosen_by", "named"), [("option", "--codex-home"), ("environment", "CODEX_HOME")]
)
def test_folder_that_was_named_must_exist(tmp_path, chosen_by, named):
    """Nothing is made where somebody may have mistyped a path."""
    home = CodexHome(tmp_path / "missing", chosen_by)

    with pytest.raises(StoreUnavailable, match=f"which {named} names, does not exist"):
        home.ensure()
    assert not home.path.exists()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o177, 0o777])
def test_default_folder_is_made_for_this_user_alone(tmp_path, umask):
    """(S1) Whatever the umask is, nobody else can look into it, and its owner can."""
    home = CodexHome(tmp_path / ".codex", "default")
    assert home.problem() is None

    old = os.umask(umask)
    try:
        home.ensure()
    finally:
        os.umask(old)
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    home.path.chmod(0o750)
    home.ensure()  # and once more, which changes nothing
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o750


@pytest.mark.parametrize("chosen_by", ["option", "environment", "default"])
@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_what_is_no_folder_is_told_by_its_path(tmp_path, chosen_by, kind):
    """It is neither used nor replaced."""
    path = tmp_path / ".codex"
    if kind == "file":
        path.write_text("precious")
    else:
        path.symlink_to(tmp_path / "nowhere")
    home = CodexHome(path, chosen_by)

    with pytest.raises(StoreUnavailable, match="is not a folder"):
        home.ensure()
    assert os.path.lexists(path)
    assert not (tmp_path / "nowhere").exists()


def test_link_to_a_folder_is_a_folder(tmp_path):
    """People keep their folder elsewhere."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    CodexHome(tmp_path / "link", "option").ensure()


def test_default_folder_that_cannot_be_made_is_told(tmp_path):
    """HOME itself may be missing."""
    home = CodexHome(tmp_path / "nobody" / ".codex", "default")

    with pytest.raises(StoreUnavailable, match=r"cannot be made: No such file or directory\."):
        home.ensure()


def test_folder_that_cannot_be_looked_at_is_told(tmp_path):
    """A name that no file system takes, for instance, is a state and no crash."""
    home = CodexHome(tmp_path / ("x" * 300), "environment")

    problem = home.problem()

    assert isinstance(problem, StoreUnavailable)
    assert "cannot be read: File name too long." in problem.message


def test_option_that_is_empty_is_refused():
    """A script's variable that is not set would mean somebody else's login: the person's own."""
    with pytest.raises(ConfigurationInvalid, match="--codex-home is empty"):
        resolve_codex_home("", {"CODEX_HOME": "/from/variable"})
