"""The table of states in `protocol.md`, each of its cells brought about at a real server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.state_events import EVENTS, STATES, Cell, can_happen

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

TEXT = (Path(__file__).parents[2] / "protocol.md").read_text(encoding="utf-8")


def state_table() -> dict[str, dict[str, str]]:
    """Return the cells of the table by state and event."""
    found = re.search(r"^\| event \|(.*)\n\| ---.*\n((?:\|.*\n)*)", TEXT, re.MULTILINE)
    assert found is not None
    states = [state.strip().replace("`", "") for state in found[1].strip("|").split("|")]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in found[2].splitlines()]
    return {
        state: {row[0]: row[number] for row in rows} for number, state in enumerate(states, start=1)
    }


TABLE = state_table()


def written(told: list[tuple[str, str]]) -> str:
    """Return what was told as the table writes it."""
    return ", ".join(f"`{state}`, `{cause}`" for state, cause in told) or "nothing"


def test_the_table_has_every_state_and_every_event():
    """A state or an event that has no cell is one that nobody can look up."""
    assert tuple(TABLE) == STATES
    assert {tuple(column) for column in TABLE.values()} == {tuple(EVENTS)}


@pytest.mark.parametrize("state", STATES)
async def test_every_cell_of_a_state_is_what_the_server_does(
    start: Starter, sandbox: Sandbox, home: CodexHome, state: str
):
    """From this state each event leads to the state, by the cause, that the table says."""
    client = await start(sandbox)
    found = {}
    for event in EVENTS:
        if not can_happen(state, event):
            found[event] = "—"
            continue
        cell = Cell(client, home, sandbox)
        await cell.set_up(state, event)
        found[event] = written(await cell.meet(event))

    assert found == TABLE[state]
