"""What a vault's value amounts to: a login, nothing, something else, or what cannot be seen."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import StoreLocked
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.age import age_of
from codex_auth_lsp.stores.base import Snapshot
from codex_auth_lsp.stores.document import Document, DocumentInvalid, parse_document
from codex_auth_lsp.stores.json_text import render_compact_json

if TYPE_CHECKING:
    from codex_auth_lsp.errors import StoreError
    from codex_auth_lsp.stores.vault import Kept

_NO_LOGIN_SO_LARGE = "The entry in the keyring is far too large for a login."


def value_of(document: Document) -> Secret:
    """Return how a document is kept in a vault."""
    return Secret(render_compact_json(document.members).decode("utf-8"))


def version_of(value: Secret) -> str:
    """Return the version of a snapshot of a value."""
    return hashlib.sha256(value.reveal().encode("utf-8", "surrogateescape")).hexdigest()


def judged(kept: Kept | None, last: Snapshot) -> Snapshot:
    """Return what was found amounts to; the same value as the last one is not parsed again."""
    if kept is None:
        return entry_snapshot("ok")
    if kept.value is None:
        # As of a file: it is there, nobody can read it, and a login may take its place.
        return entry_snapshot("unavailable", version="large", detail=_NO_LOGIN_SO_LARGE, there=True)
    version = version_of(kept.value)
    if last.report.health == "ok" and last.version == version:
        return _aged(last, kept)
    try:
        document = parse_document(kept.value.reveal().encode("utf-8", "surrogateescape"))
    except DocumentInvalid as exc:
        detail = f"The entry in the keyring is not a stored login: {exc}."
        return _aged(entry_snapshot("corrupt", version=version, detail=detail), kept)
    return _aged(entry_snapshot("ok", version=version, document=document), kept)


def hidden(error: StoreError, last: Snapshot) -> Snapshot:
    """Return the snapshot of what cannot be seen; it counts as unchanged until it can."""
    health = "locked" if isinstance(error, StoreLocked) else "unavailable"
    held_a_login = last.report.health != "corrupt"
    return replace(
        entry_snapshot(health, version=last.version, detail=error.message),
        age=last.age if held_a_login else None,
    )


def _aged(found: Snapshot, kept: Kept) -> Snapshot:
    return replace(found, age=age_of(found.credential, kept.written_at))


def entry_snapshot(
    health: str,
    *,
    version: str = "",
    detail: str | None = None,
    document: Document | None = None,
    there: bool | None = None,
) -> Snapshot:
    """Return a snapshot of an entry.

    Args:
        health: As in a `StoreReport`.
        version: As in a `Snapshot`.
        detail: Why it is not `ok`.
        document: The login.
        there: Whether the keyring can be used; without it that is told by `health`.
    """
    there = health != "unavailable" if there is None else there
    report = StoreReport(
        mode="keyring",
        backend="keyring" if there else "none",
        health=health,
        encrypted=there,
        detail=detail,
    )
    return Snapshot(report, CredentialSource("keyring"), version, document)
