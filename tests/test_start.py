"""What a window costs, counted and not timed: modules until the first status, and when it is idle.

The lists are what is allowed. Whoever needs a further module in a start has to put it here, and
measures what it costs with `make bench`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_STATUS = """
import json, os, sys
from codex_auth_lsp import cli
from codex_auth_lsp.server_options import read_server_options
from codex_auth_lsp.transport.serve import _Process
process = _Process(cli._service_options(read_server_options(["--codex-home", sys.argv[1]])))
process.open()
loaded = [name for name, module in sys.modules.items() if type(module).__name__ != "_Deferred"]
sys.stderr.write(json.dumps([type(sys.modules["asyncio"]).__name__, *loaded]))
sys.stderr.flush()
os._exit(0)
"""

STANDARD = {
    "abc", "atexit", "base64", "binascii", "builtins", "codecs", "collections",
    "contextlib", "copyreg", "datetime", "encodings", "enum", "errno", "fcntl", "fnmatch",
    "functools", "gc", "genericpath", "heapq", "importlib", "io", "itertools", "json",
    "keyword", "logging", "marshal", "math", "ntpath", "operator", "os", "pathlib",
    "posix", "posixpath", "queue", "re", "reprlib", "select", "shlex", "signal", "site",
    "stat", "string", "struct", "sys", "threading", "time", "types", "typing",
    "unicodedata", "urllib", "warnings", "weakref", "zipimport",
}  # fmt: skip
"""Of the standard library, by the first word; what is put off is there and not loaded."""

OURS = {
    "cli", "clock", "config", "deferred", "desktop", "domain", "early_end", "errors", "failures",
    "flows.base", "flows.callback_ports", "flows.registry", "import_path", "oauth.endpoints",
    "option_names",
    "process", "providers", "secret", "server_options", "service.actions", "service.auth_service",
    "service.change_cause",
    "service.environment_notice", "service.events", "service.held_tokens",
    "service.issuer_talk", "service.login_cache", "service.login_in_use", "service.methods",
    "service.notices",
    "service.opening", "service.policy", "service.refresh_need", "service.refresh_record",
    "service.revocation", "service.status_keeper", "stores.base", "stores.disk",
    "stores.disk_thread", "stores.document", "stores.file", "stores.hanging",
    "stores.json_text", "stores.lock", "stores.lock_holder",
    "stores.memory", "stores.mount_table", "stores.mounted_file", "stores.permissions",
    "stores.replacement", "stores.select", "stores.setting", "transport.announcer",
    "transport.client", "transport.conversation", "transport.direct_answers",
    "transport.envelope", "transport.error_replies", "transport.framing",
    "transport.json_text", "transport.late_dispatcher", "transport.parent",
    "transport.plain_params", "transport.progress", "transport.serve", "transport.shared_look",
    "transport.stdio", "values", "wire.methods",
}  # fmt: skip

IDLE_SECONDS = 3.0
"""For how long nothing may happen."""


def frame(**message: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


HELLO = frame(id=0, method="initialize", params={"capabilities": {"experimental": {"auth": {}}}})
FIRST = frame(method="initialized", params={}) + frame(id=1, method="auth/status")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    login = {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-example-of-a-test"}
    (tmp_path / "auth.json").write_text(json.dumps(login))
    (tmp_path / "auth.json").chmod(0o600)
    (tmp_path / "config.toml").write_text("")
    return tmp_path


def test_first_status_loads_what_it_needs_and_no_event_loop(home):
    """The third parties that are there come with the interpreter's own start."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", FIRST_STATUS, home],
        input=HELLO + FIRST,
        capture_output=True,
        check=True,
    )
    kind, *names = json.loads(done.stderr)
    bare = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split()

    assert b'"signedIn"' in done.stdout
    assert kind == "_Deferred"
    loaded = set(names) - set(bare)
    ours = {name for name in loaded if name.partition(".")[0] == "codex_auth_lsp"}
    public = {name.partition(".")[0] for name in loaded - ours if not name.startswith("_")}
    assert public - STANDARD == set()
    inside = {name.partition(".")[2] for name in ours}
    allowed = OURS | {name.partition(".")[0] for name in OURS} | {""}
    assert {
        name for name in inside if name not in allowed and name.partition(".")[0] not in OURS
    } == set()
    assert {name for name in OURS if name not in inside} == set()


class Window:
    """A running language server, looked at through /proc."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._proc = Path("/proc", str(process.pid))

    def ask(self, number: int) -> None:
        """Ask for the status and wait for the answer."""
        pipe(self.process.stdin).write(frame(id=number, method="auth/status"))
        pipe(self.process.stdin).flush()
        self.receive(b'"id":%d,' % number)

    def receive(self, words: bytes) -> None:
        received = b""
        while words not in received:
            data = os.read(pipe(self.process.stdout).fileno(), 1 << 16)
            assert data, "the server has ended"
            received += data

    def counts(self) -> tuple[Any, ...]:
        """Return its threads, open files, and how often it ran and what that took."""
        status = (self._proc / "status").read_text()
        times = (self._proc / "stat").read_text().rpartition(") ")[2].split()[11:13]
        switches = re.findall(r"^voluntary_ctxt_switches:\s*(\d+)$", status, re.MULTILINE)
        return (len(list((self._proc / "task").iterdir())), self.open_files(), switches, times)

    def open_files(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for entry in (self._proc / "fd").iterdir():
            name = str(entry.readlink())
            kind, _, _ = name.partition(":")
            found[name if kind in {"anon_inode", name} else kind] += 1
        return found

    def settled(self) -> tuple[Any, ...]:
        """Return the counts once two in a row are the same."""
        deadline, before = time.monotonic() + 30, self.counts()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.counts()
            if now == before:
                return now
            before = now
        raise AssertionError(f"it never came to rest: {before}")


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


@contextmanager
def window(home: Path) -> Iterator[Window]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "codex_auth_lsp", "--codex-home", home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        found = Window(process)
        pipe(process.stdin).write(HELLO)
        pipe(process.stdin).flush()
        found.receive(b'"id":0,')
        pipe(process.stdin).write(FIRST)
        pipe(process.stdin).flush()
        found.receive(b'"id":1,')
        yield found
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_idle_window_has_two_threads_few_files_and_never_wakes_up(home):
    """No timer, no poll: the kernel tells of changes, and nothing else happens."""
    with window(home) as idle:
        before = idle.settled()
        time.sleep(IDLE_SECONDS)

        assert idle.counts() == before
        threads, files, *_ = before
        assert threads == 2  # its own, and the one that looks at the disk
        assert files == {
            "/dev/null": 3,  # stderr here; stdin and stdout, once they are taken for frames
            "pipe": 4,  # two that wake the event loop when a signal comes
            "anon_inode:[eventpoll]": 1,
            "socket": 2,  # the event loop's own, for signals
            "anon_inode:inotify": 1,
            f"/proc/{idle.process.pid}/mountinfo": 1,
        }


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_thousand_requests_leave_nothing_behind(home):
    """Neither a thread nor an open file."""
    with window(home) as asked:
        before = asked.settled()[:2]
        for number in range(2, 1002):
            asked.ask(number)

        assert asked.settled()[:2] == before
