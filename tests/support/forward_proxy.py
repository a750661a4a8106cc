"""proxy.py as a real forward proxy: plain, with a password, or opening TLS by its own authority."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import trustme

START_DEADLINE = 20.0
"""Seconds until it listens; it takes about one."""

LOOK_AGAIN = 0.02
"""Seconds between two looks for the file that names its port."""

TESTS = Path(__file__).resolve().parents[1]


@contextmanager
def forward_proxy(
    folder: Path,
    *,
    upstream_authority: trustme.CA | None = None,
    interception: trustme.CA | None = None,
    basic_auth: str | None = None,
) -> Iterator[int]:
    """Run a proxy with its files in `folder` and give its port.

    Args:
        folder: Where its certificates, port and log go.
        upstream_authority: Whom the proxy itself trusts when it opens TLS.
        interception: The authority by which it opens TLS; it forwards bytes without one.
        basic_auth: `user:password` that it asks for.
    """
    folder.mkdir()
    port_file = folder / "port"
    command = [
        *(sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0"),
        *("--port-file", str(port_file), "--num-workers", "1", "--num-acceptors", "1"),
        *("--data-dir", str(folder), "--log-level", "e"),
        *("--plugins", "support.proxy_resolver.ThisMachine"),
    ]
    if basic_auth is not None:
        command += ["--basic-auth", basic_auth]
    if interception is not None and upstream_authority is not None:
        files = {name: folder / f"{name}.pem" for name in ("ca", "key", "signing", "upstream")}
        interception.cert_pem.write_to_path(files["ca"])
        interception.private_key_pem.write_to_path(files["key"])
        interception.private_key_pem.write_to_path(files["signing"])
        upstream_authority.cert_pem.write_to_path(files["upstream"])
        command += [
            *("--ca-cert-file", str(files["ca"]), "--ca-key-file", str(files["key"])),
            *("--ca-signing-key-file", str(files["signing"])),
            *("--ca-file", str(files["upstream"]), "--ca-cert-dir", str(folder / "made")),
        ]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(TESTS)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
    try:
        yield _port(process, port_file, folder / "log")
    finally:
        process.terminate()
        try:
            process.wait(START_DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[bytes], file: Path, log: Path) -> int:
    deadline = time.monotonic() + START_DEADLINE
    while process.poll() is None and time.monotonic() < deadline:
        if file.exists() and (said := file.read_text().strip()):
            return int(said.split()[0])
        time.sleep(LOOK_AGAIN)
    raise RuntimeError(f"the proxy did not start: {log.read_text()}")
