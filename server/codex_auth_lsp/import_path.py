"""Where the process imports from: what is installed, and nothing that merely lies about.

`python -I` sees to that by itself, and so do the clients that start the server with it. A console
script gets no option of the interpreter, so the working directory, the script's own folder and
`PYTHONPATH` are taken out before any library is imported. It does not undo what Python itself has
imported by then: `sitecustomize`, and modules of the standard library that `PYTHONPATH` replaces.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def keep_to_what_is_installed() -> None:
    """Take out of `sys.path` what `python -I` would have left out, the user's own packages apart.

    Where this package itself comes from `PYTHONPATH`, somebody installs programs by that variable,
    and it is left alone.
    """
    if sys.flags.isolated:
        return
    own_folder = _name(Path(__file__).parents[1])
    foreign = set()
    if not sys.flags.safe_path:
        foreign.add(_name(sys.path[0]))  # of the script; or the working directory, with `-m`
    variable = "" if sys.flags.ignore_environment else os.environ.get("PYTHONPATH", "")
    named = {_name(entry) for entry in variable.split(os.pathsep)} if variable else set()
    if own_folder not in named:
        foreign |= named
    sys.path[:] = [entry for entry in sys.path if _name(entry) not in foreign - {own_folder}]


def _name(entry: str | Path) -> str:
    return os.path.normcase(Path(entry).absolute())
