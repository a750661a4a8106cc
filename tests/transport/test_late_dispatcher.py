"""A dispatcher that is loaded while the event loop goes on."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.transport import late_dispatcher
from codex_auth_lsp.transport.conversation import Conversation
from e2e.shapes import CLIENT_ID

if TYPE_CHECKING:
    from pathlib import Path

KEY = {"method": "apiKey", "apiKey": "sk-example-of-a-test", "attemptId": "attempt"}


class Talk:
    """A conversation whose libraries are loaded when the test says so."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_load = threading.Event()
        self.loads = 0
        self.fails = False
        monkeypatch.setattr(late_dispatcher, "load", self._load)
        self.sent: list[dict[str, Any]] = []
        options = ServiceOptions(
            CodexHome(folder, "option"), IssuerSettings(OPENAI_ISSUER, CLIENT_ID), {}
        )
        self.conversation = Conversation(
            AuthService(options),
            {},
            lambda frame: self.sent.append(json.loads(frame.partition(b"\r\n\r\n")[2])),
            on_exit=lambda _: None,
            on_parent=lambda _: None,
        )
        self.say(0, "initialize")

    def _load(self) -> None:
        self.loads += 1
        self.may_load.wait(5)
        if self.fails:
            raise ImportError("a library is not here")

    def say(self, number: int | None, method: str, params: Any = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        self.conversation.receive(json.dumps(message).encode())

    async def answers(self, *numbers: int) -> dict[int, Any]:
        """Wait until these were answered; return how, in the order in which it was told."""
        async with asyncio.timeout(5):
            while not {*numbers} <= self._answered().keys():
                await asyncio.sleep(0)
        return self._answered()

    def _answered(self) -> dict[int, Any]:
        return {
            message["id"]: message.get("result") or message["error"]["code"]
            for message in self.sent
            if message.get("id")
        }


@pytest.fixture
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    return Talk(tmp_path, monkeypatch)


async def test_state_is_told_while_libraries_are_loaded(talk):
    """However long that takes, and however many requests wait for it."""
    for number in range(1, 257):
        talk.say(number, "auth/doctor")
    talk.say(257, "auth/status")
    answers = await talk.answers(257)

    assert (list(answers), answers[257]["state"]) == ([257], "signedOut")
    talk.may_load.set()
    assert len(await talk.answers(*range(1, 257))) == 257
    assert talk.loads == 1


async def test_what_ends_a_login_comes_after_one_that_is_still_held(talk, tmp_path):
    """A logout and a cancellation act upon what was asked for before them."""
    talk.say(1, "auth/login", KEY)
    talk.say(2, "auth/cancelLogin", {"attemptId": "attempt"})
    talk.say(3, "auth/logout")
    talk.say(4, "auth/logout")
    talk.say(None, "$/cancelRequest", {"id": 4})
    talk.say(5, "auth/status")
    assert list(await talk.answers(4, 5)) == [4, 5]

    talk.may_load.set()
    answers = await talk.answers(1, 2, 3)
    assert answers[2] == {"outcome": "cancelled"}
    assert (answers[1], answers[4]) == (-32802, -32800)
    assert answers[3]["status"]["state"] == "signedOut"
    assert not (tmp_path / "auth.json").exists()


async def test_what_ends_a_login_waits_for_no_library_of_its_own(talk):
    """A window that never signed in loads none to sign out."""
    talk.say(1, "auth/cancelLogin")
    talk.say(2, "auth/logout")
    answers = await talk.answers(1, 2)

    assert answers[1] == {"outcome": "notFound"}
    assert answers[2]["removed"] == []
    assert talk.loads == 0


async def test_request_that_is_cancelled_while_it_is_held_never_begins(talk, tmp_path):
    """Its id may be used again, and its attempt's id, too."""
    talk.say(1, "auth/login", KEY)
    talk.say(1, "auth/login", KEY)
    talk.say(None, "$/cancelRequest", {"id": 1})
    assert [message["error"]["code"] for message in talk.sent[1:]] == [-32600, -32800]

    talk.may_load.set()
    await talk.conversation.catch_up()
    assert not (tmp_path / "auth.json").exists()
    talk.say(2, "auth/login", KEY)
    talk.say(3, "auth/cancelLogin", {"attemptId": "attempt"})
    answers = await talk.answers(2, 3)
    assert (answers[2], answers[3]) == (-32802, {"outcome": "cancelled"})


async def test_shutdown_ends_what_is_still_held_as_what_runs(talk):
    """All of it is answered, and before the shutdown."""
    talk.say(1, "auth/login", {"method": "deviceCode"})
    talk.say(2, "shutdown")
    talk.may_load.set()
    async with asyncio.timeout(5):
        await talk.conversation.close()

    answered = [message["id"] for message in talk.sent if "id" in message]
    assert answered == [0, 1, 2]


async def test_library_that_cannot_be_loaded_is_a_defect_of_each_request(talk, monkeypatch):
    """And of no other one."""
    talk.fails = True
    monkeypatch.setattr(talk.conversation._dispatcher, "_make", lambda: talk._load())
    talk.say(1, "auth/doctor")
    talk.say(2, "auth/cancelLogin")
    talk.may_load.set()
    answers = await talk.answers(1, 2)
    for number in range(3, 303):
        talk.say(number, "auth/doctor")

    assert answers == {1: -32603, 2: {"outcome": "notFound"}}
    later = await talk.answers(302)
    assert {later[number] for number in range(3, 303)} == {-32603}


async def test_cancellation_of_what_is_not_there_brings_nothing_in(talk):
    """Its answer may be on its way already."""
    talk.conversation._dispatcher.cancel(7)
    talk.say(1, "auth/status")

    assert list(await talk.answers(1)) == [1]
    assert talk.loads == 0
    assert [message["id"] for message in talk.sent if "id" in message] == [0, 1]


async def test_defect_in_a_notification_costs_no_more_than_that(talk, monkeypatch, caplog):
    """(W11) Nobody can be answered; the log has it without its text, and the window goes on."""

    def fail() -> None:
        raise ValueError("a secret text")

    monkeypatch.setattr(talk.conversation._service, "start", fail)
    talk.say(None, "initialized", {})
    talk.say(1, "auth/status")

    assert (await talk.answers(1))[1]["state"] == "signedOut"
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
