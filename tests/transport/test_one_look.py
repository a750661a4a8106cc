"""One look at the login cache for all requests that were read together, and not for one more."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.errors import InternalError
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.service.login_cache import LoginCache
from codex_auth_lsp.transport.conversation import Conversation
from e2e.shapes import CLIENT_ID, api_key_login, codex_bytes

if TYPE_CHECKING:
    from pathlib import Path

KEY = codex_bytes(api_key_login("sk-example-of-a-test"))


class Talk:
    """A conversation on a folder, and the looks that it took."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "auth.json"
        self.looks = 0
        look = LoginCache.look

        def counted(cache: LoginCache) -> Any:
            self.looks += 1
            return look(cache)

        monkeypatch.setattr(LoginCache, "look", counted)
        issuer = IssuerSettings(OPENAI_ISSUER, CLIENT_ID)
        options = ServiceOptions(CodexHome(folder, "option"), issuer, {})
        self._sent: list[bytes] = []
        self.conversation = Conversation(
            AuthService(options),
            {},
            self._sent.append,
            on_exit=lambda _: None,
            on_parent=lambda _: None,
        )
        self.say(0, "initialize")

    def say(self, number: int, method: str) -> None:
        message = {"jsonrpc": "2.0", "id": number, "method": method}
        self.conversation.receive(json.dumps(message).encode())

    def ask_together(self, *numbers: int) -> None:
        self.conversation.begin_chunk()
        for number in numbers:
            self.say(number, "auth/status")
        self.conversation.end_chunk()

    def answers(self) -> list[tuple[int, str]]:
        bodies = [json.loads(frame.partition(b"\r\n\r\n")[2]) for frame in self._sent]
        self._sent.clear()
        return [
            (body["id"], body["result"]["state"] if "result" in body else body["error"]["message"])
            for body in bodies
            if body["id"] != 0
        ]


@pytest.fixture
async def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    return Talk(tmp_path, monkeypatch)


async def test_what_was_read_together_takes_one_look(talk):
    """Ten thousand requests that came at once cost little more than one."""
    before = talk.looks
    talk.ask_together(*range(1, 501))

    assert talk.looks == before + 1
    assert talk.answers() == [(number, "signedOut") for number in range(1, 501)]


async def test_next_chunk_and_what_comes_alone_are_looked_at_again(talk):
    """Somebody may have changed something before they were sent."""
    talk.ask_together(1, 2)
    talk.path.write_bytes(KEY)
    talk.ask_together(3, 4)
    talk.path.unlink()
    talk.say(5, "auth/status")
    talk.path.write_bytes(KEY)
    talk.say(6, "auth/status")

    states = ["signedOut", "signedOut", "signedIn", "signedIn", "signedOut", "signedIn"]
    assert talk.answers() == list(enumerate(states, 1))


async def test_what_this_process_did_meanwhile_is_in_the_second_answer(talk):
    """A change of its own is looked at when it is made."""
    talk.conversation.begin_chunk()
    talk.say(1, "auth/status")
    talk.path.write_bytes(KEY)
    talk.conversation._service.status()
    talk.say(2, "auth/status")
    talk.conversation.end_chunk()

    assert talk.answers() == [(1, "signedOut"), (2, "signedIn")]


async def test_look_that_failed_serves_nobody_else(talk, monkeypatch):
    """Each request is answered, and the next look may work."""
    look = LoginCache.look
    fails = iter([True])

    def failing(cache: LoginCache) -> Any:
        if next(fails, False):
            raise InternalError
        return look(cache)

    monkeypatch.setattr(LoginCache, "look", failing)
    talk.ask_together(1, 2)

    (first, message), second = talk.answers()
    assert (first, message != "signedOut", second) == (1, True, (2, "signedOut"))


async def test_settings_that_were_just_written_are_waited_for_by_all_of_a_chunk(talk):
    """Half a configuration is told to nobody, and the request before it changes nothing of that."""
    talk.ask_together(1)
    assert talk.answers() == [(1, "signedOut")]
    config = talk.path.with_name("config.toml")
    config.write_text('cli_auth_credentials_store = "ephem')
    talk.ask_together(2, 3)

    assert talk.answers() == []
    config.write_text('cli_auth_credentials_store = "ephemeral"\n')
    async with asyncio.timeout(5):
        await talk.conversation.close()
    assert talk.answers() == [(2, "signedOut"), (3, "signedOut")]
    talk.ask_together(4)
    assert talk.conversation._service.view.settings.store_mode == "ephemeral"
