"""A Python beside the checkout's own whose every process is measured.

Tests start servers in an empty environment and isolated (`-I`), so nothing in the environment could
ask for a measurement. Its site-packages do: a `.pth` file starts coverage before anything else, and
another one leads to the packages of the checkout's `.venv`, so that nothing is installed twice.
"""

from __future__ import annotations

import sysconfig
import venv
from pathlib import Path

from prove.versions import ROOT

PACKAGE = ROOT / "server" / "codex_auth_lsp"

_START = """\
import atexit
import contextlib
import os

import coverage

os.environ["COVERAGE_PROCESS_START"] = {settings!r}
measurement = coverage.process_startup()
del os.environ["COVERAGE_PROCESS_START"]  # no test shall see it


def save():
    # Some tests let every write of a process fail, or start it as a user who may write nothing.
    with contextlib.suppress(Exception):
        measurement._atexit()


if measurement is not None:
    atexit.unregister(measurement._atexit)
    atexit.register(save)
"""

_SETTINGS = """\
[run]
branch = true
parallel = true
data_file = {data}
source = {package}
patch = _exit
disable_warnings = no-data-collected,module-not-measured,module-not-imported,couldnt-parse
"""


def make(folder: Path, data: Path) -> Path:
    """Make it anew, and return its interpreter; each of its processes leaves a file `data.*`."""
    settings = folder / "settings.ini"
    venv.create(folder, clear=True, symlinks=True, with_pip=False)
    settings.write_text(_SETTINGS.format(data=data, package=PACKAGE))
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", scheme))
    (packages / "codex_measured.py").write_text(_START.format(settings=str(settings)))
    ours = sysconfig.get_path("purelib")
    # In the order of their names: what is measured has to be found before it is started.
    (packages / "1_packages.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    (packages / "2_measured.pth").write_text("import codex_measured\n")
    python = Path(sysconfig.get_path("scripts", "venv", scheme)) / "python"
    _copy_console_script(python)
    return python


def _copy_console_script(python: Path) -> None:
    """Put the console script beside an interpreter that it runs by."""
    genuine = Path(sysconfig.get_path("scripts")) / "codex-auth-lsp"
    _, _, rest = genuine.read_text().partition("\n")
    script = python.with_name(genuine.name)
    script.write_text(f"#!{python}\n{rest}")
    script.chmod(0o755)
