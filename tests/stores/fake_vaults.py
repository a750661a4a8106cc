"""A vault that misbehaves in every way that a real one has been seen to, or could."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING

from codex_auth_lsp.stores.abandon import ensure_wanted
from codex_auth_lsp.stores.vault import Kept, VaultAbsent, VaultError, VaultLocked, kept

if TYPE_CHECKING:
    from codex_auth_lsp.secret import Secret
    from codex_auth_lsp.stores.base import CredentialStore, Snapshot

STORED_KEY = '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-1"}'
"""How the Codex CLI keeps `KEY` in a keyring, byte for byte."""

SHORT = 0.05
"""Seconds of a wait that is meant to be in vain."""

PATIENCE = 10.0
"""Seconds that nothing here may take."""

LOCKED = VaultLocked("The keyring is locked.")
ABSENT = VaultAbsent("There is no keyring here.")


class FakeVault:
    """A vault in memory, with the moods of a real one.

    `trouble` is raised by every call until it is taken away; `prompt` is what becomes of the
    question whether to unlock: a function, since a person may answer late or never.
    """

    def __init__(self, value: str | None = None) -> None:
        self.value = value
        self.duplicates: list[str] = []
        self.written_at: float | None = None
        self.trouble: VaultError | None = None
        self.set_trouble: VaultError | None = None
        self.delete_asks = False
        self.shows_locked_items = False
        self.ignores_deletes = False
        self.limit = 10**6
        self.keeps = lambda value: value
        self.hangs: set[str] = set()
        """The names of the calls that hang until `let_go`."""
        self.reached = threading.Event()
        """Set when a call begins to hang."""
        self.calls: list[str] = []
        self.threads: set[str] = set()
        self.unlocked_for_writing: list[bool] = []
        self.prompts: deque[VaultError | None] = deque()
        """What becomes of each question to the person; None unlocks."""
        self._go_on = threading.Event()

    def fits(self, value: Secret) -> bool:
        return len(value.reveal()) <= self.limit

    def is_open(self, *, for_writing: bool = True) -> bool:
        self._enter("is_open")
        if isinstance(self.trouble, VaultLocked):
            return False
        self._raise_trouble()
        return True

    def unlock(self, *, for_writing: bool = True) -> None:
        self.unlocked_for_writing.append(for_writing)
        self._enter("unlock")
        if isinstance(self.trouble, VaultLocked):
            answer = self.prompts.popleft() if self.prompts else self.trouble
            if answer is not None:
                raise answer
            self.trouble = None
        self._raise_trouble()

    def get(self) -> Kept | None:
        value = self.value  # a call that hangs may have seen it long ago
        self._enter("get")
        self._raise_trouble()
        return None if value is None else kept(value, self.written_at)

    def is_there(self) -> bool:
        self._enter("is_there")
        return self.shows_locked_items and self.value is not None

    def set(self, value: Secret) -> None:
        self._enter("set")
        self._raise_trouble()
        if self.set_trouble is not None:
            self.value = None  # as a keychain does, which deletes before it adds
            trouble, self.set_trouble = self.set_trouble, None
            raise trouble
        self.value = self.keeps(value.reveal())
        self.duplicates.clear()
        self._enter("late set")

    def delete(self, *, may_prompt: bool = False) -> bool:
        self._enter("delete, asking" if may_prompt else "delete")
        self._raise_trouble()
        if self.delete_asks and not may_prompt:
            raise VaultLocked("The keyring asks before it deletes.")
        removed = self.value is not None
        if not self.ignores_deletes:
            self.value = None
            self.duplicates.clear()
        return removed

    def hang(self, *calls: str) -> None:
        """Let calls of these names hang from now on."""
        self.hangs = set(calls)

    def let_go(self) -> None:
        """Let what hangs go on, and hang no more."""
        self.hangs = set()
        self._go_on.set()

    def _enter(self, name: str) -> None:
        if name != "late set":
            self.calls.append(name)
        self.threads.add(threading.current_thread().name)
        if name in self.hangs:
            self.reached.set()
            self._go_on.wait()
            ensure_wanted()

    def _raise_trouble(self) -> None:
        if self.trouble is not None:
            raise self.trouble


def looked(store: CredentialStore) -> Snapshot:
    """Return what a store holds after a look at the keyring."""
    asyncio.run(store.sync())
    return store.read()
