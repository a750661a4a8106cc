"""Why the status changed where this process did nothing: found by comparing two looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.stores.base import READABLE
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from codex_auth_lsp.domain.status import AuthStatus
    from codex_auth_lsp.service.login_cache import View


@frozen
class Look:
    """What was seen, and the status that was made of it."""

    view: View
    status: AuthStatus

    @property
    def is_readable(self) -> bool:
        """Whether the content of the store could be looked at."""
        return self.view.snapshot.report.health in READABLE

    @property
    def configuration(self) -> tuple[object, ...]:
        """What the files beside the store say."""
        return (self.view.settings, self.view.settings_error, self.view.variables)

    @property
    def refused(self) -> str | None:
        """The fingerprint of the token that any window was refused, None where it was not."""
        record = self.view.refresh_record
        return record.fingerprint if record is not None and record.refusal else None


def find_cause(before: Look, now: Look, *, hides_leftover: bool) -> str:
    """Return the contract's `cause`; `hides_leftover` as the login cache says it now."""
    old, new = before.view, now.view
    if hides_leftover and before.status.state != now.status.state:
        return "logout"
    if old.settings.store_choice != new.settings.store_choice:
        return "configChange"  # another login is in force since it is another store
    if before.is_readable != now.is_readable:
        return "storeHealth"
    if old.snapshot.version != new.snapshot.version and before.is_readable:
        return "externalChange"
    if before.configuration != now.configuration:
        return "configChange"
    if before.refused != now.refused:
        return "externalChange"
    if old.snapshot.report != new.snapshot.report:
        return "storeHealth"
    return "expired" if before.status.freshness == "fresh" else "freshness"
