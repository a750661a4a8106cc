"""The login cache: its health, who may read it, who holds its locks, and the keyring."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING

from codex_auth_lsp.doctor.check import Check, Health
from codex_auth_lsp.errors import Remediation
from codex_auth_lsp.stores.base import unreadable
from codex_auth_lsp.stores.lock import is_held
from codex_auth_lsp.stores.lock_holder import lock_holder
from codex_auth_lsp.stores.permissions import permission_notices

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.doctor.check import Scene

_KEYRING_MODES = {"keyring", "auto"}


async def checks(scene: Scene) -> list[Check]:
    """Return what is known of the store."""
    return [
        _store(scene),
        _permissions(scene.options.home.path / "auth.json"),
        await asyncio.to_thread(_locks, scene.options.home.path),
        _keyring(scene),
    ]


def _store(scene: Scene) -> Check:
    report = scene.view.snapshot.report
    where = report.path or f"the {report.backend}"
    kept = "encrypted" if report.encrypted else "unencrypted"
    summary = f"Mode {report.mode}: logins are kept in {where}, {kept}."
    error = unreadable(report)
    if error is not None:
        return Check("store", Health.ERROR, error.message, summary, error.remediation)
    if report.health != "ok":
        return Check("store", Health.WARNING, report.detail or "The store is read-only.", summary)
    return Check("store", Health.OK, summary, report.detail)


def _permissions(path: Path) -> Check:
    real = path.resolve() if not path.is_symlink() or path.exists() else path
    notices = permission_notices(real)
    if notices:
        advice = tuple(action for notice in notices for action in notice.actions)
        text = " ".join(notice.message for notice in notices)
        return Check("permissions", Health.WARNING, text, remediation=advice)
    try:
        status = real.stat()
    except OSError:
        return Check("permissions", Health.SKIPPED, "There is no auth.json.")
    mode = stat.S_IMODE(status.st_mode)
    if status.st_nlink == 0:
        text = "The file that is mounted as auth.json was replaced where it comes from."
        remedy = Remediation("Mount the folder in the place of the file, so that both are the same")
        detail = "What is stored here does not get there, nor the other way round."
        return Check("permissions", Health.WARNING, text, detail, (remedy,))
    link = f", a link to {real}" if path.is_symlink() else ""
    if os.name == "nt":
        return Check("permissions", Health.SKIPPED, "Windows keeps them elsewhere.")
    return Check("permissions", Health.OK, f"auth.json has mode {mode:04o}{link}.")


def _locks(home: Path) -> Check:
    real = os.path.realpath(home / "auth.json")
    names = [home / "auth.lock", *(type(home)(real + suffix) for suffix in _SUFFIXES)]
    held = [path for path in names if is_held(path)]
    if not held:
        return Check("locks", Health.OK, "Nobody holds a lock of the login cache.")
    lines = [f"{path.name}: held by {lock_holder(path) or 'a process unknown'}" for path in held]
    advice = Remediation("If it stays so, end the program that holds the lock")
    summary = "Locks of the login cache are held at this moment."
    return Check("locks", Health.WARNING, summary, "\n".join(lines), (advice,))


_SUFFIXES = (".lock", ".refresh.lock")


def _keyring(scene: Scene) -> Check:
    report = scene.view.snapshot.report
    if report.mode not in _KEYRING_MODES:
        return Check("keyring", Health.SKIPPED, f"Mode {report.mode} uses no keyring.")
    if report.backend == "keyring" and report.health == "ok":
        return Check("keyring", Health.OK, "The system's keyring answers.")
    detail = report.detail or "The system's keyring is not in use."
    health = Health.WARNING if report.mode == "auto" else Health.ERROR
    return Check("keyring", health, detail)
