"""Every check of this project in one command: `make test`, or `make lint` with --lint-only.

Sets up what is missing, then runs one step after the other and goes on when one has failed. pytest
comes last, so that its summary closes the output; what failed before stands right above it. It runs
test files side by side where each worker can have a network of its own. What this machine lacks
skips a step, by name; with CI=true it fails the step.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from support.long_runs import to_its_end

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ROOT / "tests" / "parts"
CLIENT = ROOT / "vscode-client"
PYTHON_FOLDERS = ("server", "tests", "vscode-client/scripts")
IN_CI = os.environ.get("CI") == "true"

COMMAND_SECONDS = 600.0
"""How long one command may take: a ceiling against hangs, far from what any of them needs."""

LAST_LINES = 40
"""How many lines of a failed command are shown once more at the end."""

DOWNLOAD_ATTEMPTS = 3
MOST_WORKERS = 4
NODE_VERSION = "20.19"


class Missing(Exception):
    """Something that a step needs is not on this machine; the text says what, and the remedy."""


@dataclass(frozen=True)
class Result:
    """How a step went: `ok`, `FAILED` or `skipped`."""

    name: str
    outcome: str
    seconds: float
    detail: str = ""
    last_lines: str = ""

    def __str__(self) -> str:
        line = f"{self.outcome:<8}{self.seconds:7.1f} s  {self.name}"
        return f"{line}: {self.detail}" if self.detail else line


def step(name: str, action: Callable[[], None]) -> Result:
    """Do one step and say how it went."""
    say(f"\n=== {name}")
    started = time.monotonic()
    outcome, detail, last_lines = "ok", "", ""
    try:
        action()
    except Missing as exc:
        outcome, detail = "FAILED" if IN_CI else "skipped", str(exc)
    except (OSError, subprocess.SubprocessError) as exc:
        outcome, detail, last_lines = "FAILED", str(exc), getattr(exc, "output", None) or ""
    result = Result(name, outcome, time.monotonic() - started, detail, last_lines)
    if detail:
        say(str(result))
    return result


def command(*words: str, folder: Path = ROOT, **environment: str) -> None:
    """Run a command and show its output; when it is stopped, so is all that it started."""
    say("$ " + " ".join(words))
    last: deque[str] = deque(maxlen=LAST_LINES)
    is_late = threading.Event()
    with subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:

        def end_it() -> None:
            is_late.set()
            os.killpg(process.pid, signal.SIGKILL)

        late = threading.Timer(COMMAND_SECONDS, end_it)
        late.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
                last.append(line)
            status = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            late.cancel()
    if is_late.is_set():
        raise subprocess.TimeoutExpired(words[0], COMMAND_SECONDS, "".join(last))
    if status != 0:
        raise subprocess.CalledProcessError(status, words[0], "".join(last))


def say(text: str) -> None:
    """Print at once, in order with what the commands print."""
    print(text, flush=True)


def debian_packages() -> None:
    """Install what tests/parts/debian.txt lists in CI; elsewhere say what of it is not there."""
    if shutil.which("dpkg-query") is None:
        raise Missing("this is no Debian machine; tests that need its programs are skipped")
    wanted = (PARTS / "debian.txt").read_text().split()
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *wanted]
    listed = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    missing = [name for name in wanted if f"{name} installed" not in listed]
    if not missing:
        say(f"All there: {', '.join(wanted)}")
        return
    if not IN_CI:
        raise Missing(f"{', '.join(missing)} not installed; `sudo make parts` does it")
    apt_get = partial(command, "apt-get", "-qq", "-o", "Acquire::Retries=3")
    patient = partial(apt_get, "-o", "DPkg::Lock::Timeout=120", DEBIAN_FRONTEND="noninteractive")
    attempt_often(lambda: patient("update"))
    attempt_often(lambda: patient("install", "-y", "--no-install-recommends", *missing))


def newer_editors() -> None:
    """Unpack the editors of a newer Debian into tests/parts/newer in CI, which runs as root."""
    if (PARTS / "newer" / ".release").is_file():
        say("All there")
    elif IN_CI:
        attempt_often(lambda: command(str(PARTS / "newer_editors.sh")))
    else:
        raise Missing("newer editors are not unpacked; `sudo make parts` does it")


def npm_packages(folder: Path) -> None:
    """Install what a folder's lock file says, unless that was done."""
    need_node()
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    stamp = folder / "node_modules" / ".installed-lock"
    if stamp.is_file() and stamp.read_text() == lock:
        say("All there, as the lock file says")
        return
    attempt_often(lambda: command("npm", "ci", "--loglevel=error", folder=folder))
    stamp.write_text(lock)


def workbench() -> None:
    """Drive the packaged extension in a real VS Code workbench with a real browser."""
    need_node()
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Missing("the workbench runs on Linux on x86_64 alone")
    chromium = shutil.which("chromium")
    if chromium is None:
        raise Missing("chromium not installed; `sudo make parts` does it")
    attempt_often(lambda: command("npm", "run", "--silent", "workbench", folder=CLIENT))
    command("node", "test/workbench.mjs", folder=CLIENT, CHROMIUM=chromium)


def need_node() -> None:
    """Raise `Missing` unless Node and npm are there, new enough."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise Missing(f"no Node on this machine; install Node {NODE_VERSION} or newer")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
    found, wanted = version.stdout.strip().lstrip("v").split("."), NODE_VERSION.split(".")
    if [int(part) for part in found[:2]] < [int(part) for part in wanted]:
        raise Missing(f"Node {version.stdout.strip()} is too old; install {NODE_VERSION} or newer")


def attempt_often(action: Callable[[], None]) -> None:
    """Do what needs a download, which may fail for reasons that pass."""
    for _ in range(DOWNLOAD_ATTEMPTS - 1):
        try:
            action()
        except subprocess.SubprocessError as exc:
            say(f"{exc} Once more ...")
        else:
            return
    action()


def python(*words: str) -> Callable[[], None]:
    """Return a step that runs one of the development tools."""
    return lambda: command(sys.executable, "-m", *words)


def npm_run(script: str) -> Callable[[], None]:
    """Return a step that runs a script of the VS Code client."""

    def action() -> None:
        need_node()
        command("npm", "run", "--silent", script, folder=CLIENT)

    return action


SET_UP = {
    "Debian packages": debian_packages,
    "newer editors": newer_editors,
    "npm packages of the tests": lambda: npm_packages(PARTS),
}
LINT = {
    "npm packages of the client": lambda: npm_packages(CLIENT),
    "ruff check": python("ruff", "check", *PYTHON_FOLDERS),
    "ruff format": python("ruff", "format", "--check", *PYTHON_FOLDERS),
    "mypy": python("mypy"),
    "client: types": npm_run("typecheck"),
    "client: eslint": npm_run("lint"),
}
CLIENT_TESTS = {
    "client: unit tests": npm_run("test"),
    "client: package": npm_run("package"),
    "client: package with its server": npm_run("package:bundled"),
    "client: in a real workbench": workbench,
}


@dataclass(frozen=True)
class EarlierFailures:
    """A pytest plugin that tells above pytest's own summary what had failed before."""

    results: list[Result]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write a section where there is something to tell."""
        failed = [result for result in self.results if result.outcome == "FAILED"]
        if failed:
            terminalreporter.section("steps before pytest that failed", red=True)
            for result in failed:
                terminalreporter.line(str(result))
                terminalreporter.write(result.last_lines)


def workers() -> list[str]:
    """Return what has pytest run test files side by side, where each worker has its own ports."""
    script = "import loopback_only as it, sys; it.enforce(); sys.exit(not it.children_too)"
    alone = subprocess.run([sys.executable, "-c", script], cwd=ROOT / "tests", check=False)
    count = min(os.cpu_count() or 1, MOST_WORKERS) if alone.returncode == 0 else 1
    return ["--numprocesses", str(count), "--dist", "loadfile"] if count > 1 else []


def main() -> int:
    """Run the steps, then pytest; return the exit status."""
    parser = argparse.ArgumentParser(description="Run every check of this project.")
    parser.add_argument("--lint-only", action="store_true", help="linters and type checks alone")
    lint_only = parser.parse_args().lint_only
    os.chdir(ROOT)
    steps = LINT if lint_only else SET_UP | LINT | CLIENT_TESTS
    results = [step(name, action) for name, action in steps.items()]
    say("\n" + "\n".join(map(str, results)) + "\n")
    failed = any(result.outcome == "FAILED" for result in results)
    if not lint_only:
        import pytest

        failed |= pytest.main(workers(), plugins=[EarlierFailures(results)]) != pytest.ExitCode.OK
    return int(failed)


if __name__ == "__main__":
    to_its_end(main, "what was set up is kept")
