"""Starts the bundled server, where this Python and machine are those of its compiled parts."""

# Any Python 3 must be able to read this file, to say what is wrong.
import json
import platform
import sys
from pathlib import Path


def main() -> None:
    """Say in one line why it cannot run here, or run."""
    wanted = json.loads((Path(__file__).parent / "bundle.json").read_text())
    here = {
        "python": "{}.{}".format(*sys.version_info),
        "implementation": sys.implementation.name,
        "platform": sys.platform,
        "machine": platform.machine(),
    }
    if here != wanted:
        sys.exit(
            f"the bundled server needs {in_words(wanted)}, and this is {in_words(here)}; "
            "`pipx install codex-auth-lsp` works with others too"
        )
    from codex_auth_lsp.cli import main as run

    run()


def in_words(machine: dict) -> str:
    """Return what a person calls this Python on this machine."""
    return "{implementation} {python} for {platform} on {machine}".format(**machine)


main()
