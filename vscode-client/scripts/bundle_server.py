"""Copies the server and what it depends on into server/, for a .vsix that needs nothing but Python.

Another folder can be given. Run it with the Python of the checkout's .venv, whose packages were
installed by the hashes of requirements.lock. Some of them are compiled, so that the copy is for
this version of Python on this kind of machine alone; `bundle.json` says for which, and the copy
refuses to run on any other.
"""

import json
import platform
import re
import shutil
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[1]
ROOT = CLIENT.parent
BUNDLE = Path(sys.argv[1]) if len(sys.argv) > 1 else CLIENT / "server"

NOT_COPIED = {"__pycache__", "direct_url.json", "INSTALLER", "REQUESTED", "RECORD"}
"""Names of files and folders that are of no use at another place."""


def main() -> None:
    """Make the folder anew."""
    shutil.rmtree(BUNDLE, ignore_errors=True)
    BUNDLE.mkdir(parents=True)
    for found in distributions():
        copy(found)
    ignored = shutil.ignore_patterns("__pycache__")
    package = "codex_auth_lsp"
    shutil.copytree(ROOT / "server" / package, BUNDLE / package, ignore=ignored)
    shutil.copy(ROOT / "LICENSE", BUNDLE / package)
    shutil.copy(CLIENT / "scripts" / "bundle_main.py", BUNDLE / "__main__.py")
    kind = {
        "python": "{}.{}".format(*sys.version_info),
        "implementation": sys.implementation.name,
        "platform": sys.platform,
        "machine": platform.machine(),
    }
    (BUNDLE / "bundle.json").write_text(json.dumps(kind), encoding="utf-8")


def distributions() -> list[Distribution]:
    """Return the packages of the lock file that are meant for this machine, as it has them."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)(?: ; (.+?))? \\$", lock, re.MULTILINE)
    found = []
    for name, version, marker in pins:
        try:
            one = distribution(name)
        except PackageNotFoundError:
            if marker:
                continue  # not for this machine; setting up .venv has failed otherwise
            raise
        if one.version != version:
            sys.exit(f"{name} is {one.version} and not {version}; `make demo` sets .venv up")
        found.append(one)
    return found


def copy(found: Distribution) -> None:
    """Copy the files of a package that are its own: no programs, no caches."""
    for file in found.files or []:
        if ".." in file.parts or NOT_COPIED & set(file.parts):
            continue
        target = BUNDLE / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found.locate_file(file), target)


if __name__ == "__main__":
    main()
