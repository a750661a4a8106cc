"""A module that is put off is not loaded by an import, and is itself once it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from codex_auth_lsp.deferred import defer


def run(script: str) -> str:
    """Return what a new interpreter prints."""
    command = [sys.executable, "-I", "-c", f"import sys\n{script}"]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def test_import_of_the_package_loads_none_of_what_it_puts_off():
    """However often and wherever it is imported."""
    script = (
        "import codex_auth_lsp\n"
        "import asyncio, socket, subprocess\n"
        "import asyncio as again\n"
        "print('asyncio.events' in sys.modules, '_socket' in sys.modules, again is asyncio)\n"
    )

    assert run(script) == "False False True"


@pytest.mark.parametrize(
    "use",
    [
        "asyncio.run(work())",
        "from asyncio import run; run(work())",
        "import asyncio.runners; asyncio.runners.run(work())",
        "import importlib; importlib.import_module('asyncio').run(work())",
    ],
)
def test_first_use_loads_the_whole_module_in_its_place(use):
    """Whoever imported it before has the same one."""
    script = (
        "import codex_auth_lsp\n"
        "import asyncio\n"
        "async def work(): print('worked')\n"
        f"{use}\n"
        "print(type(asyncio).__name__, sys.modules['asyncio'] is asyncio)\n"
    )

    assert run(script) == "worked\nmodule True"


def test_what_a_module_does_not_have_is_an_error_as_ever():
    """Also at the first use."""
    script = (
        "import codex_auth_lsp\n"
        "import asyncio\n"
        "try: asyncio.nonsense\n"
        "except AttributeError as exc: print(exc)\n"
    )

    assert run(script) == "module 'asyncio' has no attribute 'nonsense'"


def test_module_that_is_loaded_or_nowhere_is_not_put_off():
    """The one stays what it is, the other is told of at once."""
    defer("sys")
    assert type(sys).__name__ == "module"
    with pytest.raises(ModuleNotFoundError):
        defer("no_module_of_this_name")


def test_threads_that_use_it_first_all_find_it_whole():
    """One loads it, and the others wait for that."""
    script = (
        "import codex_auth_lsp, threading, ssl\n"
        "sys.setswitchinterval(1e-6)\n"
        "start, found = threading.Barrier(8), []\n"
        "def use():\n"
        "    start.wait()\n"
        "    found.append(ssl.create_default_context.__name__)\n"
        "threads = [threading.Thread(target=use) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(found == ['create_default_context'] * 8)\n"
    )

    assert run(script) == "True"


def test_nobody_sees_half_of_a_module_that_another_thread_loads(tmp_path):
    """What it has defined already may not work before the rest is there."""
    (tmp_path / "slow.py").write_text(
        "import threading\n"
        "def use(): return late\n"
        "begun.set()\n"
        "threading.Event().wait(0.2)\n"
        "late = 'there'\n"
    )
    script = (
        f"import builtins, threading\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from codex_auth_lsp.deferred import defer\n"
        "builtins.begun = threading.Event()\n"
        "defer('slow')\n"
        "import slow\n"
        "threading.Thread(target=lambda: slow.late).start()\n"
        "begun.wait()\n"
        "print(slow.use())\n"
    )

    assert run(script) == "there"


@pytest.mark.parametrize(
    "use",
    [
        "from asyncio import sslproto; sslproto.SSLProtocol",
        "import asyncio.sslproto; asyncio.sslproto.SSLProtocol",
        "import asyncio; asyncio.run; asyncio.sslproto.SSLProtocol",
        "import asyncio.base_events as it; it.sslproto.SSLProtocol",
    ],
)
def test_part_of_a_package_is_put_off_and_found_in_it(use):
    """What asyncio needs for TLS alone, and for nothing that an idle window does."""
    script = (
        "import codex_auth_lsp, asyncio\n"
        "asyncio.run\n"
        "print(type(sys.modules['ssl']).__name__, end=' ')\n"
        f"{use}\n"
        "print(type(sys.modules['asyncio.sslproto']).__name__, type(sys.modules['ssl']).__name__)\n"
    )

    assert run(script) == "_Deferred module module"


def test_module_that_fails_to_load_may_be_tried_again(tmp_path):
    """The error is told as an import would tell it."""
    (tmp_path / "moody.py").write_text(
        "import sys\n"
        "sys.tries = getattr(sys, 'tries', 0) + 1\n"
        "if sys.tries == 1: raise RuntimeError('not yet')\n"
        "mood = 'good'\n"
    )
    script = (
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from codex_auth_lsp.deferred import defer\n"
        "defer('moody')\n"
        "import moody\n"
        "try: moody.mood\n"
        "except RuntimeError as exc: print(exc, end=', ')\n"
        "print(moody.mood)\n"
    )

    assert run(script) == "not yet, good"
