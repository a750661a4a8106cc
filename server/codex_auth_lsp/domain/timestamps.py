"""Date and time on the wire and in the login cache (RFC 3339 section 5.6)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def parse_rfc3339(text: str) -> datetime:
    """Return an aware UTC datetime; digits beyond microseconds are dropped.

    Raises:
        ValueError: The text is no RFC 3339 date-time, which always names its zone.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("not an RFC 3339 date-time")
    date, time, fraction, zone = match.groups()
    fraction = (fraction or "")[:7].ljust(7, "0") if fraction else ""
    try:
        return datetime.fromisoformat(f"{date}T{time}{fraction}{zone.upper()}").astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("not a date-time that can be represented in UTC") from exc


def format_rfc3339(moment: datetime) -> str:
    """Return `moment` in UTC with `Z`, to the second or, where it has them, microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
