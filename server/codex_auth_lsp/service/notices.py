"""Notices: told once for each cause in the life of this process, however often it is met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.service.events import Events, NoticeGiven

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from codex_auth_lsp.domain.notice import Notice


class Notices:
    """Publishes each notice at most once.

    Args:
        events: Where it is published.
        standing: Returns what is the case now.
    """

    def __init__(self, events: Events, standing: Callable[[], Iterable[Notice]]) -> None:
        self._events = events
        self._standing = standing
        self._told: set[tuple[str, str]] = set()

    def tell(self, notice: Notice) -> None:
        """Publish a notice, unless this process has told it before."""
        key = (notice.code, notice.cause)
        if key not in self._told:
            self._told.add(key)
            self._events.publish(NoticeGiven(notice))

    def tell_standing(self) -> None:
        """Tell what is the case now; a mode or a hard link is no change of the status."""
        for notice in self._standing():
            self.tell(notice)
