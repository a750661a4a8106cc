"""A transcript of `protocol.md` played against real servers and the sandbox issuer.

The player sends what the windows send, plays whoever else takes part, and demands the messages of
each window in their order, none more and none less. Windows are apart: their messages have no order
among each other, except that a line is waited for before the next one is played.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.sandbox.visitor import Visitor
from e2e.shapes import api_key_login, example_key
from support.lsp_client import ANSWER_DEADLINE, FULL_AUTH, NO_ANSWER, UNSET
from support.secrets_guard import ACCESS_TOKEN, API_KEY
from wire.transcript import Line, Step, differences, filled_in, read_pattern, read_transcript

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient, Message
    from support.sandbox import Sandbox


_VALUES = {
    "CODEX_ACCESS_TOKEN": "at-environment-token-of-the-test",
    "LAB_KEY": example_key("of-the-lab"),
}
"""What the variables of a transcript hold."""


class Differs(Exception):
    """The server did something else than the transcript says."""


@dataclass(slots=True)
class Window:
    """One editor window: its server, and how far its messages have been read."""

    client: LanguageClient
    read: int = 0
    ids: dict[str, int | str] = field(default_factory=dict)
    """The ids of the conversation by the labels of the transcript."""


@dataclass
class Stage:
    """Plays transcripts."""

    start: Starter
    sandbox: Sandbox
    browser: Browser
    home: CodexHome
    between: frozenset[str] = frozenset()
    """The notifications that may come between any two lines."""
    deadline: float = ANSWER_DEADLINE
    windows: dict[str, Window] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    async def play(self, transcript: str) -> None:
        """Play a transcript to its end.

        Raises:
            Differs: A message is another one, is missing, or is one too many.
        """
        self.sandbox.policy(deviceIntervalSeconds=1)
        for entry in read_transcript(transcript):
            if isinstance(entry, Step):
                await self._take(entry.words)
            elif entry.from_server:
                await self._hear(entry)
            else:
                await self._say(entry)
        await self.close()
        for name, window in self.windows.items():
            self._nothing_more(name, window)

    async def close(self) -> None:
        """End the servers that still run."""
        for window in self.windows.values():
            await window.client.close()

    async def _say(self, line: Line) -> None:
        window = self.windows[line.window]
        body = UNSET if line.body is None else filled_in(line.body, self.known)
        if line.is_response:
            answer = {"jsonrpc": "2.0", "id": window.ids[str(line.label)], line.method: body}
            await window.client.send(answer)
        elif line.label is None:
            if line.method == "$/cancelRequest":
                body = {"id": window.ids[str(body["id"])]}
            window.client.initialized |= line.method == "initialized"
            await window.client.notify(line.method, body)
        else:
            if line.method == "initialize":
                experimental = body["capabilities"].get("experimental", {})
                window.client.auth = experimental.get("auth")
            request = await window.client.start_request(line.method, body)
            window.ids[line.label] = request.id

    async def _hear(self, line: Line) -> None:
        window = self.windows[line.window]
        message = await self._next(line, window)
        if line.is_response:
            found = _what_it_is(message) == line.method and (
                message.body.get("id") == window.ids[str(line.label)]
            )
            value = message.body.get(line.method)
            if message.answers == "initialize":
                window.client.capabilities = message.body["result"]["capabilities"]
        else:
            found = message.method == line.method
            value = message.params
        if not found:
            raise Differs(f"{line.window}: {_named(message)} instead of {_expected(line)}")
        if message.kind == "request":
            window.ids[str(line.label)] = message.body["id"]
        different = differences(line.body, value, self.known)
        if different:
            raise Differs(f"{line.window}: {_expected(line)}: {'; '.join(different)}")

    async def _next(self, line: Line, window: Window) -> Message:
        """Return the next message, without those that may come between any two."""
        while True:
            try:
                message = await window.client.wait_until(
                    lambda _: True, _expected(line), since=window.read, timeout=self.deadline
                )
            except TimeoutError as exc:
                raise Differs(f"{line.window}: {_expected(line)} did not come") from exc
            window.read += 1
            if message.method not in self.between or message.method == line.method:
                return message

    def _nothing_more(self, name: str, window: Window) -> None:
        rest = [
            message
            for message in window.client.messages[window.read :]
            if message.method not in self.between and message.answers != "shutdown"
        ]
        if rest:
            raise Differs(f"{name}: {', '.join(map(_named, rest))} in addition")

    # What happens beside the protocol

    async def _take(self, words: str) -> None:
        for pattern, step in _STEPS.items():
            found = re.fullmatch(pattern, words)
            if found is not None:
                await step(self, *found.groups())
                return
        raise Differs(f"nobody knows how to play: {words}")

    async def _start(self, name: str, capabilities: str | None) -> None:
        """Start a server and read its first status."""
        await self._spawn(name)
        window = self.windows[name]
        auth: Any = read_pattern(capabilities) if capabilities else dict(FULL_AUTH)
        await window.client.initialize(auth)
        window.read = (await window.client.wait_for("auth/statusChanged")).index + 1

    async def _spawn(self, name: str) -> None:
        client = await self.start.process(issuer=self.sandbox, environment=self.environment)
        client.handlers["window/showDocument"] = lambda _: NO_ANSWER
        self.windows[name] = Window(client)

    async def _sign_in_before(self) -> None:
        client = await self.start(self.sandbox)
        await self.browser.sign_in(client)
        await client.close()

    async def _visit(self, url: str, decision: str) -> None:
        decided = {"allows": "allow", "refuses": "deny"}[decision]
        await self.browser.visit(self.known[url], decision=decided)

    async def _copy(self, url: str, name: str) -> None:
        self.known[name] = await self.browser.callback_url(self.known[url])

    async def _enter(self, code: str, url: str) -> None:
        await Visitor().enter_device_code(self.known[url], self.known[code])

    async def _leave(self, name: str) -> None:
        await self.windows[name].client.close_stdin()

    async def _end(self, name: str, status: str) -> None:
        returned = await self.windows[name].client.wait_until_ended()
        if returned != int(status):
            raise Differs(f"{name}: the process ended with status {returned}")

    async def _sign_out_elsewhere(self) -> None:
        self.home.auth_file.unlink()

    async def _sign_in_elsewhere(self) -> None:
        self.home.write(api_key_login(example_key("elsewhere")))

    async def _set(self, name: str) -> None:
        self.browser.guard.add(_VALUES[name], API_KEY if name == "LAB_KEY" else ACCESS_TOKEN)
        self.environment[name] = _VALUES[name]

    async def _configure(self, text: str) -> None:
        self.home.configure(text.replace("; ", "\n"))

    async def _end_logins(self) -> None:
        self.sandbox.revoke_all()

    async def _nothing(self) -> None:
        """The next line of the transcript is all that comes of it."""

    async def _slow(self) -> None:
        self.sandbox.fault("refresh", "delay", seconds=0.5)

    async def _asked(self) -> None:
        await self.sandbox.saw("refresh")

    async def _asked_once(self) -> None:
        count = len(self.sandbox.requests("refresh"))
        if count != 1:
            raise Differs(f"the issuer was asked {count} times")


_STEPS: dict[str, Callable[..., Awaitable[None]]] = {
    r"somebody has signed in with ChatGPT": Stage._sign_in_before,
    r"the environment of the servers has (CODEX_ACCESS_TOKEN|LAB_KEY)": Stage._set,
    r"`config\.toml` says: (.*)": Stage._configure,
    r"window (\w) opens(?: and declares (\{.*\}))?": Stage._start,
    r"window (\w) starts its server": Stage._spawn,
    r"the person opens \$(\w+) and (allows|refuses) it": Stage._visit,
    r"the person opens \$(\w+) elsewhere, allows it, and copies the last address as \$(\w+)": (
        Stage._copy
    ),
    r"the person enters \$(\w+) at \$(\w+) and allows it": Stage._enter,
    r"standard input of (\w)'s server ends": Stage._leave,
    r"(\w)'s server ends with status (\d)": Stage._end,
    r"another program signs out": Stage._sign_out_elsewhere,
    r"another program signs in with an API key": Stage._sign_in_elsewhere,
    r"the provider answers 401": Stage._nothing,
    r"the issuer ends all logins": Stage._end_logins,
    r"the issuer takes its time": Stage._slow,
    r"the issuer has been asked for new tokens": Stage._asked,
    r"the issuer was asked for new tokens once": Stage._asked_once,
}


def _what_it_is(message: Message) -> str:
    return message.method or ("error" if "error" in message.body else "result")


def _named(message: Message) -> str:
    if message.kind == "response":
        return f"the {_what_it_is(message)} of {message.answers}"
    return str(message.method)


def _expected(line: Line) -> str:
    return f"{line.method} of {line.label}" if line.is_response else line.method
