"""Notices are told once for each cause."""

from __future__ import annotations

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.service.events import Event, Events, NoticeGiven
from codex_auth_lsp.service.notices import Notices

LOCKED = Notice("plaintextFallback", "locked", "warning", "The keyring is locked.")
ABSENT = Notice("plaintextFallback", "unavailable", "warning", "There is no keyring.")
OTHER = Notice("storePermissions", "locked", "warning", "Others may read it.")


def told(standing: list[Notice]) -> tuple[Notices, list[Event]]:
    """Return notices whose events are collected."""
    events, heard = Events(), []
    events.subscribe(heard.append)
    return Notices(events, lambda: standing), heard


def test_each_cause_of_each_code_is_told_once():
    """Two causes of a code are two notices, and the same cause of two codes as well."""
    notices, heard = told([])
    for notice in (LOCKED, ABSENT, LOCKED, OTHER, ABSENT):
        notices.tell(notice)

    assert heard == [NoticeGiven(LOCKED), NoticeGiven(ABSENT), NoticeGiven(OTHER)]


def test_what_stands_is_told_when_it_is_new():
    """However often it is looked at."""
    standing = [LOCKED]
    notices, heard = told(standing)
    notices.tell_standing()
    notices.tell_standing()
    standing[:] = [LOCKED, ABSENT]
    notices.tell_standing()

    assert heard == [NoticeGiven(LOCKED), NoticeGiven(ABSENT)]
