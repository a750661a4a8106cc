"""Calls to a vault, each within its deadline, whose troubles are a store's errors.

Those that ask nobody have a thread each; what may ask the person goes through one `Question`.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from codex_auth_lsp.errors import StoreLocked, StoreUnavailable, StoreWriteFailed
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.stores.abandon import AbandonableCalls
from codex_auth_lsp.stores.hanging import Hanging
from codex_auth_lsp.stores.question import Question
from codex_auth_lsp.stores.vault import (
    LOGOUT_SECONDS,
    PROMPT_SECONDS,
    READ_SECONDS,
    Kept,
    Vault,
    VaultAbsent,
    VaultError,
    VaultLocked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.secret import Secret

LOCKED_CALL_SECONDS = 1.2
"""For each call under the Codex CLI's locks, which it gives up waiting for after 5 s; there are at
most three: read, write, read back. Each takes some 10 ms."""

_ODD_ANSWER = "The keyring gave an answer that makes no sense."
_SILENT = "The keyring does not answer."
_UNANSWERED = "Nobody answered the keyring's question, so it stays locked."

T = TypeVar("T")

logger = logging.getLogger(__name__)


class KeyringCalls:
    """Talks to a vault for one entry.

    All calls raise StoreLocked, StoreUnavailable and StoreWriteFailed; the cause of StoreLocked is
    `Hanging` where the vault is silent. `on_return` is called from any thread when a call came back
    that nobody waits for any more.
    """

    def __init__(self, vault: Vault, clock: Clock, on_return: Callable[[], None]) -> None:
        self._vault = vault
        self._clock = clock
        self._calls = AbandonableCalls(on_return)
        self._question = Question(on_return)

    async def look(self) -> Kept | None:
        """Return what is there, without blocking the event loop."""
        with _store_errors(_SILENT):
            return await self._calls.call_async(self._vault.get, READ_SECONDS)

    def get(self) -> Kept | None:
        """Return what is there."""
        return self._quickly(self._vault.get)

    def is_there(self) -> bool:
        """Say whether it is known that there is an entry."""
        return self._quickly(self._vault.is_there)

    def set(self, value: Secret) -> None:
        """Put a value in the place of whatever is there."""
        self._quickly(lambda: self._vault.set(value))

    def fits(self, value: Secret) -> bool:
        """Say whether a value of this size can be kept."""
        return self._vault.fits(value)

    def delete(self, *, may_prompt: bool = False) -> bool:
        """Delete the entry; return whether there was any."""
        if not may_prompt:
            return self._quickly(self._vault.delete)
        removed: list[bool] = []
        deadline = self._clock.monotonic() + LOGOUT_SECONDS
        while not self._ask(lambda: removed.append(self._vault.delete(may_prompt=True)), deadline):
            pass  # another question was in the way, and is answered
        return removed[0]

    def unlock(self, *, for_writing: bool) -> None:
        """Make the vault ready, asking the person where it must; see `KeyringEntry.unlock`."""
        deadline = self._clock.monotonic() + (PROMPT_SECONDS if for_writing else LOGOUT_SECONDS)
        is_open = partial(self._vault.is_open, for_writing=for_writing)
        unlock = partial(self._vault.unlock, for_writing=for_writing)
        # A silent vault is found here, which would be taken for a person who thinks.
        while not self._call(is_open, READ_SECONDS):
            if self._ask(unlock, deadline):
                return

    def close(self) -> None:
        """Wait for no person any longer."""
        self._question.close()

    def _quickly(self, work: Callable[[], T]) -> T:
        return self._call(work, LOCKED_CALL_SECONDS)

    def _call(self, work: Callable[[], T], seconds: float) -> T:
        with _store_errors(_SILENT):
            return self._calls.call(work, seconds)

    def _ask(self, work: Callable[[], object], deadline: float) -> bool:
        """Ask the person, or wait for the answer to another question; say whether it was ours."""
        with _store_errors(_UNANSWERED):
            return self._question.ask(work, max(0.0, deadline - self._clock.monotonic()))


@contextmanager
def _store_errors(hanging: str) -> Iterator[None]:
    """Turn what goes wrong with a vault into a store's errors; `hanging` is said of silence."""
    try:
        yield
    except Hanging as exc:
        raise StoreLocked(hanging) from exc
    except VaultLocked as exc:
        raise StoreLocked(str(exc)) from exc
    except VaultAbsent as exc:
        raise StoreUnavailable(str(exc)) from exc
    except VaultError as exc:
        raise StoreWriteFailed(str(exc)) from exc
    except Exception as exc:
        log_defect(logger, exc)
        raise StoreUnavailable(_ODD_ANSWER) from exc
