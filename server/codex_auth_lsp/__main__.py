"""The program, as `python -I -m codex_auth_lsp` and as the console script."""

from __future__ import annotations

import gc
from typing import NoReturn

from codex_auth_lsp.early_end import end_at_once_on_signals


def main() -> NoReturn:
    """Run the command line, which takes its time to load, and end the process."""
    end_at_once_on_signals()
    gc.disable()  # what is loaded stays; `collect_garbage` ends this
    from codex_auth_lsp import cli

    cli.main()


if __name__ == "__main__":
    main()
