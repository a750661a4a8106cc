"""What a hostile environment can make the language server import, load or write: nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import example_key
from support.lsp_client import LanguageClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import CodexHome
    from support.secrets_guard import SecretsGuard

TELLTALE = """
import os
with open(os.environ["TELLTALE"], "a") as told:
    told.write(__name__ + "\\n")
"""
"""Notes that it was imported."""

LIBRARIES = (
    "pygls", "lsprotocol", "cattrs", "pydantic", "pydantic_core", "httpx", "httpcore", "h11",
    "anyio", "keyring", "secretstorage", "jeepney", "dbus", "gi", "truststore", "jwt",
    "cryptography", "win32ctypes", "certifi", "idna",
    "socksio", "segno", "orjson", "uvloop",
)  # fmt: skip
"""What is imported when it is first needed, and what others look whether it is there."""

OF_THE_INTERPRETER = ("sitecustomize", "usercustomize", "evil", "ssl", "tomllib", "webbrowser")
"""What Python itself imports by a variable, and modules of its own that come late."""


@pytest.fixture
def hostile(tmp_path: Path) -> Callable[[tuple[str, ...]], dict[str, str]]:
    """Offer an environment in which everything leads to modules with these names."""

    def make(names: tuple[str, ...]) -> dict[str, str]:
        modules, person = tmp_path / "modules", tmp_path / "person"
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        user_site = person / ".local" / "lib" / version / "site-packages"
        for folder in (modules, tmp_path, user_site):
            folder.mkdir(parents=True, exist_ok=True)
            for name in names:
                (folder / f"{name}.py").write_text(TELLTALE)
        (user_site / "evil.pth").write_text("import evil\n")
        for variable in ("config", "data"):
            rc = person / variable / "python_keyring" / "keyringrc.cfg"
            rc.parent.mkdir(parents=True)
            rc.write_text(f"[backend]\ndefault-keyring=evil.Keyring\nkeyring-path={modules}\n")
        return {
            "TELLTALE": str(tmp_path / "telltale"),
            "PYTHONPATH": os.pathsep.join([str(modules), "."]),
            "PYTHONSTARTUP": str(modules / "evil.py"),
            "PYTHONUSERBASE": str(person / ".local"),
            "PYTHONWARNINGS": "error::evil.Warning",
            "PYTHONBREAKPOINT": "evil.breakpoint",
            "PYTHONINSPECT": "1",
            "PYTHONPROFILEIMPORTTIME": "1",
            "PYTHON_KEYRING_BACKEND": "evil.Keyring",
            "KEYRING_PROPERTY_KEYCHAIN": str(modules),
            "XDG_CONFIG_HOME": str(person / "config"),
            "XDG_DATA_HOME": str(person / "data"),
            "SSLKEYLOGFILE": str(tmp_path / "ssl-keys"),
        }

    return make


async def use_everything(client: LanguageClient) -> None:
    """Let it import whatever it has: the keyring, the network, pydantic and pygls."""
    await client.initialize()
    await client.wait_for("auth/statusChanged")
    await client.request_error("auth/login", {"method": "deviceCode"})
    await client.request("auth/doctor", {"network": True})
    await sign_in_with_key(client, example_key("isolated"))
    assert (await client.request("auth/status", {}))["method"] == "apiKey"
    assert await client.close() == 0


async def test_the_environment_and_the_working_directory_bring_in_no_code(
    home: CodexHome, tmp_path: Path, guard: SecretsGuard, hostile
):
    """(S18) Started as the clients start it, with every name that it or Python imports."""
    home.configure('cli_auth_credentials_store = "auto"\n')
    environment = hostile((*LIBRARIES, *OF_THE_INTERPRETER))
    environment |= {"PYTHONHOME": str(tmp_path), "PYTHONPLATLIBDIR": "evil"}

    client = await LanguageClient.start(
        tmp_path, home=home.path, issuer="http://127.0.0.1:1", environment=environment
    )
    guard.add_output("stderr", bytes(client.stderr))
    await use_everything(client)

    assert not (tmp_path / "telltale").exists()
    assert not (tmp_path / "ssl-keys").exists()


async def test_a_console_script_takes_its_libraries_from_where_it_is_installed(
    home: CodexHome, tmp_path: Path, hostile
):
    """(S18) No option of the interpreter protects it, so it does so itself, at once."""
    home.configure('cli_auth_credentials_store = "auto"\n')
    environment = hostile(LIBRARIES)
    del environment["PYTHONWARNINGS"], environment["PYTHONPROFILEIMPORTTIME"]

    for program in (
        [str(Path(sys.executable).with_name("codex-auth-lsp"))],
        [sys.executable, "-m", "codex_auth_lsp"],
    ):
        process = await asyncio.create_subprocess_exec(
            *program, "--codex-home", str(home.path), "--issuer", "http://127.0.0.1:1",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "person"), **environment},
        )  # fmt: skip
        await use_everything(LanguageClient(process, program))

    assert not (tmp_path / "telltale").exists()
    assert not (tmp_path / "ssl-keys").exists()
