"""The `ephemeral` store mode: logins that live and end with this process."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.stores.base import Merge, Removed, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.stores.document import Document


class MemoryStore:
    """One document in memory, private to the process."""

    reads_at_once = True
    is_unsettled = False

    def __init__(self) -> None:
        self._document: Document | None = None

    def read(self) -> Snapshot:
        """Return what is stored."""
        document = self._document
        return Snapshot(
            StoreReport(mode="ephemeral", backend="memory"),
            CredentialSource("memory"),
            hashlib.sha256(document.render()).hexdigest() if document is not None else "",
            document,
        )

    async def sync(self) -> None:
        """Do nothing: memory is read at once."""

    def pinned(self) -> MemoryStore:
        """Return itself."""
        return self

    def watch(self, on_change: Callable[[], None]) -> None:
        """Return None: nobody else can change it."""

    def check_writable(self) -> None:
        """Memory can always be written."""

    def reserve(self) -> None:
        """Do nothing: there is always room."""

    def release(self) -> None:
        """Do nothing: none was taken."""

    def update(
        self,
        merge: Merge,
        *,
        over_unreadable: bool = False,  # noqa: ARG002 - it can be read
        at_last: bool = False,  # noqa: ARG002 - there is one place
    ) -> Document | None:
        """Store what `merge` makes of the current document."""
        document = merge(self._document)
        if document is not None:
            self._document = document
        return document

    def settle(self) -> None:
        """Do nothing: nothing is ever left undone."""

    def remove(self) -> Removed | None:
        """Forget the document."""
        document, self._document = self._document, None
        return Removed(document.credential, ("memory",)) if document is not None else None
