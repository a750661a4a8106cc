"""Which pages a client may open, and how often: those of the prompts that it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from codex_auth_lsp.conformance.findings import Findings


class Pages:
    """The pages of one conversation."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._url: str | None = None
        self._asked = 0
        self._opened = 0
        self._opened_before_end: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether the page of the prompt was opened."""
        return self._opened > 0

    def prompted(self, url: str) -> None:
        """Take note that the client is asked to open this page, perhaps once more."""
        self._url = url
        self._asked += 1

    def ended(self) -> None:
        """Take note that the attempt has ended, and with it what its prompt is good for."""
        self._opened_before_end = self._opened

    def is_prompted(self, url: str) -> bool:
        """Return whether this is the page of the prompt."""
        return self._url is not None and _opened(url) == _opened(self._url)

    def opened(self, url: str) -> None:
        """Judge that a page was opened.

        A browser may come up with it after the person has cancelled, or the client has quit; one
        that had come up before has been told to open it anew.
        """
        if not self.is_prompted(url):
            self._findings.mistake(
                "The client opened a page by itself, which the person had not asked for here."
            )
            return
        self._opened += 1
        if self._opened_before_end:
            self._findings.mistake(
                "The client opened the sign-in page again after the sign-in had ended; a prompt is "
                "forgotten with `auth/loginCompleted`, or with the response to `auth/login`."
            )
        elif self._opened > self._asked:
            self._findings.advise(
                "The page of one prompt was opened more than once; that is right where the person "
                "asked for it."
            )


def _opened(url: str) -> tuple[str, str, dict[str, list[str]]]:
    """Return what an address says, however it is encoded."""
    parts = urlsplit(url)
    return parts.netloc, parts.path, parse_qs(parts.query)
