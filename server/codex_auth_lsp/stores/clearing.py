"""A logout from keyring and file: every place is tried, and none spares another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import StoreError, StoreLocked, StoreReadOnly, StoreUnavailable
from codex_auth_lsp.stores.base import Remaining, Removed
from codex_auth_lsp.stores.vault import VaultAbsent

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.stores.file import FileStore
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry


@dataclass(frozen=True)
class _Cleared:
    """How it went with one place: whether something was removed, and what stands in the way."""

    store: str
    removed: bool = False
    credential: Credential | None = None
    error: StoreError | None = None


def clear(file: FileStore, entry: KeyringEntry, *, keyring_required: bool) -> Removed | None:
    """Remove the login from both places; nobody is asked.

    Args:
        file: `auth.json`.
        entry: The keyring's entry; what is left in a locked one goes when that is opened.
        keyring_required: Whether it is an error that there is no keyring, where nothing else could
            be removed either.

    Returns:
        What was removed and what may remain; None where there was nothing anywhere.

    Raises:
        StoreError: Nothing could be removed, and something may still be there.
    """
    from_file = _clear_file(file)
    from_keyring = _clear_keyring(file, entry)
    if isinstance(from_keyring.error, StoreLocked):
        entry.end_later()
    if not keyring_required and _is_nowhere(from_keyring, entry):
        from_keyring = _Cleared("keyring")
    places = (from_keyring, from_file)
    errors = [place.error for place in places if place.error is not None]
    removed = tuple(place.store for place in places if place.removed)
    if not removed and not errors:
        return None
    bearable = (
        not keyring_required
        and from_file.error is None
        and isinstance(from_keyring.error, StoreUnavailable)
        and entry.problem() is None
    )
    is_known = from_file.error is not None and from_file.credential is not None
    if not removed and not bearable and not is_known:  # what is known can at least be revoked
        raise errors[-1]  # the file's before the keyring's, for which a person can be asked
    credentials = [place.credential for place in places if place.credential is not None]
    return Removed(
        credential=credentials[0] if credentials else None,
        stores=removed,
        others=tuple(other for other in credentials[1:] if other != credentials[0]),
        remaining=tuple(
            Remaining(place.store, place.error.kind) for place in places if place.error is not None
        ),
    )


def _is_nowhere(place: _Cleared, entry: KeyringEntry) -> bool:
    """Say whether there is no keyring here, and none in which this process saw a login."""
    is_absent = place.error is not None and isinstance(place.error.__cause__, VaultAbsent)
    return is_absent and entry.problem() is None and entry.read().version == ""


def _clear_file(file: FileStore) -> _Cleared:
    try:
        removed = file.remove()
    except StoreError as exc:
        return _Cleared("file", error=exc)
    if removed is None:
        return _Cleared("file")
    if removed.remaining:
        return _Cleared("file", credential=removed.credential, error=StoreReadOnly())
    return _Cleared("file", removed=True, credential=removed.credential)


def _clear_keyring(file: FileStore, entry: KeyringEntry) -> _Cleared:
    credential: Credential | None = None
    problem = entry.problem()
    try:
        with file.exclusive():
            stored = entry.load()
            if isinstance(stored.error, StoreLocked):
                raise stored.error
            credential = stored.snapshot.credential  # None too where it cannot be read
            removed = entry.delete()
    except StoreError as exc:
        return _Cleared("keyring", error=exc)
    error = StoreUnavailable(problem) if problem is not None else None
    return _Cleared("keyring", removed, credential, error)
