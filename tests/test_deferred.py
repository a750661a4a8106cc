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
