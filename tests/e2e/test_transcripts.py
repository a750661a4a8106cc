"""The conversations of `protocol.md`, each played against the real server to its last message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.stage import Differs, Stage
from wire.transcript import interleaving, transcripts_of

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

TEXT = (Path(__file__).parents[2] / "protocol.md").read_text(encoding="utf-8")
TRANSCRIPTS = transcripts_of(TEXT)


@pytest.fixture
def stage(start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome) -> Stage:
    """Offer a stage on which nobody has appeared yet."""
    return Stage(start, sandbox, browser, home, interleaving(TEXT))


@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_a_conversation_is_as_it_is_written(stage: Stage, name: str):
    """Every message comes, in its order, with these fields, and no other comes."""
    await stage.play(TRANSCRIPTS[name])


KEY = TRANSCRIPTS["signing in with an API key"]

PLANTED = {
    "another value": ('"billing": "usage"', '"billing": "none"', ".status.billing: is 'usage'"),
    "a field that is not sent": (
        '"outcome": "signedIn"',
        '"outcome": "signedIn", "at": …',
        ".at: is missing",
    ),
    "a field that is not told": (
        '"phase": "starting", "message": …',
        '"phase": "starting"',
        ".message: is not expected",
    ),
    "another id than before": (
        '"attemptId": $attempt, "outcome": "signedIn"',
        '"attemptId": $refused, "outcome": "signedIn"',
        "and $refused is",
    ),
    "a message that does not come": (
        "A ← 2 result",
        'A ← auth/loginCompleted {"attemptId": $attempt, …}\nA ← 2 result',
        "the result of auth/login instead of auth/loginCompleted",
    ),
    "a message that is not told": (
        'A ← auth/loginProgress {"attemptId": $attempt, "phase": "storing", "message": …}\n',
        "",
        "auth/loginProgress instead of auth/statusChanged",
    ),
    "a last message that is not told": (
        KEY[KEY.index("A ← 2 result") :],
        "",
        "A: the result of auth/login in addition",
    ),
    "a result in the place of an error": ("A ← 1 error", "A ← 1 result", "instead of result of 1"),
    "a step that nobody knows": (
        "* window B opens",
        "* window B flies",
        "nobody knows how to play: window B flies",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
async def test_a_conversation_that_is_written_otherwise_is_found_out(stage: Stage, name: str):
    """Whatever is changed in a transcript makes it fail: those that pass mean something."""
    old, new, finding = PLANTED[name]
    assert old in KEY

    with pytest.raises(Differs) as caught:
        await stage.play(KEY.replace(old, new, 1))
    await stage.close()

    assert finding in str(caught.value)


async def test_a_last_message_that_does_not_come_is_missed(stage: Stage):
    """The end of a transcript is waited for like the rest."""
    stage.deadline = 1.0

    with pytest.raises(Differs, match="auth/loginPrompt did not come"):
        await stage.play("* window A opens\nA ← auth/loginPrompt …")
