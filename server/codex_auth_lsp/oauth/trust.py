"""Whose certificates are trusted: the operating system's authorities, and named ones on top.

The only module that imports truststore. Certificates and host names are always verified, TLS 1.2
is the least. On Linux OpenSSL takes `SSL_CERT_FILE` for the whole store; here it is added to it.
"""

from __future__ import annotations

import ssl
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import truststore

from codex_auth_lsp.errors import TlsUntrusted
from codex_auth_lsp.oauth.network import authority_files

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where Linux distributions keep their authorities, for a Python that was built for another one.
_SYSTEM_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def client_context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return the context for connections to an issuer; call it in a thread, since it reads files.

    Raises:
        TlsUntrusted: What a variable names is no file, cannot be read, or holds no certificates.
    """
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for variable, path in authority_files(environment).items():
        try:
            if not stat.S_ISREG(Path(path).stat().st_mode):
                raise OSError("no file")  # a pipe may have no end
            context.load_verify_locations(cafile=path)
        except (OSError, ValueError) as exc:  # an ssl.SSLError is an OSError
            raise TlsUntrusted(
                f"The certificates that {variable} names cannot be read ({path}); name a file "
                "with certificates in PEM form, or none."
            ) from exc
    if environment.get("SSL_CERT_FILE") and sys.platform.startswith("linux"):
        _add_system_file(context)
    return context


def _add_system_file(context: ssl.SSLContext) -> None:
    for path in (ssl.get_default_verify_paths().openssl_cafile, *_SYSTEM_FILES):
        if Path(path).is_file():
            try:
                context.load_verify_locations(cafile=path)
            except OSError:
                continue  # an empty or broken file: the next one may serve
            return
