"""`codex-auth-lsp demo` as a person runs it: what it shows, how it ends, what it leaves."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from support.lsp_client import clean_environment, mask, server_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

DEADLINE = 60.0
"""Seconds that a tour may take here: a ceiling against hangs."""

CALLBACK_PORTS = (1455, 1457)

MILESTONES = (
    r"every editor window knows",
    r"^1 Two editor windows",
    r"○ Codex: Sign In .*○ Codex: Sign In",
    r"^2 Window A signs in\. No browser is at hand, so the demo plays one\.",
    r"A → auth/login ",
    r"A ← auth/loginPrompt ",
    r"A ← auth/statusChanged .*cause login, origin thisServer",
    r"A ← auth/loginCompleted .*signedIn",
    r"B ← auth/statusChanged .*cause externalChange, origin otherProcess +after [\d.]+ m?s",
    r"auth\.json .*mode 0600",
    r"● plus@example\.com .*● plus@example\.com",
    r"^3 Both use the login",
    r"auth/credential .*headers for http://127\.0\.0\.1:\d+/v1 alone",
    r"GET /v1/models .*200 .*401",
    r"auth/credential .*rejectedRevision 1, answered with revision 2",
    r"GET /v1/models .*200 .*1 token request",
    r"^4 Another program signs out: codex-auth-lsp logout",
    r"Signed out of Codex",
    r"A ← auth/statusChanged .*cause externalChange, origin otherProcess +after [\d.]+ m?s",
    r"B ← auth/statusChanged .*cause externalChange, origin otherProcess +after [\d.]+ m?s",
    r"GET /v1/models .*401",
    r"○ Codex: Sign In .*○ Codex: Sign In",
    r"^Done in [\d.]+ s",
    r"README\.md .*protocol\.md",
    r"codex-auth-lsp sandbox",
)
"""What the lines of a tour say, in this order."""

COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Person:
    """Somebody with a home and a folder for temporary files, who runs the demo."""

    folder: Path

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary"

    def start(self, environment: Mapping[str, str], **streams: int) -> subprocess.Popen[bytes]:
        """Start the demo as the head of a process group of its own."""
        self.temporary.mkdir(exist_ok=True)
        return subprocess.Popen(
            server_command(log_level=None, arguments=["demo"]),
            cwd=self.folder,
            env=clean_environment(
                self.folder, {"TMPDIR": str(self.temporary), "CI": "true", **environment}
            ),
            start_new_session=True,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **streams,
            },
        )

    def run(self, **environment: str) -> Tour:
        """Run the demo to its end, with pipes."""
        process = self.start(environment)
        with ended(process):
            stdout, stderr = process.communicate(timeout=DEADLINE)
        return Tour(process, stdout.decode(), stderr.decode())

    def leftovers(self, process: subprocess.Popen[bytes], output: str = "") -> list[str]:
        """Return what is still there of a demo that has ended."""
        ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", output)}
        left = [f"the file {path}" for path in self.temporary.iterdir()]
        left += [f"port {port}" for port in ports if not is_free(port)]
        if (self.folder / "person" / ".codex").exists():
            left.append("the person's own Codex folder")
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 0)
            left.append("a process")
        return left


@dataclass(frozen=True)
class Tour:
    """A demo that has ended."""

    process: subprocess.Popen[bytes]
    stdout: str
    stderr: str


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the whole group where a test breaks off."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def is_free(port: int) -> bool:
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def missing_milestones(output: str) -> list[str]:
    """Return the milestones from the first on that no further line shows."""
    milestones = list(MILESTONES)
    for line in output.splitlines():
        if milestones and re.search(milestones[0], line):
            del milestones[0]
    return milestones


def test_demo_without_a_terminal_plays_the_browser_and_leaves_nothing(person: Person):
    """The whole tour runs by itself, is for a newcomer's one screen, and is as if never run."""
    tour = person.run()

    assert (tour.process.returncode, tour.stderr) == (0, "")
    assert missing_milestones(tour.stdout) == []
    assert max(map(len, tour.stdout.splitlines())) <= 80
    assert len(tour.stdout.splitlines()) <= 48
    assert "\x1b" not in tour.stdout
    assert mask(tour.stdout) == tour.stdout, "it shows what looks like a secret"
    assert person.leftovers(tour.process, tour.stdout) == []


def test_demo_leaves_the_persons_own_sign_in_out_of_it(person: Person):
    """Variables of a real sign-in neither reach the tour's programs nor change what they show."""
    home = person.folder / "own"
    home.mkdir()
    tour = person.run(
        CODEX_HOME=str(home),
        CODEX_ACCESS_TOKEN="at-own-0123456789",
        CODEX_API_KEY="sk-own-0123456789",
        CODEX_AUTH_LSP_ISSUER="https://issuer.invalid",
        CODEX_REFRESH_TOKEN_URL_OVERRIDE="http://127.0.0.1:9/refresh",
        OPENAI_API_KEY="sk-own-0123456789",
    )

    assert (tour.process.returncode, tour.stderr) == (0, "")
    assert missing_milestones(tour.stdout) == []
    assert list(home.iterdir()) == []


def test_demo_with_both_callback_ports_taken_says_so_in_one_line(person: Person):
    """What stands in the way is named, with status 1, and nothing is left behind."""
    with socket.socket() as first, socket.socket() as second:
        for listener, port in zip((first, second), CALLBACK_PORTS, strict=True):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):  # taken by somebody else is taken, too
                listener.bind(("127.0.0.1", port))
                listener.listen()
        tour = person.run()

    assert tour.process.returncode == 1
    assert re.fullmatch(r"codex-auth-lsp: .*1455 and 1457.*\n", tour.stderr)
    assert "Done in" not in tour.stdout
    assert person.leftovers(tour.process) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_that_is_stopped_leaves_nothing(person: Person, number: signal.Signals):
    """Ctrl-C, a kill and a closed terminal end the tour with everything tidied up."""
    process = person.start({})
    with ended(process):
        assert process.stdout is not None
        while not process.stdout.readline().startswith(b"1 Two editor windows"):
            pass
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=DEADLINE)

    assert process.returncode == 130
    assert b"Done in" not in stdout
    assert re.fullmatch(rb"codex-auth-lsp: .*nothing is left behind\n", stderr)
    assert person.leftovers(process) == []


def test_demo_whose_reader_goes_away_ends_quietly(person: Person):
    """`codex-auth-lsp demo | head -1` leaves no process, no folder and no complaint."""
    process = person.start({})
    with ended(process):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        stderr = process.stderr.read()
        process.wait(DEADLINE)
        process.stderr.close()

    assert (process.returncode, stderr) == (1, b"")
    assert person.leftovers(process) == []


@pytest.fixture
def run_in_terminal(person: Person) -> Callable[..., str]:
    """Run the demo in a terminal, and return what that shows."""

    def run(**environment: str) -> str:
        ours, theirs = pty.openpty()
        process = person.start(
            {"TERM": "xterm", **environment}, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        shown = bytearray()
        with ended(process), suppress(OSError):  # how a terminal says that it was left
            while data := os.read(ours, 65536):
                shown += data
        os.close(ours)
        assert process.wait(DEADLINE) == 0
        return shown.decode().replace("\r\n", "\n")

    return run


def test_demo_in_a_terminal_has_colours_that_change_no_word(run_in_terminal: Callable[..., str]):
    """Who sees colours and who does not read the same."""
    shown = run_in_terminal()

    assert COLOUR.search(shown)
    assert missing_milestones(COLOUR.sub("", shown)) == []
    assert max(map(len, COLOUR.sub("", shown).splitlines())) <= 80


def test_demo_in_a_plain_terminal_keeps_to_ascii_without_colours(
    run_in_terminal: Callable[..., str],
):
    """`NO_COLOR` and the C locale are respected, in a terminal too."""
    shown = run_in_terminal(NO_COLOR="1", LC_ALL="C")

    assert shown.isascii()
    assert "\x1b" not in shown
    assert "A < auth/statusChanged" in shown
    assert "| " in shown
