"""The store that the configuration asks for."""

from __future__ import annotations

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.config.settings import STORE_MODES
from codex_auth_lsp.errors import StoreUnavailable
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.memory import MemoryStore
from codex_auth_lsp.stores.select import select_store
from codex_auth_lsp.stores.unavailable import UnavailableStore

STORES = {
    "file": FileStore,
    "ephemeral": MemoryStore,
    "keyring": UnavailableStore,
    "auto": UnavailableStore,
}


def test_every_mode_of_the_configuration_has_a_store():
    """None that `config.toml` may name is forgotten."""
    assert set(STORE_MODES) == set(STORES)


@pytest.mark.parametrize(("mode", "expected"), STORES.items())
def test_mode_chooses_its_store_and_the_report_names_it(tmp_path, mode, expected):
    """What is asked for is told, also where it cannot be had."""
    store = select_store(mode, CodexHome(tmp_path, "option"))

    assert type(store) is expected
    assert store.read().report.mode == mode


@pytest.mark.parametrize("mode", ["keyring", "auto"])
def test_store_that_cannot_be_used_never_becomes_another(tmp_path, mode):
    """No login is written to a file that the configuration did not ask for."""
    store = select_store(mode, CodexHome(tmp_path, "option"))
    report = store.read().report

    assert (report.backend, report.health) == ("none", "unavailable")
    assert f'cli_auth_credentials_store = "{mode}"' in (report.detail or "")
    for use in (store.check_writable, lambda: store.update(lambda old: old), store.remove):
        with pytest.raises(StoreUnavailable) as caught:
            use()
        assert str(caught.value) == report.detail
    assert list(tmp_path.iterdir()) == []
