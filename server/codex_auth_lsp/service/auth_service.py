"""The sign-in system of one process: the parts of the service, made and joined.

Use: make it, `start()` to announce and watch, call the parts, `await close()`.
It needs a running event loop from `start` on; a status is there from the beginning.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.clock import Clock, SystemClock
from codex_auth_lsp.desktop import read_server_facts
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.flows.callback_ports import are_callback_ports_taken
from codex_auth_lsp.service.actions import Actions
from codex_auth_lsp.service.environment_notice import environment_notices
from codex_auth_lsp.service.events import Events
from codex_auth_lsp.service.login_cache import RECORD_SUFFIX, LoginCache, View
from codex_auth_lsp.service.methods import allowed_method_ids, login_methods
from codex_auth_lsp.service.notices import Notices
from codex_auth_lsp.service.opening import Opening
from codex_auth_lsp.service.status_keeper import StatusKeeper
from codex_auth_lsp.values import frozen, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import datetime

    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.domain.login_method import ClientFacts
    from codex_auth_lsp.domain.notice import Notice
    from codex_auth_lsp.service.credentials import Credentials
    from codex_auth_lsp.service.logins import Logins
    from codex_auth_lsp.service.logout import Logout
    from codex_auth_lsp.service.provider_list import ProviderList
    from codex_auth_lsp.service.refresh_schedule import RefreshSchedule
    from codex_auth_lsp.service.refresher import Refresher
    from codex_auth_lsp.stores.base import CredentialStore, StoreWatch
    from codex_auth_lsp.stores.leftover import Leftover
    from codex_auth_lsp.stores.watcher import Watcher

logger = logging.getLogger(__name__)


@frozen
class ServiceOptions:
    """What the command line and the environment decide.

    `typed` are the options that another command needs as well, as they are typed in a shell;
    `in_shell` says that a person at one reads what is said, and none in an editor.
    """

    home: CodexHome
    issuer: IssuerSettings
    environment: Mapping[str, str]
    check_api_keys: bool = False
    typed: str = ""
    in_shell: bool = False


class AuthService:
    """Everything that a language client or a person at a terminal can ask for."""

    def __init__(self, options: ServiceOptions, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self.events = Events()
        self._cache = LoginCache(options.home)
        self._keeper = StatusKeeper(
            self._cache, options.issuer, options.environment, self._clock, self.events
        )
        self._made_provider_list: ProviderList | None = None
        self.notices = Notices(self.events, self._standing_notices)
        self._opening = Opening()
        self._actions = Actions(
            self._cache,
            self._keeper,
            options,
            self._clock,
            self.events,
            self._opening,
            self._hear_issuer_time,
        )
        self._watcher: Watcher | None = None
        self._store_watch: StoreWatch | None = None
        self._watched_store: CredentialStore | Leftover | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._schedule: RefreshSchedule | None = None

    def _hear_issuer_time(self, issuer_now: datetime | None) -> None:
        from codex_auth_lsp.service.clock_notice import clock_notice  # only with an answer

        notice = clock_notice(self._clock.now(), issuer_now)
        if notice is not None:
            self._opening.after(lambda: self.notices.tell(notice))

    def _standing_notices(self) -> tuple[Notice, ...]:
        store = self._keeper.view.snapshot.report.notices
        in_shell = self._options.in_shell
        return (*store, *environment_notices(self._keeper.status, in_shell=in_shell))

    @property
    def options(self) -> ServiceOptions:
        """What the command line and the environment have decided."""
        return self._options

    @property
    def view(self) -> View:
        """The login cache as it was last seen."""
        return self._keeper.view

    @property
    def clock(self) -> Clock:
        """The source of time."""
        return self._clock

    @property
    def instance_id(self) -> str:
        """The contract's `serverInstanceId`."""
        return self._keeper.instance_id

    @property
    def logins(self) -> Logins:
        """Signing in."""
        return self._actions.logins

    @property
    def logout(self) -> Logout:
        """Signing out."""
        return self._actions.logout

    @property
    def refresher(self) -> Refresher:
        """Renewing the login."""
        return self._actions.refresher

    @property
    def credentials(self) -> Credentials:
        """Credentials for requests to a provider."""
        return self._actions.credentials

    def now(self) -> datetime:
        """Return the time by which the service goes."""
        return self._clock.now()

    @property
    def reads_at_once(self) -> bool:
        """Whether nothing has to be waited for, by `sync`, to know what is stored now."""
        return self._cache.reads_at_once

    async def sync(self) -> None:
        """Look at a store that cannot be read at once, for 3 s at most."""
        await self._cache.sync()

    def status(self) -> dict[str, Any]:
        """Return the contract's `AuthStatus`, as the cache is now or was at the last `sync`."""
        return self._keeper.look()

    def status_at_once(self) -> dict[str, Any] | None:
        """Return the status as the cache is now, None where that needs a `sync`."""
        if not self._cache.has_read_all:
            return None
        status = self._keeper.look()
        return status if self._cache.has_read_all else None  # the settings may be others now

    def known_status(self) -> dict[str, Any]:
        """Return the same as it was last told, without a look."""
        return self._keeper.wire()

    def providers(self) -> dict[str, Any]:
        """Return the contract's result of `auth/providers`."""
        self._keeper.look()
        return self._know_providers().wire()

    def methods(self, client: ClientFacts) -> list[dict[str, Any]]:
        """Return the contract's `LoginMethod` list for a client and this machine, as they are."""
        self._keeper.look()
        logins = self._actions.made_logins
        holds_port = logins is not None and logins.holds_callback_port
        server = replace(
            read_server_facts(self._options.environment),
            ports_taken=not holds_port and are_callback_ports_taken(),
        )
        view = self._keeper.view
        not_offered = logins.not_offered if logins is not None else {}
        return login_methods(view.settings, client, server, view.settings_error, not_offered)

    @property
    def login_method_ids(self) -> list[str]:
        """The contract's `LoginMethod.id` of each method that policy does not forbid here."""
        self._keeper.look()
        return allowed_method_ids(self._keeper.view.settings)

    def cancel_login(self, attempt_id: str | None) -> str:
        """Cancel a login; return the contract's `outcome`."""
        logins = self._actions.made_logins
        return logins.cancel(attempt_id) if logins is not None else "notFound"

    def hold(self) -> None:
        """Tell nothing before the first status was announced."""
        self._opening.hold()

    def announce(self) -> bool:
        """Announce the first status, or a change since, and return True: no event loop is needed.

        Do nothing and return False where it has to be waited for.
        """
        if self._keeper.has_announced:
            self._know_providers()
        if self.status_at_once() is None:
            return False
        self._keeper.announce()
        self.notices.tell_standing()
        return True

    def start(self) -> None:
        """Announce the first status, and from now on every change, whoever makes it."""
        if self._watched_store is not None:
            return
        self._watched_store = self._cache.watched_store
        self._cache.disk.on_return = self._on_disk_return(asyncio.get_running_loop())
        if self.reads_at_once:
            self._begin()
        else:
            self._after_sync(self._begin)

    def _begin(self) -> None:
        # Imported after the first status of a window.
        from codex_auth_lsp.service.refresh_schedule import RefreshSchedule
        from codex_auth_lsp.stores.watcher import Watcher

        provider_list = self._know_providers()
        self._keeper.start()
        self._keeper.after_looks(self.notices.tell_standing)
        self.notices.tell_standing()
        provider_list.start()
        self._opening.open()
        self._schedule = RefreshSchedule(
            self._keeper.renewable, lambda: self.refresher, self._clock
        )
        self.events.subscribe(self._schedule.on_event)
        self._schedule.plan()
        self._watcher = Watcher(
            self._cache.files, self._look_again, self._cache.disk, beside=(RECORD_SUFFIX,)
        )
        self._watcher.start()
        self._cache.generation = self._watcher.generation
        self._watch_store()
        self._keeper.after_looks(self._watch_anew)
        self._keeper.after_looks(self._make_good)
        self._make_good()

    def _watch_store(self) -> None:
        """Watch the store that the configuration chooses now, or what a logout has left."""
        if self._store_watch is not None:
            self._after(self._store_watch.stop())
        self._watched_store = self._cache.watched_store
        self._store_watch = self._watched_store.watch(self._look_again)
        if self._store_watch is not None:
            self._store_watch.start()

    def _watch_anew(self) -> None:
        if self._closing or self._cache.watched_store is self._watched_store:
            return
        self._watch_store()
        if not self.reads_at_once:
            self._look_again()  # the store is another one now

    def _on_disk_return(self, loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
        """Return what tells, from the thread of a disk that answers again, to look there."""

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(self._look_again)

        return tell

    def _make_good(self) -> None:
        """Begin with what a logout in an earlier window had to leave undone."""
        if not self._actions.is_settling and self._cache.watched_store.is_unsettled:
            self._actions.settling.look()

    def _look_again(self) -> None:
        if self._closing:
            return
        if self._cache.has_read_all:
            self._look()
        if not (self._cache.has_read_all and self._cache.watched_store.reads_at_once):
            self._after_sync(self._look)

    def _after_sync(self, action: Callable[[], None]) -> None:
        async def sync_and_act() -> None:
            try:
                await self._cache.sync_watched()
            except Exception as exc:  # noqa: BLE001 - the window goes on with what it knows
                log_defect(logger, exc)
            if not self._closing:
                action()

        self._after(sync_and_act())

    def _after(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._looks.add(task)
        task.add_done_callback(self._looks.discard)

    def _look(self) -> None:
        self._keeper.look()
        if self._schedule is not None:
            self._schedule.look_for_interruption()

    async def stop_logins(self) -> None:
        """End the running login and free its port, since the server is shutting down."""
        self._opening.open()
        await self._actions.stop_logins()

    async def close(self, *, hurried: bool) -> None:
        """End what can be ended and wait for what must not be lost: the answer to a refresh.

        Unless hurried, a person also sees the last page and an issuer hears of every old login.
        """
        self._closing = True
        if self._schedule is not None:
            self._schedule.stop()
        self._cache.close()
        for watch in (self._watcher, self._store_watch):
            if watch is not None:
                await watch.stop()
        for look in self._looks:
            look.cancel()
        if self._looks:
            await asyncio.wait(self._looks)
        if self._actions.made_logins is not None:
            await self.stop_logins()
        await self._actions.close(hurried=hurried)

    def _know_providers(self) -> ProviderList:
        """Return the list as it was told last, or is at the last look: changes since are told."""
        if self._made_provider_list is None:
            # Imported here: the first status does without it.
            from codex_auth_lsp.service.provider_list import ProviderList

            self._made_provider_list = ProviderList(self._keeper, self.events)
        return self._made_provider_list
