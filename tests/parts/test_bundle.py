"""The copy of the server for a .vsix: complete, for one Python, and clear about any other."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.lsp_client import LanguageClient, clean_environment
from support.parts import old_python

if TYPE_CHECKING:
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

SCRIPT = Path(__file__).resolve().parents[2] / "vscode-client" / "scripts" / "bundle_server.py"

DEADLINE = 60.0
"""Seconds that a command may take: a ceiling against hangs."""

BARE_PYTHON = str(getattr(sys, "_base_executable", sys.executable))
"""The Python that the checkout's .venv was made of, which knows nothing of its packages."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the copy."""
    folder = tmp_path_factory.mktemp("bundle") / "server"
    subprocess.run([sys.executable, SCRIPT, folder], check=True, timeout=DEADLINE)
    return folder


def run(tmp_path: Path, bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BARE_PYTHON, "-I", bundle, *words],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=clean_environment(tmp_path),
    )


def test_the_copy_has_all_that_the_server_needs(tmp_path: Path, bundle: Path):
    """Every library comes out of the folder, and nothing of the checkout is on its path."""
    doctor = json.loads(run(tmp_path, bundle, "doctor", "--json").stdout)
    (versions,) = [check for check in doctor["checks"] if check["id"] == "versions"]
    shown = "import sys; sys.path.insert(0, sys.argv[1]); import codex_auth_lsp, pydantic_core, jwt"
    where = subprocess.run(
        [BARE_PYTHON, "-I", "-c", f"{shown}; print(pydantic_core.__file__)", bundle],
        capture_output=True,
        text=True,
        check=True,
    )

    assert versions["status"] == "ok"
    assert Path(where.stdout.strip()).is_relative_to(bundle)
    assert list(bundle.rglob("direct_url.json")) == []
    assert list(bundle.rglob("*.dist-info/**/*LICENSE*")) != []


async def test_the_copy_signs_in(
    tmp_path: Path,
    bundle: Path,
    home: CodexHome,
    sandbox: Sandbox,
    browser: Browser,
):
    """With its compiled parts too: params are validated and an id token's signature is checked."""
    command = [BARE_PYTHON, "-I", str(bundle), "--codex-home", str(home.path)]
    command += ["--issuer", sandbox.issuer]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=clean_environment(tmp_path),
    )
    client = LanguageClient(process, command, "bundled")
    await client.initialize()
    result = await browser.sign_in(client)
    await client.close()

    assert result["status"]["account"]["label"] == "plus@example.com"


@pytest.mark.parametrize("change", [{"python": "3.4"}, {"machine": "pdp11"}], ids=lambda c: str(c))
def test_the_copy_says_in_one_line_that_it_is_for_another(tmp_path: Path, bundle: Path, change):
    """Compiled parts of one Python and machine crash or are not found on another."""
    other = tmp_path / "server"
    other.mkdir()
    (other / "__main__.py").write_text((bundle / "__main__.py").read_text())
    kind = json.loads((bundle / "bundle.json").read_text())
    (other / "bundle.json").write_text(json.dumps({**kind, **change}))

    done = run(tmp_path, other)

    (line,) = done.stderr.splitlines()
    assert line.startswith("the bundled server needs cpython")
    assert next(iter(change.values())) in line
    assert done.returncode == 1


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(version, marks=pytest.mark.part(f"python{version}"))
        for version in ("3.8", "3.9", "3.10")
    ],
)
def test_an_old_python_reads_the_line_too(tmp_path: Path, bundle: Path, version: str):
    """What says that a Python is too old must itself be understood by it."""
    python = old_python(version)
    assert python is not None

    done = subprocess.run(
        [python, "-I", bundle], capture_output=True, text=True, env=clean_environment(tmp_path)
    )

    assert f"and this is cpython {version} " in done.stderr
    assert len(done.stderr.splitlines()) == 1
