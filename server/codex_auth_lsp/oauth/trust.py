"""Whose certificates are trusted: the operating system's authorities, and named ones on top.

The only module that imports truststore, which asks the system on macOS and Windows. On Linux it
would read the system's files anew for every connection, on the event loop, which takes 20 ms; here
they are read once, in a thread, and again when one of them is another one. Certificates and host
names are always verified, TLS 1.2 is the least. OpenSSL takes `SSL_CERT_FILE` for the whole store;
here it is added to it.
"""

from __future__ import annotations

import ssl
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

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

_made: tuple[object, ssl.SSLContext] | None = None


def client_context(environment: Mapping[str, str]) -> ssl.SSLContext:
    """Return the context for connections to an issuer; call it in a thread, since it reads files.

    Raises:
        TlsUntrusted: What a variable names is no file, cannot be read, or holds no certificates.
    """
    global _made
    if not sys.platform.startswith("linux"):
        import truststore

        return _with_named(truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT), environment)
    basis = _basis(environment)
    if _made is None or _made[0] != basis:
        context = _with_named(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), environment)
        _add_system(context, environment)
        _made = (basis, context)
    return _made[1]


def _with_named(context: ssl.SSLContext, environment: Mapping[str, str]) -> ssl.SSLContext:
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
    return context


def _basis(environment: Mapping[str, str]) -> object:
    """Return all that a context is made of; what is equal is still the same."""
    named = authority_files(environment)
    paths = ssl.get_default_verify_paths()
    files = (*named.values(), paths.openssl_cafile, paths.capath, *_SYSTEM_FILES)
    return tuple(named.items()), paths, [_signature(file) for file in files]


def _signature(file: str | None) -> tuple[int, ...] | None:
    try:
        status = Path(file or "").stat()
    except (OSError, ValueError):
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _add_system(context: ssl.SSLContext, environment: Mapping[str, str]) -> None:
    context.set_default_verify_paths()
    paths = ssl.get_default_verify_paths()
    if environment.get("SSL_CERT_FILE") or not (paths.cafile or _has_hashed(paths.capath)):
        _add_system_file(context)


def _has_hashed(folder: str | None) -> bool:
    """Say whether OpenSSL finds authorities there, by their hash."""
    return folder is not None and any(Path(folder).glob("*.0"))


def _add_system_file(context: ssl.SSLContext) -> None:
    for path in (ssl.get_default_verify_paths().openssl_cafile, *_SYSTEM_FILES):
        if Path(path).is_file():
            try:
                context.load_verify_locations(cafile=path)
            except OSError:
                continue  # an empty or broken file: the next one may serve
            return
