"""Reading while somebody writes: no reader ever sees half a login.

Writers in processes of their own replace the login without a pause, by the store's own code.
Readers in others read it as fast as they can, as any program would and by the store's own code.
Every login tells its number in every part, so that two halves of two are told from a whole one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prove.login import LoginFile
from prove.results import Outcome, Table, at_least, exactly
from prove.torn_worker import document
from prove.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

WRITERS, READERS = 2, 2

END_SECONDS = 30.0
"""How long a writer may take to finish its last write."""


@dataclass(frozen=True, slots=True)
class Torn:
    """What readers and writers did."""

    reads: int
    torn: int
    versions: int
    """Different logins that one reader saw, the least of all readers."""
    writes: int


async def run(reads: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Read so often while writers write, and find out whether a planted defect would be seen."""
    sound = await read_while_written(reads, folder / "sound")
    say(f"{sound.reads:,} reads during {sound.writes:,} writes")
    planted = await read_while_written(max(reads // 20, 1000), folder / "planted", in_place=True)
    return judge(reads, sound, planted)


async def read_while_written(reads: int, folder: Path, *, in_place: bool = False) -> Torn:
    """Return what came of it; `in_place` plants a writer that does not rename."""
    folder.mkdir()
    file = LoginFile.make(folder)
    file.write(document(0).members)
    first = file.bytes()
    writers = [await _child("write", file, int(in_place)) for _ in range(WRITERS)]
    await until(lambda: file.bytes() != first, "the first write")
    share = -(-reads // READERS)
    readers = [await _child("read", file, share) for _ in range(READERS)]
    read = [json.loads((await reader.communicate())[0]) for reader in readers]
    wrote = [
        json.loads((await asyncio.wait_for(writer.communicate(b"."), END_SECONDS))[0])
        for writer in writers
    ]
    return Torn(
        reads=sum(one["reads"] for one in read),
        torn=sum(one["torn"] for one in read),
        versions=min(one["versions"] for one in read),
        writes=sum(one["writes"] for one in wrote),
    )


async def _child(role: str, file: LoginFile, amount: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(Path(__file__).with_name("torn_worker.py")),
        role,
        str(file.folder),
        str(amount),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


def judge(reads_asked: int, sound: Torn, planted: Torn) -> Outcome:
    """Return the claims and figures."""
    return Outcome(
        part="torn",
        asked=f"{reads_asked:,} reads",
        claims=[
            at_least(
                "reads while the login was replaced without a pause", sound.reads, reads_asked
            ),
            exactly("torn reads", sound.torn),
            at_least("different logins that each reader saw", sound.versions, 2),
            at_least(
                f"torn reads of {planted.reads:,} where a writer was made to write in place, so "
                "that they can be seen",
                planted.torn,
                1,
            ),
        ],
        tables=[
            Table(
                ("writers", "reads", "torn", "writes"),
                tuple(
                    (name, f"{one.reads:,}", f"{one.torn:,}", f"{one.writes:,}")
                    for name, one in (("as they are", sound), ("planted: in place", planted))
                ),
            )
        ],
    )
