"""A disk that takes nothing: renewed tokens are kept and written later, and the old file stays.

Each fault comes at two moments. `before` the request: then nothing is sent, since nothing could be
kept. `during` it, when the token is already spent: then the new tokens live in memory, are told
and given out, and reach the disk as soon as it takes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prove.disk_faults import CASES, Case, EscapedError, Victim, may_mount, mount_tmpfs, unmount
from prove.issuer import ProvingIssuer
from prove.login import LoginFile
from prove.results import Outcome, Table, at_least, exactly
from prove.waiting import happens
from prove.windows import windows
from support.lsp_client import LanguageClient, RpcError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

BEFORE, DURING = "before the request", "during it"

WRITTEN_SECONDS = 20.0
"""How long what is kept may wait: the longest distance between two tries is ten seconds."""

LONGER_SECONDS = 7200.0
"""The lifetime of renewed access tokens, by which their expiry is told from the old one."""

ANSWER_SECONDS = 45.0

_TRIES = 5


@dataclass(slots=True)
class Faulted:
    """What one fault at one moment came to; `broken` names the promises that did not hold."""

    case: Case
    moment: str
    told: str = ""
    """The kind of error that was told."""
    token_requests: int = 0
    broken: list[str] = field(default_factory=list)

    def expect(self, promise: str, *, holds: bool) -> None:
        """Note a promise that does not hold."""
        if not holds:
            self.broken.append(promise)


async def run(folder: Path, say: Callable[[str], None]) -> Outcome:
    """Try every fault at both moments."""
    faulted = []
    skipped = [case.name for case in CASES if case.mounts and not may_mount()]
    for number, case in enumerate(case for case in CASES if case.name not in skipped):
        for moment in (BEFORE, DURING):
            faulted.append(await suffer_often(case, moment, folder / f"{number}-{len(faulted)}"))
            say(f"{case.name}, {moment}: {'; '.join(faulted[-1].broken) or 'fine'}")
    return judge(faulted, skipped)


async def suffer_often(case: Case, moment: str, folder: Path) -> Faulted:
    """Try again where a thread came that the fault did not reach."""
    for number in range(_TRIES):
        try:
            return await suffer(case, moment, folder.with_suffix(f".{number}"))
        except EscapedError:
            continue
    raise RuntimeError(f"{case.name}, {moment}: no fault reached every thread")


async def suffer(case: Case, moment: str, folder: Path) -> Faulted:
    """Let a window meet a fault; return what became of the login."""
    folder.mkdir()
    file = LoginFile.make(folder)
    if case.tmpfs:
        mount_tmpfs(file.folder)
    try:
        async with ProvingIssuer.start() as issuer:
            file.write(issuer.new_login())
            async with windows(2, folder, file.folder, issuer.url) as (window, other):
                for client in (window, other):  # so that nothing is imported any more
                    await client.request("auth/refresh", {"force": True}, timeout=ANSWER_SECONDS)
                issuer.policy(access_seconds=LONGER_SECONDS)
                issuer.forget_requests()
                scene = _Scene(Faulted(case, moment), issuer, file, window, other, folder)
                return await (scene.before() if moment == BEFORE else scene.during())
    finally:
        if case.tmpfs:
            unmount(file.folder)


@dataclass(slots=True)
class _Scene:
    result: Faulted
    issuer: ProvingIssuer
    file: LoginFile
    window: LanguageClient
    other: LanguageClient
    folder: Path

    @property
    def victim(self) -> Victim:
        return Victim(self.window.process.pid, self.file, self.folder / "trace")

    async def before(self) -> Faulted:
        """The fault is there when the refresh is asked for."""
        result = self.result
        async with result.case.fault(self.victim):
            present = self.file.bytes()
            error = await _refusal_of(self.window)
            result.told = error or ""
            result.expect(f"tells {result.case.kinds}", holds=error in result.case.kinds)
            self._expect_old_file(present)
        result.token_requests = self.issuer.count("refresh")
        result.expect("sends no token that it cannot keep", holds=result.token_requests == 0)
        await self._expect_working()
        return result

    async def during(self) -> Faulted:
        """The fault comes when the request is at the issuer."""
        result, old = self.result, self.file.bytes()
        old_status = await self.window.request("auth/status", {})
        self.issuer.hold_next_refresh()
        refresh = await self.window.start_request("auth/refresh", {"force": True})
        await self.issuer.held()
        async with result.case.fault(self.victim):
            present = self.file.bytes()
            waiting = await self.other.start_request("auth/refresh", {"force": True})
            self.issuer.let_go()
            try:
                await refresh.result(ANSWER_SECONDS)
            except RpcError as error:
                result.expect(f"answers without {error}", holds=error.kind in result.case.kinds)
            if result.case.foreseen:
                result.told = "nothing, since the room was kept"
                result.expect("is written all the same", holds=self.file.bytes() != present)
            else:
                await self._expect_told(old_status)
                self._expect_old_file(present)
        written = await happens(lambda: self.file.bytes() != old, WRITTEN_SECONDS)
        result.expect("is written when the fault is gone", holds=written)
        try:
            await waiting.result(ANSWER_SECONDS)
        except RpcError as error:
            result.expect(f"lets others wait, not {error}", holds=error.kind in result.case.kinds)
        result.token_requests = self.issuer.count("refresh")
        result.expect("costs one token request", holds=result.token_requests == 1)
        result.expect("ends no login", holds=self.issuer.count("revoke") == 0)
        await self._expect_working()
        return result

    async def _expect_told(self, old_status: dict[str, Any]) -> None:
        status = await self.window.request("auth/status", {})
        kinds = self.result.case.kinds
        self.result.told = status.get("lastError", {}).get("kind", "nothing")
        self.result.expect(f"tells {kinds}", holds=self.result.told in kinds)
        if status["state"] == "unavailable":  # it cannot even read: nobody knows who is signed in
            unreadable = status["store"]["health"] in {"unavailable", "corrupt"}
            self.result.expect("says why it knows nothing", holds=unreadable)
            return
        self.result.expect("stays signed in", holds=status["state"] == "signedIn")
        later = status.get("expiresAt", "") > old_status["expiresAt"]
        self.result.expect("tells the new expiry", holds=later)
        await self._expect_given_out()

    async def _expect_given_out(self) -> None:
        issued = await self.window.request("auth/credential", {})
        bearer = issued["headers"]["Authorization"].removeprefix("Bearer ")
        stored = self.file.read()["tokens"]["access_token"]
        new = bearer != stored and self.issuer.accepts(bearer)
        self.result.expect("gives out the new token", holds=new)

    def _expect_old_file(self, old: bytes | None) -> None:
        self.result.expect("leaves the old file as it was", holds=self.file.bytes() == old)
        left = [path for path in self.file.temporaries() if path.read_bytes().strip(b"\0")]
        if not self.result.case.seals:
            left = self.file.temporaries()
        self.result.expect("leaves no temporary file", holds=left == [])

    async def _expect_working(self) -> None:
        """The fault is gone: everything is as if it had never been."""
        for client in (self.window, self.other):
            error = await _refusal_of(client)
            self.result.expect(f"works again, without {error}", holds=error is None)
        status = await self.window.request("auth/status", {})
        self.result.expect("forgets the error", holds="lastError" not in status)
        self.result.expect("leaves no temporary file", holds=self.file.temporaries() == [])


async def _refusal_of(client: LanguageClient) -> str | None:
    try:
        await client.request("auth/refresh", {"force": True}, timeout=ANSWER_SECONDS)
    except RpcError as error:
        return error.kind
    return None


def judge(faulted: Sequence[Faulted], skipped: Sequence[str]) -> Outcome:
    """Return the claims and figures."""
    rows = tuple(
        (one.case.name, one.moment, one.told, str(one.token_requests), "; ".join(one.broken) or "—")
        for one in faulted
    )
    lost = ("leaves the old file as it was", "leaves no temporary file")
    limits = [
        "What is kept in memory is lost when the process is killed before the disk takes it; an "
        "orderly end tries once more.",
    ]
    if skipped:
        limits.append(f"Not run, for want of the right to mount: {', '.join(skipped)}.")
    return Outcome(
        part="faults",
        asked=f"{len(CASES)} faults, each {BEFORE} and {DURING}",
        claims=[
            at_least("faults that were met", len(faulted), 2 * (len(CASES) - len(skipped))),
            exactly(
                "old files changed, or temporary files left",
                sum(any(promise in lost for promise in one.broken) for one in faulted),
            ),
            exactly(
                "of all faults, those after which a promise did not hold",
                sum(bool(one.broken) for one in faulted),
            ),
        ],
        tables=[
            Table(("fault", "when", "told as", "token requests", "promises that failed"), rows)
        ],
        limits=limits,
        failures=[f"{one.case.name}, {one.moment}: {p}" for one in faulted for p in one.broken],
    )
