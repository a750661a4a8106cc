"""What a person should hear of a clock that is wrong: pure, from an issuer's time to a notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.errors import Remediation
from codex_auth_lsp.oauth.id_token import clock_difference, clock_finding

if TYPE_CHECKING:
    from datetime import datetime

CODE = "clockSkew"


def clock_notice(now: datetime, issuer_now: datetime | None) -> Notice | None:
    """Return the notice about a clock that is more than five minutes from the issuer's."""
    difference = clock_difference(now, issuer_now)
    if difference is None:
        return None
    text = f"{clock_finding(difference)}; sign-ins and renewals may fail."
    advice = Remediation("Set this computer's clock, or let it be set over the network")
    # How far it is off changes from answer to answer, and is one cause all the same.
    return Notice(CODE, "clock", "warning", text, (advice,))
