"""When a login is renewed without being asked: before it ends, and before a Codex CLI would do it.

One timer, set only while there is a login to renew; no polling. Each process adds a little chance,
so that of many windows one comes first and the others find the work done.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import AuthError, NeedsReauth
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.service.events import Event, StatusChanged

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.secret import Secret
    from codex_auth_lsp.service.refresher import Refresher

MARGIN = timedelta(minutes=10)
"""Before the end of an access token; the Codex CLI renews five minutes before it."""

MARGIN_SHARE = 0.6
"""Of a lifetime so short that the margin would be all of it."""

EARLY_OPAQUE_AGE = timedelta(days=7)
"""Of a token that does not say when it ends; the Codex CLI renews it after eight days."""

FIRST_BACK_OFF, LONGEST_BACK_OFF = 30.0, 900.0
"""Seconds to the next try after failures, doubled each time."""

INQUIRY_SECONDS = 1.5
"""After a sign of a renewal until it is looked at whether it broke off."""

_CHANCE_SECONDS = 2.0  # at a start, when many windows may open at once
_CHANCE_SHARE = 0.1  # of the margin
_LONGEST_TIMER = 86_400.0

logger = logging.getLogger(__name__)


def due_at(credential: ChatGptCredential, chance: float) -> datetime | None:
    """Return when a login is to be renewed, None where nobody can say.

    Args:
        credential: The stored login.
        chance: Between 0 and 1, drawn once a process; moves the moment to an earlier one.
    """
    try:
        if credential.expires_at is None:
            last_refresh = credential.last_refresh
            return last_refresh + EARLY_OPAQUE_AGE * (1 - 0.01 * chance) if last_refresh else None
        margin = MARGIN
        if credential.lifetime is not None:
            margin = min(MARGIN, MARGIN_SHARE * credential.lifetime)
        return credential.expires_at - margin * (1 + _CHANCE_SHARE * chance)
    except OverflowError:
        return None  # the year 1 or 9999: whoever wrote that, it is no time to renew anything


class RefreshSchedule:
    """Renews the stored login in time.

    Args:
        current: Returns the login that may be renewed now, None where there is none.
        refresher: Makes the refresher; called when there is something to do.
        clock: Time.
    """

    def __init__(
        self,
        current: Callable[[], Credential | None],
        refresher: Callable[[], Refresher],
        clock: Clock,
    ) -> None:
        self._current = current
        self._refresher = refresher
        self._clock = clock
        self._chance = random.random()  # noqa: S311 - to spread, not to hide
        self._failures = 0
        self._planned: tuple[Secret, Secret] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._inquiry: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def on_event(self, event: Event) -> None:
        """Plan anew after a change."""
        if isinstance(event, StatusChanged):
            self.plan()

    def plan(self) -> None:
        """Set the timer for the login that is stored now."""
        credential = self._current()
        if not isinstance(credential, ChatGptCredential) or not credential.refresh_token:
            self.stop()
            return
        tokens = (credential.access_token, credential.refresh_token)
        if tokens == self._planned:
            self._plan_after_jump(credential)
            return
        before = self._planned
        self.stop()
        self._planned = tokens
        if before is None or before[0] != credential.access_token:
            self._failures = 0  # what is due is another token
        self._set_timer(credential, self._chance * _CHANCE_SECONDS)
        self.look_for_interruption()

    def _plan_after_jump(self, credential: ChatGptCredential) -> None:
        """Set the timer anew where the clock went on and the timer did not, as in a suspend."""
        moment = due_at(credential, self._chance)
        if moment is None or moment > self._clock.now() or self._failures or self._timer is None:
            return
        if self._timer.when() - asyncio.get_running_loop().time() > _CHANCE_SECONDS:
            self._set_timer(credential, self._chance * _CHANCE_SECONDS)

    def look_for_interruption(self) -> None:
        """After a change beside the login: find out soon whether a renewal broke off.

        Some issuers answer to a spent token again, for seconds: then a crash costs nothing.
        """
        if self._planned is not None and self._inquiry is None:
            loop = asyncio.get_running_loop()
            self._inquiry = loop.call_later(INQUIRY_SECONDS, self._inquire)

    def _inquire(self) -> None:
        self._inquiry = None
        credential = self._current()
        if not isinstance(credential, ChatGptCredential):
            return
        broke_off = self._refresher().broke_off(credential)
        if broke_off is None:
            self.look_for_interruption()
        elif broke_off:
            self._task = asyncio.ensure_future(self._renew(urgent=True))

    def stop(self) -> None:
        """Plan nothing."""
        self._planned = None
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, credential: ChatGptCredential, at_least: float) -> None:
        moment = due_at(credential, self._chance)
        if moment is None:
            return
        self._cancel_timer()
        seconds = max((moment - self._clock.now()).total_seconds(), at_least)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(min(seconds, _LONGEST_TIMER), self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._task = asyncio.ensure_future(self._renew())

    async def _renew(self, *, urgent: bool = False) -> None:
        credential = self._current()
        if not isinstance(credential, ChatGptCredential) or not credential.refresh_token:
            return
        moment = due_at(credential, self._chance)
        if not urgent and moment is not None and moment > self._clock.now():
            self._set_timer(credential, 0.0)  # the timer was cut at its longest
            return
        delay = FIRST_BACK_OFF
        try:
            too_early = await self._refresher().of_own_accord(credential)
            delay = too_early + self._chance if too_early else delay
        except NeedsReauth:
            return  # a new login plans anew
        except AuthError as error:
            self._failures += 1
            delay = min(FIRST_BACK_OFF * 2 ** (self._failures - 1), LONGEST_BACK_OFF)
            delay = max(delay * (1 + self._chance), error.retry_after_seconds or 0)
        except Exception as exc:  # noqa: BLE001 - a defect must not end the renewals for good
            log_defect(logger, exc)
            delay = LONGEST_BACK_OFF
        # Where it worked, the change of the status has planned anew and set another timer.
        if self._planned is not None and self._planned[0] == credential.access_token:
            self._set_timer(credential, delay)
