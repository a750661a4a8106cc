"""The login's entry in a vault: known without waiting, looked at within a deadline, written safely.

What `read` returns is what the last look found. A vault that is locked or does not answer is
`locked`, one that is not there or refuses is `unavailable`, and what it holds counts as unchanged
until it can be seen again. A write is read back; one that failed is taken back where that works.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import (
    Remediation,
    StoreError,
    StoreLocked,
    StoreUnavailable,
    StoreWriteFailed,
)
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.abandon import AbandonableCalls, Hanging
from codex_auth_lsp.stores.base import Snapshot
from codex_auth_lsp.stores.document import Document, DocumentInvalid, parse_document
from codex_auth_lsp.stores.json_text import render_compact_json
from codex_auth_lsp.stores.question import Question
from codex_auth_lsp.stores.secret_auth_storage import secret_auth_storage_problem
from codex_auth_lsp.stores.vault import (
    LOGOUT_SECONDS,
    PROMPT_SECONDS,
    READ_SECONDS,
    VaultAbsent,
    VaultError,
    VaultLocked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.vault import Vault

LOCKED_CALL_SECONDS = 1.2
"""For each call under the Codex CLI's locks, which it gives up waiting for after 5 s; there are at
most three: read, write, read back. Each takes some 10 ms."""

TOO_LARGE = "The login is too large for the system's keyring."
_TOO_LARGE_ADVICE = (
    Remediation('Set cli_auth_credentials_store = "auto" in config.toml'),
    Remediation('Set cli_auth_credentials_store = "file" in config.toml'),
)
_NOT_LOOKED_YET = "The keyring has not been looked at yet."
_ODD_ANSWER = "The keyring gave an answer that makes no sense."
_SILENT = "The keyring does not answer."
_UNANSWERED = "Nobody answered the keyring's question, so it stays locked."

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """What stands in the entry, or why that cannot be seen."""

    snapshot: Snapshot
    value: Secret | None = None
    error: StoreError | None = None


class KeyringEntry:
    """One CODEX_HOME's entry in a vault.

    Args:
        home: Whose login it is.
        vault: Where it rests.
        secret_auth_storage: What `[features]` of config.toml says of Codex's encrypted store.
    """

    def __init__(
        self, home: CodexHome, vault: Vault, *, secret_auth_storage: bool | None = None
    ) -> None:
        self._home = home
        self._vault = vault
        self._secret_auth_storage = secret_auth_storage
        self._calls = AbandonableCalls(self._on_return)
        self._question = Question(self._on_return)
        self._changing = threading.Lock()
        self._changes = 0
        self._looking = asyncio.Lock()
        self._asked = 0
        self._answered = 0
        self._snapshot = replace(_snapshot("locked", detail=_NOT_LOOKED_YET), known=False)
        self.on_change: Callable[[], None] | None = None
        """Called from any thread when a call came back that nobody waits for any more."""

    def read(self) -> Snapshot:
        """Return what the last look found."""
        problem = self._home.problem()
        if problem is not None:
            return _snapshot("unavailable", detail=problem.message)
        return self._snapshot

    async def sync(self) -> None:
        """Look at the vault, for 3 s at most and without asking anybody.

        One look answers everybody who asked before it began.
        """
        self._asked += 1
        mine, changes = self._asked, self._changes
        try:
            async with asyncio.timeout(READ_SECONDS), self._looking:
                while self._answered < mine:
                    asked, changes = self._asked, self._changes
                    found = await self._look()
                    if self._remember(found, unless_changed_since=changes):
                        self._answered = asked
        except TimeoutError:
            self._remember(self._hidden("locked", _SILENT), unless_changed_since=changes)

    def problem(self) -> str | None:
        """Return why this entry is not the place where Codex keeps the login, None where it is."""
        return secret_auth_storage_problem(self._home.path, self._secret_auth_storage)

    def ensure_writable(self) -> None:
        """Raise StoreUnavailable where a login must not be written beside another one."""
        problem = self.problem()
        if problem is not None:
            raise StoreUnavailable(problem)

    def unlock(self, *, for_writing: bool = True) -> None:
        """Make the vault ready; the person may be asked, so nobody may wait for us meanwhile.

        Args:
            for_writing: Also make what is missing, such as a first keyring.

        Raises:
            StoreLocked, StoreUnavailable, StoreWriteFailed: It is not.
        """
        deadline = time.monotonic() + (PROMPT_SECONDS if for_writing else LOGOUT_SECONDS)
        is_open = partial(self._vault.is_open, for_writing=for_writing)
        unlock = partial(self._vault.unlock, for_writing=for_writing)
        # A silent vault is found here, which would be taken for a person who thinks.
        while not self._call(is_open, READ_SECONDS):
            if self._ask(unlock, deadline):
                return

    def close(self) -> None:
        """Wait for no person any longer."""
        self._question.close()

    def load(self) -> Stored:
        """Return what stands in the entry now, for a holder of the locks."""
        try:
            value = self._call(self._vault.get, LOCKED_CALL_SECONDS)
        except StoreError as exc:
            health = "locked" if isinstance(exc, StoreLocked) else "unavailable"
            stored = Stored(self._hidden(health, exc.message), error=exc)
        else:
            stored = Stored(self._judged(value), value)
        self._remember(stored.snapshot)
        return stored

    def holds(self, document: Document) -> bool:
        """Say whether a login of this size can be kept."""
        return self._vault.fits(_value_of(document))

    def save(self, document: Document, before: Stored) -> None:
        """Write the document and read it back, for a holder of the locks.

        Args:
            document: What to write.
            before: What stands there, to be put back where the write fails halfway.

        Raises:
            StoreLocked, StoreUnavailable, StoreWriteFailed: It was not stored.
        """
        value = _value_of(document)
        if not self._vault.fits(value):
            raise StoreWriteFailed(TOO_LARGE, remediation=_TOO_LARGE_ADVICE)
        try:
            self._call(lambda: self._vault.set(value), LOCKED_CALL_SECONDS)
            if self._call(self._vault.get, LOCKED_CALL_SECONDS) != value:
                raise StoreWriteFailed("The keyring did not keep the login that was written to it.")
        except StoreError as exc:
            if not isinstance(exc.__cause__, Hanging):  # of a silent keyring nothing is known
                self._take_back(before.value)
            raise
        self._remember(self._judged(value))

    def delete(self, *, may_prompt: bool = False) -> bool:
        """Delete the entry with its duplicates; return whether there was any.

        Raises:
            StoreLocked, StoreUnavailable, StoreWriteFailed: It is still there, or may be.
        """
        removed = self._delete_asking() if may_prompt else self._delete()
        if removed and self._call(self._vault.get, LOCKED_CALL_SECONDS) is not None:
            raise StoreWriteFailed("The keyring did not delete the login.")
        self._remember(self._judged(None))
        return removed

    def _delete(self) -> bool:
        return self._call(self._vault.delete, LOCKED_CALL_SECONDS)

    def _delete_asking(self) -> bool:
        removed: list[bool] = []
        deadline = time.monotonic() + LOGOUT_SECONDS
        while not self._ask(lambda: removed.append(self._vault.delete(may_prompt=True)), deadline):
            pass  # another question was in the way, and is answered
        return removed[0]

    async def _look(self) -> Snapshot:
        problem = self.problem()
        if problem is not None:
            return self._hidden("unavailable", problem)
        try:
            return self._judged(await self._calls.call_async(self._vault.get, READ_SECONDS))
        except Hanging:
            return self._hidden("locked", _SILENT)
        except VaultLocked as exc:
            return self._hidden("locked", str(exc))
        except VaultError as exc:
            return self._hidden("unavailable", str(exc))
        except Exception as exc:  # noqa: BLE001 - no answer of a keyring may end the looks at it
            log_defect(logger, exc)
            return self._hidden("unavailable", _ODD_ANSWER)

    def _judged(self, value: Secret | None) -> Snapshot:
        """Return what a value amounts to; the same one is parsed once."""
        if value is None:
            return _snapshot("ok")
        raw = value.reveal().encode("utf-8", "surrogateescape")
        version = hashlib.sha256(raw).hexdigest()
        if self._snapshot.report.health == "ok" and self._snapshot.version == version:
            return self._snapshot
        try:
            return _snapshot("ok", version=version, document=parse_document(raw))
        except DocumentInvalid as exc:
            detail = f"The entry in the keyring is not a stored login: {exc}."
            return _snapshot("corrupt", version=version, detail=detail)

    def _hidden(self, health: str, detail: str) -> Snapshot:
        """Return the snapshot of what cannot be seen; it counts as unchanged until it can."""
        return _snapshot(health, version=self._snapshot.version, detail=detail)

    def _call(self, work: Callable[[], T], seconds: float) -> T:
        with _store_errors(_SILENT):
            return self._calls.call(work, seconds)

    def _ask(self, work: Callable[[], object], deadline: float) -> bool:
        """Ask the person, or wait for the answer to another question; say whether it was ours."""
        with _store_errors(_UNANSWERED):
            return self._question.ask(work, max(0.0, deadline - time.monotonic()))

    def _take_back(self, old: Secret | None) -> None:
        """Put back what stood there, unless it still does."""
        try:
            if self._call(self._vault.get, LOCKED_CALL_SECONDS) == old:
                return
            if old is None:
                self._call(self._vault.delete, LOCKED_CALL_SECONDS)
            else:
                self._call(lambda: self._vault.set(old), LOCKED_CALL_SECONDS)
        except StoreError as exc:
            logger.warning("The keyring's entry may not be what it was: %s", exc.message)

    def _remember(self, snapshot: Snapshot, *, unless_changed_since: int | None = None) -> bool:
        """Take a snapshot for the current one, unless a later one was taken meanwhile."""
        with self._changing:
            if unless_changed_since not in {None, self._changes}:
                return False
            self._changes += 1
            self._snapshot = snapshot
            return True

    def _on_return(self) -> None:
        if self.on_change is not None:
            self.on_change()


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


def _value_of(document: Document) -> Secret:
    return Secret(render_compact_json(document.members).decode("utf-8"))


def _snapshot(
    health: str,
    *,
    version: str = "",
    detail: str | None = None,
    document: Document | None = None,
) -> Snapshot:
    there = health != "unavailable"
    report = StoreReport(
        mode="keyring",
        backend="keyring" if there else "none",
        health=health,
        encrypted=there,
        detail=detail,
    )
    return Snapshot(report, CredentialSource("keyring"), version, document)
