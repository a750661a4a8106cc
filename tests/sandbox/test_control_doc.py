"""`protocol.md` names every control of the sandbox, and none that is not there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codex_auth_lsp.sandbox.control import _POLICY_NAMES, Control
from codex_auth_lsp.sandbox.faults import _FIELDS, ENDPOINTS, KINDS
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.sandbox.ledger import Policy
from codex_auth_lsp.sandbox.people import CONTROL_NAMES

PROTOCOL = Path(__file__).parents[2] / "protocol.md"
CODE = re.compile(r"`([^`]+)`")


@pytest.fixture(scope="module")
def chapter() -> str:
    """Return the chapter about the sandbox."""
    text = PROTOCOL.read_text(encoding="utf-8")
    return text.partition("## Trying it out\n")[2].partition("\n## ")[0]


def rows(chapter: str, heading: str) -> list[list[str]]:
    """Return the cells of the table whose first heading this is."""
    table = chapter.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


async def test_every_control_is_described(chapter):
    """With its method."""
    async with SandboxIssuer.start() as issuer:
        control = Control(issuer.state)
    described = {CODE.findall(row[0])[0] for row in rows(chapter, "request")}

    assert described == {f"GET {path}" for path in control._gets} | {
        f"POST {path}" for path in control._posts
    }


def test_every_field_of_a_policy_is_described_with_its_default(chapter):
    """Numbers as numbers, flags as JSON has them."""
    described = {
        name: row[1] for row in rows(chapter, "field of a policy") for name in CODE.findall(row[0])
    }
    policy = Policy()

    assert described == {
        name: json.dumps(getattr(policy, field)) for name, field in _POLICY_NAMES.items()
    }


def test_every_field_of_a_fault_is_described(chapter):
    """And every endpoint and kind that it may name."""
    table = {CODE.findall(row[0])[0]: row[1] for row in rows(chapter, "field of a fault")}

    assert set(table) == set(_FIELDS)
    assert set(CODE.findall(table["endpoint"])) == ENDPOINTS
    assert set(CODE.findall(table["kind"])) - {"body"} == KINDS


def test_every_change_of_a_person_is_described(chapter):
    """In the sentence that lists them."""
    sentence = chapter.partition("The changes of a person")[2].partition(";")[0]

    assert set(CODE.findall(sentence)) == set(CONTROL_NAMES)
