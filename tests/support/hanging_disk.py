"""A disk that hangs when a test says so: a file system of this program's own (FUSE).

Used as what stands before a command: it makes a mount namespace, mounts itself on a folder, serves
its files from memory, and becomes the command. With it the mount ends, however it ends. Requests
that come while it hangs are answered when it goes on, or when their process is to end.
Files are read only.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import json
import os
import stat
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HANG, GO_ON = b"h", b"g"

_ROOT = 1
_MAXIMUM_WRITE = 65536
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _STATFS = 1, 2, 3, 14, 15, 17
_RELEASE, _FLUSH, _INIT, _OPENDIR, _READDIR, _RELEASEDIR = 18, 25, 26, 27, 28, 29
_ACCESS, _INTERRUPT, _BATCH_FORGET = 34, 36, 42
_WITHOUT_ANSWER = {_FORGET, _INTERRUPT, _BATCH_FORGET}
_DIRECT_IO = 1  # nothing is kept in the kernel's memory


@dataclass(frozen=True, slots=True)
class HangingDisk:
    """The two ends that a test needs: the command's prefix, and the way to say what to do."""

    prefix: tuple[str, ...]
    control: Path

    def hang(self) -> None:
        """Answer nobody from now on."""
        self._say(HANG)

    def go_on(self) -> None:
        """Answer all that waits."""
        self._say(GO_ON)

    def _say(self, word: bytes) -> None:
        # A second pipe tells that it has been taken in.
        with self.control.open("wb") as pipe:
            pipe.write(word)
        with self.control.with_suffix(".taken").open("rb") as pipe:
            assert pipe.read() == word


def hanging_disk(folder: Path, files: dict[str, str], *, hangs: bool = False) -> HangingDisk:
    """Return a disk over `folder`; skip where nobody may mount one."""
    if not _works():
        pytest.skip("no file system of one's own can be mounted here")
    control = folder.with_name(folder.name + "-control")
    for pipe in (control, control.with_suffix(".taken")):
        os.mkfifo(pipe)
    words = (str(folder), str(control), json.dumps(files), "hangs" if hangs else "goes on")
    return HangingDisk((sys.executable, str(Path(__file__)), *words), control)


@functools.cache
def _works() -> bool:
    command = ("unshare", "--mount", "test", "-w", "/dev/fuse")
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class Disk:
    """Answers the kernel."""

    def __init__(self, device: int, files: dict[str, bytes]) -> None:
        self._device = device
        self._names = {name: number for number, name in enumerate(files, _ROOT + 1)}
        self._files = dict(enumerate(files.values(), _ROOT + 1))
        self._changing = threading.Condition()
        self._goes_on = False
        self._interrupted: set[int] = set()

    def let(self, *, go_on: bool) -> None:
        """Answer from now on, or do not."""
        with self._changing:
            self._goes_on = go_on
            self._changing.notify_all()

    def serve(self) -> None:
        """Answer until the mount is gone; one thread a request, since each may hang."""
        while True:
            try:
                request = os.read(self._device, _MAXIMUM_WRITE + 4096)
            except OSError as exc:
                if exc.errno == errno.ENOENT:
                    continue  # who had asked has ended
                return
            threading.Thread(target=self._answer, args=(request,), daemon=True).start()

    def _answer(self, request: bytes) -> None:
        _, code, unique, node = struct.unpack_from("<IIQQ", request)
        if code in _WITHOUT_ANSWER:
            if code == _INTERRUPT:
                self._interrupt(*struct.unpack_from("<Q", request, 40))
            return
        try:
            if code != _INIT:
                self._wait(unique)
            body, problem = self._judge(code, node, request[40:]), 0
        except OSError as exc:
            body, problem = b"", exc.errno or errno.EIO
        try:
            os.write(self._device, struct.pack("<IiQ", 16 + len(body), -problem, unique) + body)
        except OSError:
            pass  # who had asked has ended

    def _interrupt(self, unique: int) -> None:
        with self._changing:
            self._interrupted.add(unique)
            self._changing.notify_all()

    def _wait(self, unique: int) -> None:
        with self._changing:
            self._changing.wait_for(lambda: self._goes_on or unique in self._interrupted)
            if unique in self._interrupted:
                self._interrupted.discard(unique)
                raise InterruptedError(errno.EINTR, "")

    def _judge(self, code: int, node: int, body: bytes) -> bytes:
        if code == _INIT:
            return struct.pack(
                "<IIIIHHIIHHII24x", 7, 31, 65536, 0, 12, 9, _MAXIMUM_WRITE, 1, 16, 0, 0, 0
            )
        if code == _LOOKUP:
            child = self._names.get(os.fsdecode(body.rstrip(b"\0")))
            if child is None:
                raise OSError(errno.ENOENT, "")
            return struct.pack("<QQQQII", child, 0, 0, 0, 0, 0) + self._attributes(child)
        if code == _GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self._attributes(node)
        if code in {_OPEN, _OPENDIR}:
            return struct.pack("<QII", 0, _DIRECT_IO if code == _OPEN else 0, 0)
        if code == _READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self._files[node][offset : offset + size]
        if code == _STATFS:
            return bytes(80)
        if code in {_RELEASE, _FLUSH, _RELEASEDIR, _ACCESS, _READDIR}:
            return b""
        raise OSError(errno.ENOSYS, "")

    def _attributes(self, node: int) -> bytes:
        content = self._files.get(node)
        mode = stat.S_IFDIR | 0o700 if content is None else stat.S_IFREG | 0o600
        numbers = (node, len(content or b""), 1, 0, 0, 0, 0, 0, 0)
        return struct.pack("<6Q10I", *numbers, mode, 1, os.getuid(), os.getgid(), 0, 4096, 0)


def _mount(folder: str, device: int) -> None:
    """Mount in a namespace of this process's own, so that nobody else keeps the mount alive."""
    libc = ctypes.CDLL(None, use_errno=True)
    new_namespace, private = 0x20000, 1 << 18 | 1 << 14
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    steps: list[tuple[Any, ...]] = [
        (libc.unshare, new_namespace),
        (libc.mount, b"none", b"/", None, private, None),
        (libc.mount, b"disk", os.fsencode(folder), b"fuse", 0, options.encode()),
    ]
    for call, *arguments in steps:
        if call(*arguments) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _obey(disk: Disk, control: Path) -> None:
    while True:
        with control.open("rb") as pipe:
            word = pipe.read()
        disk.let(go_on=word == GO_ON)
        with control.with_suffix(".taken").open("wb") as pipe:
            pipe.write(word)


def main() -> None:
    """Mount, serve in a child, and become the command."""
    folder, control, files, state, *command = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    mounted, tell = os.pipe2(os.O_CLOEXEC)
    if os.fork():
        _mount(folder, device)
        os.close(tell)
        os.execvp(command[0], command)
    os.close(tell)
    os.read(mounted, 1)  # until the other has closed its end, too
    for standard in (0, 1, 2):
        os.close(standard)
    disk = Disk(device, {name: text.encode() for name, text in json.loads(files).items()})
    disk.let(go_on=state != "hangs")
    threading.Thread(target=_obey, args=(disk, Path(control)), daemon=True).start()
    disk.serve()
    os._exit(0)


if __name__ == "__main__":
    main()
