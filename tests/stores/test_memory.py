"""The store mode `ephemeral`."""

from __future__ import annotations

import pytest

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.stores.memory import MemoryStore
from stores.store_contract import KEY, StoreContract, store_login


class TestMemoryStore(StoreContract):
    """It keeps the promises of every store, and its own."""

    @pytest.fixture
    def store(self):
        return MemoryStore()

    def test_report_says_that_nothing_is_written_anywhere(self, store):
        """No path, and a source that is the process itself."""
        assert store.read().report == StoreReport("ephemeral", "memory")
        assert store.read().source == CredentialSource("memory")

    def test_two_stores_know_nothing_of_each_other(self, store):
        """It is private to its process."""
        store_login(store, KEY)

        assert MemoryStore().read().document is None
