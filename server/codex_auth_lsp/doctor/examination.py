"""The examination: every group of checks in its order, made fit to be shown to anybody."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.doctor import (
    acceptance,
    configuration,
    installation,
    login,
    machine,
    network,
    store,
)
from codex_auth_lsp.doctor.check import Check, Health, Scene
from codex_auth_lsp.doctor.privacy import Privacy
from codex_auth_lsp.failures import log_defect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_auth_lsp.service.auth_service import AuthService

    Group = Callable[[Scene], Awaitable[list[Check]]]

GROUPS: dict[str, Group] = {
    "installation": installation.checks,
    "configuration": configuration.checks,
    "store": store.checks,
    "login": login.checks,
    "machine": machine.checks,
    "network": network.checks,
    "acceptance": acceptance.checks,
}
"""Each group of checks by its name; they do not know each other."""

GROUP_SECONDS = 20.0
"""How long one group may take; the one that asks the issuer has the longest way."""

logger = logging.getLogger(__name__)


async def examine(service: AuthService, *, network: bool = False) -> list[Check]:
    """Return what every check finds. Nothing is changed, and only `network` leaves the machine."""
    await service.sync()
    status = service.status()
    login = await service.credentials.present() if network else None
    scene = Scene(service.options, service.view, status, service.clock, network, login)
    privacy = Privacy.of(scene.options.environment, Path.home(), scene.view.settings)
    found: list[Check] = []
    for name, group in GROUPS.items():
        found += [privacy.cleared(check) for check in await _run(name, group, scene)]
    return found


async def _run(name: str, group: Group, scene: Scene) -> list[Check]:
    try:
        async with asyncio.timeout(GROUP_SECONDS):
            return await group(scene)
    except TimeoutError:
        text = f"The checks of the {name} took longer than {GROUP_SECONDS:.0f} seconds."
        return [Check(name, Health.ERROR, text)]
    except Exception as exc:  # noqa: BLE001 - one check that fails must not hide what others find
        text = "These checks met an error of codex-auth-lsp's own; the log has the details."
        failed = Check(name, Health.ERROR, text)
        return [replace(failed, detail=f"correlation id {log_defect(logger, exc)}")]
