"""A child of the torn-read proof: writes logins, or reads them, through the store's own code.

Usage: torn_worker.py write FOLDER IN_PLACE | read FOLDER READS. A writer writes until its stdin
ends. Both say in the end, as one line of JSON, what they did. It runs with `python -I`.
"""

from __future__ import annotations

import itertools
import json
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.stores.document import Document, parse_document
from codex_auth_lsp.stores.file import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (200, 9_000, 40, 70_000, 3_000)
"""Bytes of filling, so that one login is longer than the next, and some than a page."""


def document(number: int) -> Document:
    """Return a login that names its number at both ends and once in every part of its filling."""
    filling = f"{number:08d}." * (SIZES[number % len(SIZES)] // 9)
    key = f"sk-proof-{number}-{filling}{number}"
    return Document({"auth_mode": "apikey", "OPENAI_API_KEY": key, "x_number": str(number)})


def is_whole(members: dict[str, Any]) -> bool:
    """Say whether these are the members of one login, and of no two."""
    number = members.get("x_number")
    return isinstance(number, str) and members == document(int(number)).members


def write(folder: Path, *, in_place: bool) -> dict[str, int]:
    """Write one login after the other until stdin ends."""
    store = FileStore(CodexHome(folder, "option"))
    for number in itertools.count(1):
        content = document(number)
        if in_place:
            store.path.write_bytes(content.render())  # the planted defect
        else:
            store.update(lambda _, content=content: content)
        if select.select([sys.stdin], [], [], 0)[0]:
            return {"writes": number}
    raise AssertionError("it counts without end")


def read(folder: Path, reads: int) -> dict[str, int]:
    """Read so often: every other time as any program would, else as the language server does."""
    store = FileStore(CodexHome(folder, "option"))
    ways: tuple[Callable[[], Any], ...] = (
        lambda: parse_document(store.path.read_bytes()).members,
        lambda: _of(store.read().document),
    )
    torn, versions = 0, set()
    for way in itertools.islice(itertools.cycle(ways), reads):
        try:
            members = way()
        except Exception:  # noqa: BLE001 - whatever it is, this read got no whole login
            members = {}
        torn += not is_whole(members)
        versions.add(members.get("x_number"))
    return {"reads": reads, "torn": torn, "versions": len(versions)}


def _of(found: Document | None) -> dict[str, Any]:
    return found.members if found is not None else {}


if __name__ == "__main__":
    role, where, amount = sys.argv[1:]
    if role == "write":
        done = write(Path(where), in_place=bool(int(amount)))
    else:
        done = read(Path(where), int(amount))
    print(json.dumps(done))
