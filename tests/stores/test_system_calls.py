"""A write as the kernel sees it, and what is left when the kernel says no in the middle of it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from e2e.shapes import api_key_login, codex_bytes
from support import parts

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60.0

_WRITER = """
import sys
from pathlib import Path
from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.credential import ApiKeyCredential
from codex_auth_lsp.errors import StoreError
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.document import login_document
from codex_auth_lsp.stores.file import FileStore
store = FileStore(CodexHome(Path(sys.argv[1]), "option"))
try:
    store.update(lambda old: login_document(ApiKeyCredential(Secret("sk-new")), old))
except StoreError as error:
    sys.exit(error.kind)
"""
"""Stores a login; ends with status 1 and the error's kind on stderr where that fails."""

OLD = codex_bytes(api_key_login("sk-old"))
NEW = codex_bytes(api_key_login("sk-new"))

pytestmark = pytest.mark.part("strace")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "codex"
    path.mkdir()
    (path / "auth.json").write_bytes(OLD)
    return path


def write(folder: Path, *inject: str) -> tuple[str, list[str]]:
    """Store a login under strace; return what went wrong, and the calls that named the folder."""
    trace = folder.parent / "trace"
    calls = (
        "trace=openat,fchmod,flock,fallocate,write,ftruncate,fsync,"
        "rename,renameat,renameat2,unlink,close"
    )
    strace = [str(parts.strace()), "-f", "-qq", "-y", "-o", str(trace), "-e", calls]
    options = [option for text in inject for option in ("-e", f"inject={text}")]
    writer = [sys.executable, "-I", "-c", _WRITER, str(folder)]
    process = subprocess.run(
        [*strace, *options, *writer],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if "ptrace" in process.stderr:
        pytest.skip("this machine does not let a process be traced")
    lines = trace.read_text().splitlines()
    return process.stderr.strip(), [line for line in lines if str(folder) in line]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"auth.lock", "auth.json.lock"}


def test_login_is_private_and_on_the_disk_before_it_takes_its_place(folder):
    """(S5) Lock, make, take room, write, sync, rename, sync the folder, let go: in this order."""
    problem, calls = write(folder)
    order = [
        name
        for call in calls
        for name, pattern in (
            ("first lock", r"flock\(.*auth\.lock>, LOCK_EX"),
            ("second lock", r"flock\(.*auth\.json\.lock>, LOCK_EX"),
            ("make", r"openat\(.*\.auth-\w+\", O_WRONLY\|O_CREAT\|O_EXCL.*, 0600\)"),
            ("take the room", r"fallocate\(.*\.auth-\w+>"),
            ("write", r"write\(.*\.auth-\w+>"),
            ("cut off the rest", r"ftruncate\(.*\.auth-\w+>"),
            ("sync", r"fsync\(.*\.auth-\w+>"),
            ("rename", r"rename\w*\(.*\.auth-\w+\".*auth\.json\""),
            ("sync the folder", rf"fsync\(\d+<{re.escape(str(folder))}>"),
            ("let go", r"close\(.*auth\.lock>"),
        )
        if re.search(pattern, call)
    ]

    assert (problem, (folder / "auth.json").read_bytes()) == ("", NEW)
    assert order == [
        "first lock",
        "second lock",
        "make",
        "take the room",
        "write",
        "cut off the rest",
        "sync",
        "rename",
        "sync the folder",
        "let go",
    ]


@pytest.mark.parametrize(
    ("inject", "kind"),
    [
        ("fallocate:error=ENOSPC", "storeWriteFailed"),
        ("write:error=ENOSPC:when=1", "storeWriteFailed"),
        ("write:error=EDQUOT:when=1", "storeWriteFailed"),
        ("ftruncate:error=EIO", "storeWriteFailed"),
        ("fsync:error=EIO:when=1", "storeWriteFailed"),
        ("rename,renameat,renameat2:error=EIO", "storeWriteFailed"),
        ("rename,renameat,renameat2:error=EROFS", "storeReadOnly"),
        ("fchmod:error=EPERM", "storeReadOnly"),
        ("flock:error=ENOLCK", "storeWriteFailed"),
    ],
)
def test_call_that_fails_leaves_the_old_login_and_no_other_file(folder, inject, kind):
    """(S9, S11) Whichever it is: the error is told and nothing has changed."""
    problem, _ = write(folder, inject)

    assert problem == kind
    assert (folder / "auth.json").read_bytes() == OLD
    assert left_in(folder) == {"auth.json"}


def test_file_system_that_keeps_no_room_is_written_all_the_same(folder):
    """The C library then writes zeros, which takes it as well."""
    problem, _ = write(folder, "fallocate:error=EOPNOTSUPP")

    assert (problem, (folder / "auth.json").read_bytes()) == ("", NEW)


def test_folder_that_cannot_be_synced_has_taken_the_login_all_the_same(folder):
    """Some network file systems sync no folders; the rename has happened."""
    problem, _ = write(folder, "fsync:error=EINVAL:when=2")

    assert (problem, (folder / "auth.json").read_bytes()) == ("", NEW)


@pytest.mark.parametrize(
    "call", ["fallocate", "write", "ftruncate", "fsync", "rename,renameat,renameat2"]
)
def test_process_that_is_killed_in_the_middle_leaves_a_whole_login(folder, call):
    """(S5) The old one or the new one, and locks that are free."""
    write(folder, f"{call}:signal=SIGKILL:when=1")
    content = (folder / "auth.json").read_bytes()
    assert content in (OLD, NEW)

    assert write(folder)[0] == ""
    assert (folder / "auth.json").read_bytes() == NEW
