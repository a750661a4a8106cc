"""Every store mode on every state of a desktop's keyring: one login and one logout in each.

What may come of it is written down as a table, `EXPECTED`; beside it stand the promises that hold
in every cell: a status within its deadline and without a dialog, nothing in the clear in the mode
`keyring`, the old login as it was after a login that failed and gone after a logout, if only when
the keyring opens, and the real Codex CLI of the same opinion.
"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prove.keyring_item import LoginItem, session, variables
from prove.login import key_login
from prove.waiting import CEILING, happens, until
from stores.desktop_session import DesktopSession, virtual_display
from support.codex_cli import CodexCli
from support.lsp_client import LanguageClient, RpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

STATUS_SECONDS = 3.5
"""Within which a status is there: 3 s, and the way to it."""

ANSWER_SECONDS = 200.0
"""Within which a login or logout has ended: the person has a minute for each question."""

MODES = ("file", "keyring", "auto", "ephemeral")

OPEN, LOCKED, ASKING, SILENT, NO_KEYRING, NO_BUS = STATES = (
    "unlocked",
    "locked",
    "locked, a question that nobody answers",
    "silent",
    "no keyring",
    "no session bus",
)

QUICK = tuple((mode, state) for mode in MODES for state in STATES if state != ASKING)
"""Without the cells in which a minute is waited for an answer."""

SLOW = tuple((mode, ASKING) for mode in MODES)

OLD_KEY, NEW_KEY = "sk-proof-of-the-old-login", "sk-proof-of-the-new-login"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a cell has to come to.

    `health` and `kept_in` (`keyring`, `file`, `memory`, `none`) are those of the status after the
    login; `login` and `logout` are `done` or the kind of error.
    """

    health: str
    login: str
    kept_in: str
    logout: str = "done"


def expected(mode: str, state: str) -> Expected:
    """Return what has to come of a mode in a state."""
    if mode in {"file", "ephemeral"}:
        return Expected("ok", "done", "file" if mode == "file" else "memory")
    if state == OPEN:
        return Expected("ok", "done", "keyring")
    if mode == "auto":
        return Expected("ok", "done", "file")
    if state in {NO_KEYRING, NO_BUS}:
        return Expected("unavailable", "storeUnavailable", "none", "storeUnavailable")
    return Expected("locked", "storeLocked", "keyring", "storeLocked")


@dataclass(slots=True)
class Cell:
    """What came of a mode in a state."""

    mode: str
    state: str
    found: Expected | None = None
    slowest_status: float = 0.0
    broken: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.mode}, {self.state}: {'; '.join(self.broken) or 'fine'}"


async def run_cells(
    cells: Sequence[tuple[str, str]], folder: Path, say: Callable[[str], None]
) -> list[Cell]:
    """Try every cell; those that wait for a person do so together."""
    slow = [cell for cell in cells if cell[1] == ASKING]
    waiting = asyncio.gather(*(try_cell(*cell, folder) for cell in slow))
    done = [await try_cell(*cell, folder) for cell in cells if cell not in slow]
    done += await waiting
    for cell in done:
        say(str(cell))
    return done


async def try_cell(mode: str, state: str, folder: Path) -> Cell:
    """Sign in and out in one mode in one state."""
    cell = Cell(mode, state)
    with ExitStack() as stack:
        display = stack.enter_context(virtual_display()) if state == ASKING else None
        running = stack.enter_context(
            session(display=display, keyring=state not in {NO_KEYRING, NO_BUS})
        )
        item = LoginItem.make(running, mode)
        before = None
        if state in {LOCKED, ASKING, SILENT} and mode == "keyring":
            item.write(key_login(OLD_KEY))
            before = item.bytes()
        environment = {} if state == NO_BUS else variables(running)
        environment |= {"XDG_RUNTIME_DIR": str(running.folder)} if state == NO_BUS else {}
        client = await LanguageClient.start(
            folder, home=item.folder, environment=environment, log_level=None
        )
        try:
            await client.initialize()
            await client.wait_for("auth/statusChanged")
            _enter(running, state)
            try:
                await _use(cell, client, item, running, environment)
            finally:
                _leave(running, state)
            if before is not None:
                await _see_it_go(cell, item, before)
        finally:
            await client.kill()
        _judge(cell)
    return cell


def _enter(running: DesktopSession, state: str) -> None:
    if state in {LOCKED, ASKING}:
        running.lock()
    elif state == SILENT:
        running.daemons[0].send_signal(signal.SIGSTOP)


def _leave(running: DesktopSession, state: str) -> None:
    if state == SILENT:
        running.daemons[0].send_signal(signal.SIGCONT)
    if state in {LOCKED, ASKING}:
        running.unlock()  # whatever question still stands on the screen


async def _use(
    cell: Cell,
    client: LanguageClient,
    item: LoginItem,
    running: DesktopSession,
    environment: dict[str, str],
) -> None:
    await _look(cell, client)
    if cell.state == ASKING and running.dialogs():
        cell.broken.append("a status opened a dialog")
    login = await client.start_request("auth/login", {"method": "apiKey", "apiKey": NEW_KEY})
    if cell.state == ASKING and cell.mode in {"keyring", "auto"}:
        await until(lambda: bool(running.dialogs()), "the keyring's question")
        await _look(cell, client)
    login_answer, _ = await _answer(login)
    status = await _look(cell, client)
    if login_answer == "done" and status["state"] != "signedIn":
        cell.broken.append(f"after the login the state is {status['state']}")
    _judge_disk(cell, item, status)
    if cell.state in {OPEN, NO_KEYRING, NO_BUS} and login_answer == "done":
        await _ask_codex(cell, item, environment, signed_in=cell.mode != "ephemeral")
    logout_answer, result = await _answer(await client.start_request("auth/logout", {}))
    if logout_answer == "done" and (
        result["removed"] != [status["store"]["backend"]] or item.file.exists()
    ):
        cell.broken.append(f"the logout removed {result['removed']}")
    cell.found = Expected(
        status["store"]["health"],
        login_answer,
        status["store"]["backend"],
        logout_answer,
    )


async def _look(cell: Cell, client: LanguageClient) -> dict[str, Any]:
    """Ask for the status, which may take as long as it may and no longer."""
    started = time.monotonic()
    status = await client.request("auth/status", {})
    cell.slowest_status = max(cell.slowest_status, time.monotonic() - started)
    return dict(status)


async def _answer(request: Any) -> tuple[str, dict[str, Any]]:
    try:
        return "done", dict(await request.result(ANSWER_SECONDS))
    except RpcError as error:
        return str(error.kind), {}


def _judge_disk(cell: Cell, item: LoginItem, status: dict[str, Any]) -> None:
    """Find the new key in the clear where it must not be, and a file that others could read."""
    holders = [
        path.name
        for path in item.folder.rglob("*")
        if path.is_file() and NEW_KEY.encode() in path.read_bytes()
    ]
    allowed = ["auth.json"] if status["store"]["backend"] == "file" else []
    if holders != allowed:
        cell.broken.append(f"the login is in the clear in {holders}")
    if holders and item.file.stat().st_mode & 0o077:
        cell.broken.append("the file is open to others")


async def _ask_codex(
    cell: Cell, item: LoginItem, environment: dict[str, str], *, signed_in: bool
) -> None:
    status = await CodexCli(item.folder, environment).login_status()
    if (status.returncode == 0) != signed_in:
        cell.broken.append(f"Codex is of another opinion: {status.stderr.strip()[:100]}")


async def _see_it_go(cell: Cell, item: LoginItem, before: bytes) -> None:
    """Wait until the login goes that the logout could not reach, now that the keyring is open."""
    if item.bytes() not in {before, None}:
        cell.broken.append("the old login is not what it was")
    if not await happens(lambda: item.bytes() is None, CEILING):
        cell.broken.append("the old login is there still")


def _judge(cell: Cell) -> None:
    wanted = expected(cell.mode, cell.state)
    if cell.found != wanted:
        cell.broken.append(f"came to {cell.found}, not to {wanted}")
    if cell.slowest_status > STATUS_SECONDS:
        cell.broken.append(f"a status took {cell.slowest_status:.1f} s")
