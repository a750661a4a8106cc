"""The `ephemeral` store mode: logins that live and end with this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.stores.base import Merge, Removed, Snapshot

if TYPE_CHECKING:
    from codex_auth_lsp.stores.document import Document


class MemoryStore:
    """One document in memory, private to the process."""

    def __init__(self) -> None:
        self._document: Document | None = None
        self._changes = 0

    def read(self) -> Snapshot:
        """Return what is stored."""
        return Snapshot(
            StoreReport(mode="ephemeral", backend="memory"),
            CredentialSource("memory"),
            str(self._changes),
            self._document,
        )

    def check_writable(self) -> None:
        """Memory can always be written."""

    def update(self, merge: Merge) -> Document | None:
        """Store what `merge` makes of the current document."""
        document = merge(self._document)
        if document is not None:
            self._document = document
            self._changes += 1
        return document

    def remove(self) -> Removed | None:
        """Forget the document."""
        document, self._document = self._document, None
        self._changes += 1
        return Removed(document.credential) if document is not None else None
