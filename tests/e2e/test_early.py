"""The first moments of a window, answered before its event loop: nothing is lost in them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pytest

from e2e.shapes import api_key_login, codex_bytes
from support.busy_machine import busy_machine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 20


def frame(message: dict[str, Any]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def request(number: int, method: str) -> bytes:
    return frame({"id": number, "method": method})


SPOKEN = {"capabilities": {"experimental": {"auth": {}}}}
HELLO = frame({"id": 0, "method": "initialize", "params": SPOKEN})
INITIALIZED = frame({"method": "initialized"})
END = request(99, "shutdown") + frame({"method": "exit"})


@contextmanager
def window(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "codex_auth_lsp", "--codex-home", folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def say(process: subprocess.Popen[bytes], data: bytes) -> None:
    pipe(process.stdin).write(data)
    pipe(process.stdin).flush()


def hear(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return the next message."""
    output = pipe(process.stdout)
    length = int(output.readline().removeprefix(b"Content-Length: "))
    output.readline()
    return dict(json.loads(output.read(length)))


def told(data: bytes) -> list[str]:
    """Return ids of answers and methods of notifications, in order."""
    found = []
    while data:
        header, _, rest = data.partition(b"\r\n\r\n")
        length = int(header.removeprefix(b"Content-Length: "))
        message, data = json.loads(rest[:length]), rest[length:]
        found.append(message.get("method") or str(message["id"]))
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


MESSAGES = [
    request(1, "auth/status"),
    INITIALIZED,
    request(2, "auth/status"),
    request(3, "auth/status"),
    request(4, "auth/methods"),
    request(5, "auth/status"),
    request(6, "no/such"),
    END,
]


@pytest.mark.parametrize("pieces", ["at once", "one by one", "byte by byte"])
def test_all_that_comes_at_the_start_is_answered_once_and_in_order(home, pieces):
    """Wherever the early part ends, and whatever was read with it."""
    with window(home) as process:
        data = b"".join([HELLO, *MESSAGES])
        if pieces == "at once":
            say(process, data)
        elif pieces == "one by one":
            for message in (HELLO, *MESSAGES):
                say(process, message)
        else:
            for place in range(len(data)):
                say(process, data[place : place + 1])
        output, _ = process.communicate(timeout=SECONDS)

    answers = told(output)
    assert [one for one in answers if one.isdigit()] == [*list("0123456"), "99"]
    assert answers.count("auth/statusChanged") == 1
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("data", "status", "answers"),
    [
        (b"", 0, []),
        (HELLO, 0, ["0"]),
        (HELLO + b"Content-", 0, ["0"]),
        (HELLO + frame({"method": "exit"}), 1, ["0"]),
        (HELLO + b"no frame\r\n\r\n", 1, ["0"]),
        (request(1, "auth/status"), 0, ["1"]),
        (frame({"method": "initialized"}) + HELLO, 0, ["0"]),
    ],
    ids=["nothing", "hello", "half a frame", "exit alone", "no frame", "too early", "odd order"],
)
def test_input_that_ends_early_ends_the_process_as_ever(home, data, status, answers):
    """What came is answered, and the exit status is the one that it has later."""
    with window(home) as process:
        output, _ = process.communicate(data, timeout=SECONDS)

    assert (process.returncode, told(output)) == (status, answers)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_at_once_ends_it_in_order(home, number):
    """Before the event loop and while that is loaded."""
    with window(home) as process:
        say(process, HELLO)
        assert hear(process)["id"] == 0
        os.kill(process.pid, number)

        assert process.wait(SECONDS) == 0


def test_change_between_the_first_status_and_the_watch_is_told(home):
    """The watch begins with a look, so what happened before it is announced by itself."""
    with window(home) as process:
        say(process, HELLO)
        hear(process)
        say(process, INITIALIZED + request(1, "auth/status"))
        startup, first = hear(process)["params"], hear(process)
        (home / "auth.json").write_bytes(codex_bytes(api_key_login("sk-example-of-a-test")))
        change = hear(process)["params"]

        assert (startup["cause"], startup["status"]["state"]) == ("startup", "signedOut")
        assert (first["id"], first["result"]["state"]) == (1, "signedOut")
        assert (change["cause"], change["status"]["state"]) == ("externalChange", "signedIn")


def test_busy_machine_keeps_neither_the_first_status_nor_a_change_back(home):
    """There the event loop comes late, so that other windows get their first status, too."""
    with busy_machine(), window(home) as process:
        say(process, HELLO)
        hear(process)
        say(process, INITIALIZED)
        startup = hear(process)["params"]
        (home / "auth.json").write_bytes(codex_bytes(api_key_login("sk-example-of-a-test")))
        change = hear(process)["params"]
        (home / "config.toml").write_text("model_provider = 'ollama'\n")
        while "cause" not in (setting := hear(process)["params"]):
            pass  # providers and a notice of the file's mode
        say(process, END)

        assert (startup["cause"], startup["status"]["state"]) == ("startup", "signedOut")
        assert (change["cause"], change["status"]["state"]) == ("externalChange", "signedIn")
        assert (setting["cause"], setting["status"]["provider"]["id"]) == ("configChange", "ollama")
        assert process.wait(SECONDS) == 0


def test_client_that_asks_for_nothing_hears_of_the_startup_status_all_the_same(home):
    """It is quiet, and the event loop comes."""
    with window(home) as process:
        say(process, HELLO)
        hear(process)
        say(process, INITIALIZED)

        assert hear(process)["params"]["cause"] == "startup"


def test_keyring_is_looked_into_by_the_event_loop(home):
    """A status that needs one is held until it is there."""
    (home / "config.toml").write_text('cli_auth_credentials_store = "keyring"\n')
    with window(home) as process:
        say(process, HELLO + INITIALIZED + request(1, "auth/status") + request(2, "auth/status"))
        output, _ = process.communicate(timeout=SECONDS)

    answers = told(output)
    assert [one for one in answers if one.isdigit()] == ["0", "1", "2"]
