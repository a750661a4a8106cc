"""Calls to a vault that need the person, while another question is in the way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.stores.keyring_calls import KeyringCalls
from stores.fake_vaults import LOCKED, PATIENCE, STORED_KEY, FakeVault


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault(STORED_KEY)


@pytest.fixture
def calls(vault: FakeVault) -> KeyringCalls:
    return KeyringCalls(vault, SystemClock(), lambda: None)


def test_logout_asks_after_the_answer_to_what_was_asked_before(calls, vault):
    """That the keyring was unlocked has deleted nothing."""
    vault.trouble = LOCKED
    vault.prompts.append(None)
    vault.hang("unlock")
    with ThreadPoolExecutor(2) as windows:
        unlocking = windows.submit(calls.unlock, for_writing=True)
        assert vault.reached.wait(PATIENCE)
        deleting = windows.submit(calls.delete, may_prompt=True)
        while calls._question._asked is None or calls._question._asked.waiting < 2:
            pass
        vault.let_go()
        unlocking.result(PATIENCE)
        removed = deleting.result(PATIENCE)

    assert (removed, vault.value) == (True, None)
    assert vault.calls.count("delete, asking") == 1


def test_sign_in_looks_again_after_the_answer_to_what_was_asked_before(calls, vault):
    """That something was deleted has unlocked nothing; an open keyring is not asked about."""
    vault.trouble = LOCKED
    vault.hang("delete, asking")
    with ThreadPoolExecutor(2) as windows:
        deleting = windows.submit(calls.delete, may_prompt=True)
        assert vault.reached.wait(PATIENCE)
        unlocking = windows.submit(calls.unlock, for_writing=True)
        while calls._question._asked is None or calls._question._asked.waiting < 2:
            pass
        vault.trouble = None  # the person unlocked it to have something deleted
        vault.let_go()
        removed = deleting.result(PATIENCE)
        unlocking.result(PATIENCE)

    assert (removed, vault.value) == (True, None)
    assert vault.calls.count("unlock") == 0
    assert vault.calls.count("is_open") == 2
