"""What this server relies on of pygls 2.1, and what it puts in place of it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from codex_auth_lsp.errors import InvalidParams, NotSignedIn
from codex_auth_lsp.transport import dispatcher
from codex_auth_lsp.transport.dispatcher import Dispatcher
from codex_auth_lsp.transport.envelope import Reply, Request


class Bench:
    """A dispatcher with one handler, and what it sent."""

    def __init__(self, handler: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self.answered: list[Any] = []
        self.dispatcher = Dispatcher({"test/run": handler}, self.sent.append, self.answered.append)

    async def answer(self, params: Any = None) -> dict[str, Any]:
        """Run the handler and return the answer."""
        self.dispatcher.handle(Request(1, "test/run", params))
        await self.dispatcher.settle()
        return self.sent[-1]


@pytest.mark.parametrize("params", [None, {}, [], {"jsonrpc": {"jsonrpc": "2.0"}}, "text", 5])
async def test_params_reach_the_handler_as_they_came(params):
    """(W8) Plain dicts and lists: nothing is structured on the way, nothing renamed."""

    async def echo(params: Any) -> Any:
        return {"got": params}

    bench = Bench(echo)

    answer = await bench.answer(params)

    assert answer == {"jsonrpc": "2.0", "id": 1, "result": {"got": params}}
    assert bench.answered == [1]


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (NotSignedIn(), -32803, "notSignedIn"),
        (InvalidParams("`field` must be given."), -32602, None),
        (ValueError("a secret text"), -32603, "internalError"),
        (KeyError("a secret text"), -32603, "internalError"),
    ],
)
async def test_error_is_mapped_and_never_quoted(error, code, kind, caplog):
    """(W11) A defect gets a fixed sentence and an id that the log has, where its text is not."""

    async def fail(_raw: Any) -> Any:
        raise error

    answer = await Bench(fail).answer()

    told = answer["error"]
    assert (told["code"], told.get("data", {}).get("kind")) == (code, kind)
    assert "secret" not in str(answer) + caplog.text
    if code == -32603:
        assert told["data"]["correlationId"] in caplog.text


async def test_cancelled_request_is_answered_once():
    """(W12) `$/cancelRequest` ends the handler where it waits."""
    reached = asyncio.Event()

    async def wait(_raw: Any) -> Any:
        reached.set()
        await asyncio.Event().wait()

    bench = Bench(wait)
    bench.dispatcher.handle(Request("a", "test/run"))
    await reached.wait()
    bench.dispatcher.cancel("a")
    await bench.dispatcher.settle()

    assert [(answer["id"], answer["error"]["code"]) for answer in bench.sent] == [("a", -32800)]
    assert bench.answered == ["a"]


async def test_handler_that_cannot_be_cancelled_any_more_answers_with_its_result():
    """A cancellation that comes too late changes nothing."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def persist(_raw: Any) -> Any:
        reached.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await go_on.wait()
            return "done"

    bench = Bench(persist)
    bench.dispatcher.handle(Request(1, "test/run"))
    await reached.wait()
    bench.dispatcher.cancel(1)
    go_on.set()
    await bench.dispatcher.settle()

    assert bench.sent == [{"jsonrpc": "2.0", "id": 1, "result": "done"}]


async def test_reply_to_what_was_not_asked_changes_nothing(caplog):
    """Also where it names the id of a request that runs."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_raw: Any) -> Any:
        reached.set()
        await go_on.wait()
        return "done"

    bench = Bench(wait)
    bench.dispatcher.handle(Request(1, "test/run"))
    await reached.wait()
    bench.dispatcher.take_reply(Reply(1, {"forged": True}))
    bench.dispatcher.take_reply(Reply("nobody's", error={"code": 1, "message": "a secret text"}))
    go_on.set()
    await bench.dispatcher.settle()

    assert bench.sent == [{"jsonrpc": "2.0", "id": 1, "result": "done"}]
    assert caplog.text == ""


async def test_own_request_is_paired_with_its_reply():
    """A request of the server gets what the client answers, or an exception where it refuses."""
    from pygls.exceptions import JsonRpcException

    async def ask(_raw: Any) -> Any:
        return None

    bench = Bench(ask)
    first = asyncio.ensure_future(bench.dispatcher.request("window/showDocument", {"uri": "x:"}))
    second = asyncio.ensure_future(bench.dispatcher.request("window/showDocument", {"uri": "y:"}))
    await asyncio.sleep(0)
    ids = [message["id"] for message in bench.sent]
    bench.dispatcher.take_reply(Reply(ids[1], error={"code": -32601, "message": "unknown"}))
    bench.dispatcher.take_reply(Reply(ids[0], {"success": True}))
    bench.dispatcher.take_reply(Reply("unknown", None))

    assert bench.sent[0] == {
        "jsonrpc": "2.0",
        "id": ids[0],
        "method": "window/showDocument",
        "params": {"uri": "x:"},
    }
    assert await first == {"success": True}
    with pytest.raises(JsonRpcException):
        await second


async def test_pygls_logs_no_message(caplog):
    """Its INFO and DEBUG hold whole bodies, so they stay off whatever is asked for."""
    caplog.set_level(logging.DEBUG)

    async def echo(params: Any) -> Any:
        return params

    await Bench(echo).answer({"apiKey": "a-value-to-look-for"})

    assert "a-value-to-look-for" not in caplog.text


@pytest.mark.parametrize("heeds", [True, False])
async def test_handler_that_does_not_end_holds_no_process_up(heeds, monkeypatch):
    """(W15) It is cancelled, and one that does not heed that is left behind."""
    monkeypatch.setattr(dispatcher, "SETTLE_SECONDS", 0.05)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def persist(_raw: Any) -> Any:
        reached.set()
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                if heeds:
                    raise

    bench = Bench(persist)
    bench.dispatcher.handle(Request(1, "test/run"))
    await reached.wait()
    async with asyncio.timeout(10):
        await bench.dispatcher.settle()
    codes = [answer["error"]["code"] for answer in bench.sent]
    go_on.set()

    assert codes == ([-32800] if heeds else [])
