"""`python -I -m codex_auth_lsp`: the same as the console script."""

from __future__ import annotations

from codex_auth_lsp.cli import main

if __name__ == "__main__":
    main()
