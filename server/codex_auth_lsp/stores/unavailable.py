"""A store that cannot be used, told as such: no silent step down to another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import StoreUnavailable
from codex_auth_lsp.stores.base import Merge, Removed, Snapshot

if TYPE_CHECKING:
    from codex_auth_lsp.stores.document import Document


class UnavailableStore:
    """Answers every read with its reason and every write with `StoreUnavailable`."""

    def __init__(self, mode: str, reason: str) -> None:
        self._mode = mode
        self._reason = reason

    def read(self) -> Snapshot:
        """Return an empty snapshot whose report holds the reason."""
        report = StoreReport(
            mode=self._mode, backend="none", health="unavailable", detail=self._reason
        )
        return Snapshot(report, CredentialSource("keyring"), "")

    def check_writable(self) -> None:
        """Raise `StoreUnavailable`."""
        raise StoreUnavailable(self._reason)

    def update(self, _merge: Merge, *, over_unreadable: bool = False) -> Document | None:  # noqa: ARG002
        """Raise `StoreUnavailable`."""
        raise StoreUnavailable(self._reason)

    def remove(self) -> Removed | None:
        """Raise `StoreUnavailable`."""
        raise StoreUnavailable(self._reason)
