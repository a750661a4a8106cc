"""What a disk does on a bad day, done to one language server or to its folder, and taken back.

Where the kernel can be made to mean it (a full file system, a read-only mount, no descriptors
left), it does; else strace answers calls with an error.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prove.tracer import RENAME, Tracer, threads_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from prove.login import LoginFile

PAGE = 4096

TMPFS_SIZE = "256k"
"""Room for a login and its locks, and soon filled."""


class EscapedError(Exception):
    """The process made a new thread, which the fault did not reach."""


@dataclass(frozen=True, slots=True)
class Victim:
    """The process and the folder that a fault hits."""

    pid: int
    file: LoginFile
    log: Path


Fault = AbstractAsyncContextManager[None]


@dataclass(frozen=True, slots=True)
class Case:
    """A fault and what the server is to say of it."""

    name: str
    fault: Callable[[Victim], Fault]
    kinds: tuple[str, ...] = ("storeWriteFailed",)
    """The kinds of error that tell it truthfully."""
    mounts: bool = False
    """Whether it needs the right to mount."""
    tmpfs: bool = False
    """Whether the folder has to be a small file system of its own."""
    foreseen: bool = False
    """Whether it does no harm during a request: what it takes away was kept since before that."""
    seals: bool = False
    """Whether nobody can remove anything while it lasts."""


def answered(inject: str, *, files_only: bool = True) -> Callable[[Victim], Fault]:
    """Return the fault that answers calls with an error.

    Args:
        inject: What strace's `inject=` takes.
        files_only: Hit the threads that work on files, and not the one that talks.
    """

    @asynccontextmanager
    async def fault(victim: Victim) -> AsyncIterator[None]:
        first, *others = threads_of(victim.pid)
        threads = others if files_only else [first]
        tracer = await Tracer.attach(
            victim.pid, threads, victim.log, follow=not files_only, inject=inject
        )
        try:
            yield
        finally:
            await tracer.detach()
        if files_only and threads_of(victim.pid) != [first, *others]:
            raise EscapedError

    return fault


@asynccontextmanager
async def no_descriptors(victim: Victim) -> AsyncIterator[None]:
    """Let the process open nothing more (EMFILE)."""
    before = resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        yield
    finally:
        resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, before)


def full(*, but: int = 0) -> Callable[[Victim], Fault]:
    """Return the fault that fills the folder's file system but for some bytes."""
    return lambda victim: _full(victim, but)


@asynccontextmanager
async def _full(victim: Victim, but: int) -> AsyncIterator[None]:
    filler = victim.file.folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 512)
        except OSError as exc:
            if exc.errno != errno.ENOSPC:
                raise
        file.truncate(file.tell() - but)
    try:
        yield
    finally:
        filler.unlink()


@asynccontextmanager
async def read_only(victim: Victim) -> AsyncIterator[None]:
    """Let nobody write into the folder, not even root."""
    folder = str(victim.file.folder)
    _mount("--bind", folder, folder)
    _mount("-o", "remount,ro,bind", folder)
    try:
        yield
    finally:
        unmount(victim.file.folder)


@asynccontextmanager
async def mounted_file(victim: Victim) -> AsyncIterator[None]:
    """Let the file be one that is mounted by itself, so that no rename reaches it."""
    path = str(victim.file.path)
    _mount("--bind", path, path)
    try:
        yield
    finally:
        unmount(victim.file.path)


@asynccontextmanager
async def half_written(victim: Victim) -> AsyncIterator[None]:
    """Let the file be one that another program has begun to write in place, and not ended."""
    whole = victim.file.path.read_bytes()
    victim.file.path.write_bytes(whole[: len(whole) // 2])
    try:
        yield
    finally:
        victim.file.path.write_bytes(whole)


CASES = (
    Case("ENOSPC at fallocate", answered("fallocate:error=ENOSPC"), foreseen=True),
    Case("ENOSPC at write", answered("write:error=ENOSPC")),
    Case("EIO at write", answered("write:error=EIO")),
    Case("ENOSPC at fsync", answered("fsync:error=ENOSPC", files_only=False)),
    Case("EIO at fsync", answered("fsync:error=EIO", files_only=False)),
    Case("EIO at rename", answered(f"{RENAME}:error=EIO", files_only=False)),
    Case(
        "EROFS at rename",
        answered(f"{RENAME}:error=EROFS", files_only=False),
        ("storeWriteFailed", "storeReadOnly"),
    ),
    Case(
        "EMFILE at every open",
        answered("openat:error=EMFILE", files_only=False),
        ("storeWriteFailed", "storeUnavailable"),
    ),
    Case("no descriptor left", no_descriptors, ("storeWriteFailed", "storeUnavailable")),
    Case("a file that another program has half written", half_written, ("storeCorrupt",)),
    Case("a full file system", full(), mounts=True, tmpfs=True, foreseen=True),
    Case(
        "a file system with one page left", full(but=PAGE), mounts=True, tmpfs=True, foreseen=True
    ),
    Case("a read-only folder", read_only, ("storeReadOnly",), mounts=True, seals=True),
    Case("a file that is mounted by itself", mounted_file, ("storeReadOnly",), mounts=True),
)


def mount_tmpfs(folder: Path) -> None:
    """Make the folder a small file system of its own."""
    _mount("-t", "tmpfs", "-o", f"size={TMPFS_SIZE},mode=0700", "tmpfs", str(folder))


def unmount(folder: Path) -> None:
    """Take a mount away, although somebody may still use it."""
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)


def may_mount() -> bool:
    """Say whether this process may mount."""
    return os.geteuid() == 0


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], capture_output=True, check=True)
