"""The bench itself: the runner tells what failed, and no test reaches a network or a login."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import loopback_only
import run
from codex_auth_lsp.config.home import resolve_codex_home


@pytest.fixture
def in_ci(monkeypatch):
    monkeypatch.setattr(run, "IN_CI", True)


@pytest.fixture(autouse=True)
def not_in_ci(monkeypatch):
    monkeypatch.setattr(run, "IN_CI", False)


def missing() -> None:
    raise run.Missing("no such program; install it")


def test_step_that_works_is_ok(capfd):
    """What its command prints is shown after the command itself."""
    result = run.step("a step", lambda: run.command(sys.executable, "-c", "print('said')"))

    assert (result.outcome, result.detail) == ("ok", "")
    assert capfd.readouterr().out.splitlines()[-2:] == [
        f"$ {sys.executable} -c print('said')",
        "said",
    ]


def test_step_that_fails_is_told_with_its_status():
    """By the command's exit status, or because there is no such command."""
    failed = run.step("a step", lambda: run.command(sys.executable, "-c", "raise SystemExit(3)"))
    absent = run.step("a step", lambda: run.command("/nowhere/program"))

    assert (failed.outcome, absent.outcome) == ("FAILED", "FAILED")
    assert "exit status 3" in failed.detail
    assert "No such file" in absent.detail


def test_step_without_its_program_is_skipped_by_name():
    """On a person's machine."""
    result = run.step("a step", missing)

    assert (result.outcome, result.detail) == ("skipped", "no such program; install it")


def test_step_without_its_program_fails_in_ci(in_ci):
    """There is no skipping where nobody looks."""
    assert run.step("a step", missing).outcome == "FAILED"


def test_command_that_takes_too_long_is_ended_with_all_that_it_started(monkeypatch, tmp_path):
    """No step goes on in the background."""
    monkeypatch.setattr(run, "COMMAND_SECONDS", 1.0)
    alive = tmp_path / "alive"
    script = f"trap '' TERM; (exec 9>{alive}; flock 9; cat /dev/zero >/dev/null) & wait"
    result = run.step("a step", lambda: run.command("bash", "-c", script))
    with alive.open("a") as lock:
        subprocess.run(["flock", "--timeout", "10", str(lock.fileno())], pass_fds=[lock.fileno()],
                       check=True)  # fmt: skip

    assert result.outcome == "FAILED"
    assert "timed out" in result.detail


def test_failed_steps_stand_above_the_summary_of_pytest(tmp_path):
    """The summary alone would hide them."""
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass")
    script = (
        "import sys, pytest, run\n"
        "results = [run.Result('types', 'FAILED', 1.0, 'why'), run.Result('style', 'ok', 1.0)]\n"
        "pytest.main(['--rootdir', '.', 'test_nothing.py'], [run.EarlierFailures(results)])"
    )
    process = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(run.__file__).parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, heading, step, summary = (line for line in process.stdout.splitlines() if line)

    assert "steps before pytest that failed" in heading
    assert step == "FAILED      1.0 s  types: why"
    assert "1 passed" in summary


@pytest.mark.parametrize(
    "leave",
    [
        lambda _: socket.create_connection(("example.com", 80), timeout=1),
        lambda _: socket.getaddrinfo("example.com", 443),
        lambda _: socket.gethostbyname("example.com"),
        lambda any_socket: any_socket.connect(("192.0.2.1", 80)),
        lambda any_socket: any_socket.connect_ex(("192.0.2.1", 80)),
        lambda any_socket: any_socket.sendto(b"", ("192.0.2.1", 53)),
        lambda any_socket: any_socket.sendmsg([b""], (), 0, ("192.0.2.1", 53)),
    ],
    ids=range(7),
)
def test_no_test_leaves_this_machine(leave):
    """Neither by address nor by name; the test fails at the place where it tries."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket,
        pytest.raises(loopback_only.LeavesTheMachine),
    ):
        leave(any_socket)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "localhost"])
def test_loopback_is_open_to_every_test(address):
    """By each of its addresses, and by name."""
    with socket.create_server((address, 0)) as server:
        socket.create_connection((address, server.getsockname()[1])).close()


def test_no_process_of_a_test_leaves_this_machine():
    """A server that was started without an issuer cannot ask the real one."""
    if not loopback_only.children_too:
        pytest.skip("only root can give processes a network of their own")
    script = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    process = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True)

    assert "Network is unreachable" in process.stderr


def test_environment_of_a_test_says_nothing():
    """Neither where a login is nor which proxy to take, nor who sits in front of the screen."""
    prefixes = ("CODEX_", "OPENAI_", "XDG_", "SSH_", "VSCODE_", "HTTP_PROXY", "HTTPS_PROXY")

    assert [name for name in os.environ if name.upper().startswith(prefixes)] == []
    assert {"BROWSER", "DISPLAY", "SSL_CERT_FILE", "PYTHON_KEYRING_BACKEND"} & set(
        os.environ
    ) == set()


def test_nobodys_own_login_is_in_reach():
    """The default folder is not there, and cannot be made."""
    home = resolve_codex_home(None, os.environ)

    assert home.chosen_by == "default"
    assert not home.path.parent.exists()
