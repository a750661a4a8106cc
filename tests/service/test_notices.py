"""Notices are told once for each cause, and after the status that they came with."""

from __future__ import annotations

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.service.events import Event, Events, NoticeGiven, StatusChanged
from codex_auth_lsp.service.notices import Notices

LOCKED = Notice("plaintextFallback", "locked", "warning", "The keyring is locked.")
ABSENT = Notice("plaintextFallback", "unavailable", "warning", "There is no keyring.")
OTHER = Notice("storePermissions", "locked", "warning", "Others may read it.")
CHANGE = StatusChanged({}, "storeHealth", "thisServer", account_changed=False)


def told(standing: list[Notice]) -> tuple[Notices, Events, list[Event]]:
    """Return notices whose events are collected."""
    events, heard = Events(), []
    events.subscribe(heard.append)
    notices = Notices(events, lambda: standing)
    events.subscribe(notices.on_event)
    return notices, events, heard


def test_each_cause_of_each_code_is_told_once():
    """Two causes of a code are two notices, and the same cause of two codes as well."""
    notices, _, heard = told([])
    for notice in (LOCKED, ABSENT, LOCKED, OTHER, ABSENT):
        notices.tell(notice)

    assert heard == [NoticeGiven(LOCKED), NoticeGiven(ABSENT), NoticeGiven(OTHER)]


def test_what_stands_is_told_after_the_change_that_brought_it():
    """Also where the other listener was there first."""
    standing = [LOCKED]
    _, events, heard = told(standing)
    events.publish(CHANGE)
    standing[:] = [LOCKED, ABSENT]
    events.publish(CHANGE)

    assert heard == [CHANGE, NoticeGiven(LOCKED), CHANGE, NoticeGiven(ABSENT)]
