"""What a sign-in needs at its end is there before the person is done: imports and authorities."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trustme

from codex_auth_lsp.errors import TlsUntrusted
from codex_auth_lsp.oauth import trust
from codex_auth_lsp.oauth.trust import client_context

if TYPE_CHECKING:
    from pathlib import Path

CHECK = """
import json, sys
from codex_auth_lsp.oauth.signature import check_signature, prepare
from codex_auth_lsp.secret import Secret

prepare()
before = set(sys.modules)
token, key = json.load(sys.stdin)
check_signature(Secret(token), {"alg": "RS256"}, [key])
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def signed() -> tuple[str, dict[str, object]]:
    """Return a token and the public key that has signed it."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(65537, 2048)
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    return jwt.encode({"sub": "ada"}, private, "RS256"), key


def test_after_preparing_a_signature_is_checked_without_a_further_import():
    """What an import would take, the person does not wait for."""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", CHECK],
        input=json.dumps(signed()),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(ran.stdout) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is asked itself")
def test_authorities_are_read_once_and_again_when_they_are_others(tmp_path: Path):
    """Two requests of one sign-in share what was read; a file that was replaced counts at once."""
    file = tmp_path / "authority.pem"
    trustme.CA().cert_pem.write_to_path(file)
    environment = {"CODEX_CA_CERTIFICATE": str(file)}

    first = client_context(environment)
    assert client_context(environment) is first
    without = client_context({})
    assert without is not first
    assert len(first.get_ca_certs()) == len(without.get_ca_certs()) + 1

    file.unlink()
    trustme.CA().cert_pem.write_to_path(file)
    second = client_context(environment)
    assert second.get_ca_certs() != first.get_ca_certs()

    file.write_text("no certificate")
    with pytest.raises(TlsUntrusted):
        client_context(environment)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the system is asked")
@pytest.mark.parametrize(
    ("folder", "files", "is_read"),
    [
        (None, (), True),
        ("there", (), True),
        ("there", ("authority.pem",), True),
        ("there", ("5ed36f99.0",), False),
        ("not there", (), True),
    ],
)
def test_file_of_the_system_is_read_where_openssl_has_no_authorities(
    tmp_path, monkeypatch, folder, files, is_read
):
    """Those in a folder are found by their hash; a folder without such names has none."""
    (tmp_path / "there").mkdir()
    for name in files:
        (tmp_path / "there" / name).touch()
    paths = ssl.get_default_verify_paths()._replace(
        cafile=None,
        capath=folder and str(tmp_path / folder),
        openssl_cafile=str(tmp_path / "nothing"),
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(ssl.SSLContext, "set_default_verify_paths", lambda _: None)
    file = tmp_path / "system.pem"
    trustme.CA().cert_pem.write_to_path(file)
    monkeypatch.setattr(trust, "_SYSTEM_FILES", (str(file),))
    monkeypatch.setattr(trust, "_made", None)

    context = client_context({})

    assert bool(context.get_ca_certs()) == is_read
