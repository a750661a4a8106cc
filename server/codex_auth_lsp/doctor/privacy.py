"""What must not stand in a report that a person shows around: one filter for all of its texts.

The checks put no credential into a text to begin with; this is the second line, for what a path,
an address or a message of the system may hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.printable import printable
from codex_auth_lsp.domain.status import ACCESS_TOKEN_VARIABLE, API_KEY_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.doctor.check import Check

_VARIABLES = (ACCESS_TOKEN_VARIABLE, API_KEY_VARIABLE, "OPENAI_API_KEY")
_SHORTEST = 4  # characters of a value that is worth hiding; shorter ones would blacken words
_USER_OF_URL = re.compile(r"(?<=://)(?!user:password@host:port)[^/@\s]+@")  # the example stays


@dataclass(frozen=True)
class Privacy:
    """Knows the home folder and the values that stay hidden."""

    home: str
    hidden: tuple[str, ...]

    @classmethod
    def of(cls, environment: Mapping[str, str], home: Path, settings: Settings) -> Privacy:
        """Return the filter for one person's machine."""
        keys = [provider.env_key for provider in settings.model_providers.values()]
        names = dict.fromkeys((*_VARIABLES, *(key for key in keys if key)))
        values = {environment.get(name, "").strip() for name in names}
        hidden = sorted((v for v in values if len(v) >= _SHORTEST), key=len, reverse=True)
        return cls(str(home), tuple(hidden))

    def cleared(self, check: Check) -> Check:
        """Return the check with every text made fit to show."""
        return replace(
            check,
            summary=self.text(check.summary),
            detail=None if check.detail is None else self.text(check.detail),
            remediation=tuple(
                replace(advice, title=self.text(advice.title)) for advice in check.remediation
            ),
        )

    def text(self, text: str) -> str:
        """Return a text without hidden values, users of URLs, the home folder and controls."""
        for value in self.hidden:
            text = text.replace(value, "(hidden)")
        text = printable(_USER_OF_URL.sub("", text))
        if len(self.home) <= 1:
            return text
        return re.sub(rf"{re.escape(self.home)}(?![\w.-])", "~", text)
