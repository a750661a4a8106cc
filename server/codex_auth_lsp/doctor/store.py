"""The login cache: its health, who may read it, who holds its locks, and the keyring."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.doctor.access import is_closed, may_be_read, opening, writing
from codex_auth_lsp.doctor.check import UNKNOWN, Check, Health
from codex_auth_lsp.errors import Remediation
from codex_auth_lsp.service.methods import permitted
from codex_auth_lsp.stores import lock
from codex_auth_lsp.stores.base import READABLE, unreadable
from codex_auth_lsp.stores.lock import is_held
from codex_auth_lsp.stores.lock_holder import lock_holder
from codex_auth_lsp.stores.permissions import permission_notices

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene
    from codex_auth_lsp.domain.store_report import StoreReport

_PLACES = {"keyring": "the system's keyring", "memory": "the memory of this program"}
_NO_KEYRING = ("keyring", "unavailable")
_KEYRING_MODES = {"keyring", "auto"}
_OTHER_STORE = (
    "Start the system's keyring; without a desktop, set cli_auth_credentials_store to "
    '"file" or "auto" in config.toml'
)


async def checks(scene: Scene) -> list[Check]:
    """Return what is known of the store."""
    return [
        _store(scene),
        _permissions(scene.options.home.path / "auth.json"),
        await asyncio.to_thread(_locks, scene.options.home.path),
        _keyring(scene),
    ]


def _store(scene: Scene) -> Check:
    if scene.options.home.problem() is not None:
        return Check("store", Health.SKIPPED, "Without its folder there is no login cache.")
    report, home = scene.view.snapshot.report, scene.options.home.path
    summary = _summary(report)
    error = unreadable(report)
    if error is not None:
        advice = permitted(error.remediation, scene.view.settings)
        if report.backend == "none" or (report.backend, report.health) == _NO_KEYRING:
            advice = (Remediation(_OTHER_STORE),)
        if report.backend == "file" and report.health == "unavailable" and report.path is not None:
            file = Path(report.path)
            advice = () if may_be_read(file) else (opening(file),)
        return Check("store", Health.ERROR, error.message, summary, advice)
    if not scene.view.settings_known:
        return Check("store", Health.SKIPPED, UNKNOWN.format(what="Where logins are kept"))
    if report.health != "ok":
        text = report.detail or "The store is read-only."
        remedy = None if report.path is None else writing(Path(report.path), home)
        return Check("store", Health.WARNING, text, summary, () if remedy is None else (remedy,))
    return Check("store", Health.OK, summary, report.detail)


def _summary(report: StoreReport) -> str:
    if report.backend == "none":
        return f"Mode {report.mode}: there is no place where logins could be kept."
    where = report.path or _PLACES.get(report.backend, report.backend)
    kept = "encrypted" if report.encrypted else "unencrypted"
    return f"Mode {report.mode}: logins are kept in {where}, {kept}."


def _permissions(path: Path) -> Check:
    try:
        real = path.resolve() if not path.is_symlink() or path.exists() else path
        status = real.stat()
    except (FileNotFoundError, NotADirectoryError):
        return Check("permissions", Health.SKIPPED, "There is no auth.json.")
    except OSError as exc:
        text = f"{path} cannot be looked at: {exc.strerror}."
        return Check("permissions", Health.ERROR, text, remediation=(opening(path),))
    if not stat.S_ISREG(status.st_mode):
        text = f"{real} is no file{', but a folder' if stat.S_ISDIR(status.st_mode) else ''}."
        advice = Remediation(f"Move {path} away; a sign-in makes a file in its place")
        return Check("permissions", Health.ERROR, text, remediation=(advice,))
    notices = permission_notices(real)
    if notices:
        actions = tuple(action for notice in notices for action in notice.actions)
        text = " ".join(notice.message for notice in notices)
        return Check("permissions", Health.WARNING, text, remediation=actions)
    mode = stat.S_IMODE(status.st_mode)
    if status.st_nlink == 0:
        text = "The file that is mounted as auth.json was replaced where it comes from."
        remedy = Remediation("Mount the folder in the place of the file, so that both are the same")
        detail = "What is stored here does not get there, nor the other way round."
        return Check("permissions", Health.WARNING, text, detail, (remedy,))
    if not os.access(real, os.R_OK):
        text = f"auth.json has mode {mode:04o} and is closed to this user, as above."
        return Check("permissions", Health.SKIPPED, text)
    link = f", a link to {real}" if path.is_symlink() else ""
    if os.name == "nt":
        return Check("permissions", Health.SKIPPED, "Windows keeps them elsewhere.")
    return Check("permissions", Health.OK, f"auth.json has mode {mode:04o}{link}.")


def _locks(home: Path) -> Check:
    if os.path.lexists(home) and not home.is_dir():
        return Check("locks", Health.SKIPPED, "Without its folder there are no locks.")
    if is_closed(home):
        return Check(
            "locks", Health.SKIPPED, "The locks lie in a folder that is closed to this user."
        )
    real = os.path.realpath(home / "auth.json")
    paths = [home / "auth.lock", *(Path(real + suffix) for suffix in _SUFFIXES)]
    unusable = [(path, reason) for path in paths if (reason := _why_unusable(path)) is not None]
    if unusable:
        lines = [f"{path} cannot be opened for writing: {reason}." for path, reason in unusable]
        return Check(
            "locks",
            Health.ERROR,
            f"{lines[0]} Without it no login can be stored.",
            "\n".join(lines[1:]) or None,
            tuple(_unlocking(path) for path, _ in unusable),
        )
    held = [path for path in paths if is_held(path)]
    if not held:
        return Check("locks", Health.OK, "Nobody holds a lock of the login cache.")
    lines = [f"{path.name}: held by {lock_holder(path) or 'a process unknown'}" for path in held]
    advice = Remediation("If it stays so, end the program that holds the lock")
    summary = "Locks of the login cache are held at this moment."
    return Check("locks", Health.WARNING, summary, "\n".join(lines), (advice,))


_SUFFIXES = (".lock", ".refresh.lock")


def _why_unusable(path: Path) -> str | None:
    """Return why a lock file that is there cannot be opened, None where it can or is not."""
    try:
        lock.check((path,))
    except OSError as exc:
        return exc.strerror if os.path.lexists(path) else None
    return None


def _unlocking(path: Path) -> Remediation:
    if path.is_symlink() or not path.is_file():
        return Remediation(f"Move {path} away; it is no file, and is made again when it is needed")
    return opening(path)


def _keyring(scene: Scene) -> Check:
    if not scene.view.settings_known:
        return Check("keyring", Health.SKIPPED, UNKNOWN.format(what="Whether a keyring is used"))
    report = scene.view.snapshot.report
    if report.mode not in _KEYRING_MODES:
        return Check("keyring", Health.SKIPPED, f"Mode {report.mode} uses no keyring.")
    if report.backend == "keyring" and report.health in READABLE:
        return Check("keyring", Health.OK, "The system's keyring answers.")
    if unreadable(report) is not None:
        text = "The keyring cannot be used now, as the check of the store has it."
        return Check("keyring", Health.SKIPPED, text)
    detail = report.detail or "The system's keyring is not in use."
    return Check("keyring", Health.WARNING, detail)
