"""What no line of the program may do, whatever its tests say: read from the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import codex_auth_lsp

PACKAGE = Path(codex_auth_lsp.__file__).parent
EXTENSION = PACKAGE.parent.parent / "vscode-client" / "src"

SERVER_FILES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.relative_to(PACKAGE).parts[0] not in {"sandbox", "demo"}
)
EXTENSION_FILES = sorted(EXTENSION.rglob("*.ts"))

GRANTS = {
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
}


def texts(path: Path) -> list[str]:
    """Return the string constants of a Python module that are no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]


def offenders(paths: list[Path], pattern: str) -> list[str]:
    """Return where a pattern stands."""
    assert len(paths) > 10
    return [
        f"{path.name}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_sign_in_is_never_shown_inside_the_editor():
    """(P1) RFC 8252 section 8.12: no embedded view, which could read the password."""
    assert offenders(EXTENSION_FILES, r"[Ww]ebview|simpleBrowser|[Ii]frame") == []
    assert offenders(EXTENSION_FILES, r"env\.openExternal\(") != []


def test_only_known_grants_are_asked_for():
    """(P24) No implicit and no password grant; `code` is the only response type."""
    found = {
        text
        for path in SERVER_FILES
        for text in texts(path)
        if text in {"password", "client_credentials", "implicit"}
        or text.startswith("urn:ietf:params:oauth:grant-type:")
        or text in GRANTS
    }
    asked = re.findall(
        r'"response_type", "(\w+)"', (PACKAGE / "oauth" / "authorization.py").read_text()
    )

    # The multi-factor advice reads `password` from a claim; no request is made with it.
    sources = [path.name for path in SERVER_FILES if "password" in texts(path)]
    assert found - {"password"} == GRANTS
    assert set(sources) <= {"mfa.py"}
    assert asked == ["code"]


@pytest.mark.parametrize(
    ("files", "pattern"),
    [
        (SERVER_FILES, r"verify\s*=\s*False|CERT_NONE|check_hostname|_create_unverified|VERIFY_X"),
        (EXTENSION_FILES, r"rejectUnauthorized|NODE_TLS_REJECT_UNAUTHORIZED|strictSSL"),
    ],
    ids=["server", "extension"],
)
def test_no_certificate_goes_unchecked(files, pattern):
    """(P25) There is no switch that turns TLS verification off, hidden ones included."""
    assert offenders(files, pattern) == []


def test_no_client_secret_is_built_in():
    """(P27) RFC 8252 section 8.5: what is shipped to everybody is no secret."""
    assert offenders(SERVER_FILES + EXTENSION_FILES, r"client_?[sS]ecret") == []
