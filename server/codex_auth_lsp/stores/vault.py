"""The seam to an operating system's own place for secrets, as far as one login needs it.

Every call may block for as long as the system likes, so it belongs on a thread that can be
abandoned (`abandon`). Only `unlock`, and a `delete` that may, ever ask the person something.
Whatever goes wrong is one of three errors, whose message is a sentence fit to show and to log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.base import MAXIMUM_BYTES

READ_SECONDS = 3.0
"""How long a call that asks nobody may take: a status must be there within 3 s."""

PROMPT_SECONDS = 60.0
"""How long a person may take to answer the system's question."""

LOGOUT_SECONDS = 8.0
"""How long it is waited for at a logout, which many clients give up after ten."""

SERVICE = "Codex Auth"
"""The name under which every Codex program keeps its login."""


class VaultError(Exception):
    """A vault does not do what it was asked. The message is a sentence without any secret."""


class VaultLocked(VaultError):
    """It is there, and cannot be used before the person has unlocked it."""


class VaultAbsent(VaultError):
    """There is none on this machine, or none in this session."""


class VaultRefused(VaultError):
    """It is open, and says no for a reason of its own."""


@dataclass(frozen=True)
class Kept:
    """What a vault holds: its value, None where that is far too large for a login.

    `written_at` is when it was last written, as POSIX seconds without a fraction, and None where
    the system does not say.
    """

    value: Secret | None
    written_at: float | None = None


def kept(raw: bytes | str, written_at: float | None = None) -> Kept:
    """Return what was found; nothing is decoded that could be no login."""
    if len(raw) > MAXIMUM_BYTES:
        return Kept(None, written_at)
    # Whatever bytes are there, they come out again as they are.
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "surrogateescape")
    return Kept(Secret(text), written_at)


class Vault(Protocol):
    """The one login of one CODEX_HOME in one of the system's places for secrets.

    All calls raise VaultLocked, VaultAbsent and VaultRefused.
    """

    def fits(self, value: Secret) -> bool:
        """Say whether a value of this size can be kept; asks nobody and never blocks."""
        ...

    def is_open(self, *, for_writing: bool = True) -> bool:
        """Say whether `unlock` would have nobody to ask; asks nobody itself."""
        ...

    def unlock(self, *, for_writing: bool = True) -> None:
        """Make ready for the calls below; asks the person where it must.

        Args:
            for_writing: Also make what is missing, such as a first keyring.
        """
        ...

    def get(self) -> Kept | None:
        """Return what is there, None where nothing is."""
        ...

    def is_there(self) -> bool:
        """Say whether it is known that something is there, also where it is locked."""
        ...

    def set(self, value: Secret) -> None:
        """Put `value` in the place of whatever is there, so that one entry is left."""
        ...

    def delete(self, *, may_prompt: bool = False) -> bool:
        """Delete the entry and all its duplicates; return whether there was any.

        Args:
            may_prompt: Whether the person may be asked, where the system does not delete unasked.
        """
        ...
