"""Every model provider as it may be told, and the announcement of every difference.

The list is announced when and only when it differs from the last one in anything but `revision`.
What others have changed is announced a moment after the status, so that every window has told that.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.providers.catalogue import all_providers
from codex_auth_lsp.service.events import Events, ProvidersChanged
from codex_auth_lsp.stores.watcher import OTHERS_FIRST_SECONDS

if TYPE_CHECKING:
    from codex_auth_lsp.service.status_keeper import StatusKeeper


class ProviderList:
    """Derives the list whenever the login cache was looked at."""

    def __init__(self, keeper: StatusKeeper, events: Events) -> None:
        self._keeper = keeper
        self._events = events
        self._revision = 1
        self._announcing = False
        self._basis = keeper.providers_basis
        self._list = self._derive()
        self._planned: asyncio.TimerHandle | None = None

    def wire(self) -> dict[str, Any]:
        """Return the contract's result of `auth/providers`, as of the last look at the cache."""
        self._update()
        return self._wire()

    def _wire(self) -> dict[str, Any]:
        return {
            **self._list,
            "revision": self._revision,
            "serverInstanceId": self._keeper.instance_id,
        }

    def start(self) -> None:
        """Announce every difference from now on."""
        self._announcing = True
        self._keeper.after_looks(self._plan)
        self._plan()

    def _plan(self) -> None:
        if self._keeper.tells_own_change:
            self._update()
        elif self._planned is None and self._basis_is_another:
            loop = asyncio.get_running_loop()
            self._planned = loop.call_later(OTHERS_FIRST_SECONDS, self._update)

    @property
    def _basis_is_another(self) -> bool:
        """Whether there is anything new: looks are frequent, and this derivation is not cheap."""
        basis = self._keeper.providers_basis
        return any(new is not old for new, old in zip(basis, self._basis, strict=True))

    def _update(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
            self._planned = None
        if not self._basis_is_another:
            return
        self._basis = self._keeper.providers_basis
        found = self._derive()
        if found == self._list:
            return
        self._list = found
        self._revision += 1
        if self._announcing:
            self._events.publish(ProvidersChanged(self._wire()))

    def _derive(self) -> dict[str, Any]:
        settings = self._keeper.view.settings
        surroundings = self._keeper.surroundings
        providers = []
        for provider in all_providers(settings, surroundings):
            auth = self._keeper.as_known(provider.to_auth(surroundings.environment))
            serves = self._keeper.login_serves or not auth.requires_openai_auth
            active = auth.id == settings.model_provider
            providers.append(auth.to_wire(active=active, ready=auth.usable and serves))
        return {"activeProviderId": settings.model_provider, "providers": providers}
