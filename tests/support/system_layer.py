"""An `/etc/codex` of a test's own: a mount namespace in which a folder takes its place."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# /etc becomes a folder of links to the real one, since `codex` may be missing there.
_SCRIPT = """
set -e
folder=$1; real=$2; shift 2
mount --bind /etc "$real"
mount -t tmpfs tmpfs /etc
for name in $(ls -A "$real"); do
    [ "$name" = codex ] || ln -s "$real/$name" "/etc/$name"
done
mkdir /etc/codex
mount --bind "$folder" /etc/codex
exec "$@"
"""


def system_layer(folder: Path) -> tuple[str, ...]:
    """Return what to put before a command that is to find `folder` as `/etc/codex`."""
    real = folder.with_name(folder.name + "-etc")
    real.mkdir()
    prefix = ("unshare", "--mount", "sh", "-c", _SCRIPT, "sh", str(folder), str(real))
    if not _works():
        pytest.skip("no mount namespace can be made here: /etc is the same for everybody")
    return prefix


@functools.cache
def _works() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            command = ("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", folder)
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False
