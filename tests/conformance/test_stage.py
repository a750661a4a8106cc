"""The checker's own port and programs, on a machine that other people use as well."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

from conformance.programs import write_programs
from conformance.test_check_client import PATIENT, check

if TYPE_CHECKING:
    from pathlib import Path

STRAYS = [
    b"[]",
    b"1",
    b'{"ticket": "\\u00e9"}',
    b"\xff\xfe",
    b"[" * 50_000,
    b"x" * 100_000,
    b"",
]
"""First lines of a program that is not the checker's."""

STRANGE = ["", "1", "[]", '{"role": "server", "words": 5}', '{"role": "server", "words": [5]}', "{"]
"""What can follow the right ticket and is no relay's."""


def test_what_is_not_the_checkers_own_is_turned_away(tmp_path: Path):
    """Nothing about the check can be learned from a process's arguments, or sent without it."""
    notes = tmp_path / "notes.json"
    looks = f"""start()
import client, json, socket
words = open(f"/proc/{{client.server.pid}}/cmdline").read().split("\\0")
port = int(next(word for word in words if word.isdigit()))
ticket = open(next(word for word in words if word.endswith("ticket"))).read()
strange = [f'{{ticket}} {{said}}'.encode() for said in {STRANGE!r}]
closed = []
for line in [*{STRAYS!r}, *strange]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stray:
        stray.sendall(line + b"\\n")
        try:
            closed.append(stray.recv(1) == b"")
        except ConnectionResetError:  # what it had sent is not even read
            closed.append(True)
open({str(notes)!r}, "w").write(json.dumps([words, closed]))
"""
    script = write_programs(tmp_path, {"start()\nmatch": looks + "match"})

    outcome = check(tmp_path, [sys.executable, script], "--scenario", "sign-in", seconds=PATIENT)

    words, closed = json.loads(notes.read_text())
    assert outcome.mistakes == []
    assert "Traceback" not in outcome.text
    assert closed == [True] * (len(STRAYS) + len(STRANGE))
    assert not [word for word in words if re.fullmatch("[0-9a-f]{32,}", word)]
