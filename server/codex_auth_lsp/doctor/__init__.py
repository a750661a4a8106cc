"""An examination of everything that sign-in depends on, fit to paste into a bug report.

Each module holds the checks about one thing; `examine` runs them all. No text of a check holds a
credential, a user name in a URL or the name of the person's home folder.
"""

from __future__ import annotations

from codex_auth_lsp.doctor.check import Check, Health
from codex_auth_lsp.doctor.examination import examine

__all__ = ["Check", "Health", "examine"]
