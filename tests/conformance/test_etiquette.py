"""The judge of a client's messages: what is sent one after the other, and what is said to it."""

from __future__ import annotations

import pytest

from codex_auth_lsp.conformance.etiquette import STATUS_LOOKS, Etiquette
from codex_auth_lsp.conformance.findings import Findings

CAPABILITIES = {"experimental": {"auth": {"loginPrompt": True}}}


def request(id_, method, params=None):
    return {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}


def notification(method, params=None):
    return {"jsonrpc": "2.0", "method": method, "params": params}


def initialize(capabilities=CAPABILITIES):
    return request(1, "initialize", {"processId": None, "capabilities": capabilities})


def response(id_, **content):
    return {"jsonrpc": "2.0", "id": id_, **content}


BEGIN = [initialize(), notification("initialized", {})]
END = [request(98, "shutdown"), notification("exit")]
SHOW = {"method": "window/showDocument", "id": "s1"}
"""A request of the server's."""


def judged(messages, sent=(), *, answered_after="initialize") -> Findings:
    """Return what is found; `sent` was sent by the server before.

    `initialize` is answered as soon as a message with the method `answered_after` has come.
    """
    findings = Findings()
    etiquette = Etiquette(findings)
    for message in sent:
        etiquette.sent(message)
    for message in messages:
        etiquette.received(message)
        if isinstance(message, dict) and message.get("method") == answered_after:
            etiquette.sent({"id": 1, "result": {}})
    etiquette.ended()
    return findings


RIGHT = {
    "a sign-in": [*BEGIN, request(2, "auth/login", {"method": "browser"}), *END],
    "params that may be missing": [*BEGIN, request("two", "auth/logout"), *END],
    "params that may be a list": [*BEGIN, request(2, "auth/status", []), *END],
    "a token for progress": [
        *BEGIN,
        request(2, "auth/login", {"method": "browser", "workDoneToken": 5}),
        *END,
    ],
    "a command": [
        *BEGIN,
        request(2, "workspace/executeCommand", {"command": "codexAuth.signIn"}),
        *END,
    ],
    "a cancellation": [
        *BEGIN,
        request(2, "auth/login", {"method": "browser"}),
        notification("$/cancelRequest", {"id": 2}),
        *END,
    ],
    "notifications that nobody asked for": [
        *BEGIN,
        notification("$/setTrace", {"value": "off"}),
        notification("workspace/didChangeConfiguration", {"settings": None}),
        *END,
    ],
    "every capability": [
        initialize(
            {
                "experimental": {
                    "auth": {
                        "protocolVersion": 1,
                        "loginPrompt": False,
                        "credential": True,
                        "environment": "somewhere",
                        "browserOnServerHost": False,
                        "portForwarding": None,
                    }
                },
                "window": {"showDocument": {"support": True}},
            }
        ),
        *BEGIN[1:],
        *END,
    ],
    "a credential": [
        initialize({"experimental": {"auth": {"loginPrompt": True, "credential": True}}}),
        *BEGIN[1:],
        request(2, "auth/credential", {}),
        *END,
    ],
    "some looks at the status": [
        *BEGIN,
        *(request(index, "auth/status") for index in range(2, 2 + STATUS_LOOKS)),
        *END,
    ],
}


@pytest.mark.parametrize("messages", RIGHT.values(), ids=RIGHT.keys())
def test_a_right_conversation_has_no_findings(messages):
    """Neither mistakes nor advice."""
    assert judged(messages) == Findings()


WRONG = {
    "a request first": (
        [request(5, "auth/status"), *BEGIN, *END],
        "`auth/status` was sent before `initialize`, which comes first.",
    ),
    "initialized first": (
        [notification("initialized"), initialize(), *END],
        "`initialized` was sent before `initialize`.",
    ),
    "initialize twice": (
        [*BEGIN, request(2, "initialize", {"processId": 1, "capabilities": CAPABILITIES}), *END],
        "`initialize` was sent twice in one conversation.",
    ),
    "no capabilities": (
        [request(1, "initialize", {"processId": 1}), *BEGIN[1:], *END],
        "`initialize` had no object `capabilities` in its params.",
    ),
    "no initialized": (
        [initialize(), request(2, "auth/status"), *END],
        "`auth/status` was sent before the notification `initialized`",
    ),
    "an unknown request": (
        [*BEGIN, request(2, "auth/signIn", {}), *END],
        "`auth/signIn` is no request of this protocol; `auth/login` may be meant.",
    ),
    "a request like no other": (
        [*BEGIN, request(2, "auth/xyz", {}), *END],
        "`auth/xyz` is no request of this protocol.",
    ),
    "an unknown command": (
        [*BEGIN, request(2, "workspace/executeCommand", {"command": "codexAuth.signin"}), *END],
        "`workspace/executeCommand` named no command of this server; `codexAuth.signIn` may be",
    ),
    "the server's notification": (
        [*BEGIN, notification("auth/statusChanged", {}), *END],
        "`auth/statusChanged` goes from the server to the client only.",
    ),
    "a request as a notification": (
        [*BEGIN, notification("auth/cancelLogin", {}), *END],
        "`auth/cancelLogin` is a request and was sent as a notification, without an `id`",
    ),
    "a notification as a request": (
        [initialize(), request(2, "initialized", {}), *BEGIN[1:], *END],
        "`initialized` is a notification and was sent with an `id`.",
    ),
    "params that do not fit": (
        [*BEGIN, request(2, "auth/login", {"method": "Browser"}), *END],
        "`auth/login` had params that do not fit: `method` must be 'browser', 'deviceCode' or",
    ),
    "params without what is needed": (
        [*BEGIN, request(2, "auth/submitCallback", {"attemptId": "one"}), *END],
        "`auth/submitCallback` had params that do not fit: `url` must be given.",
    ),
    "a capability of the wrong type": (
        [initialize({"experimental": {"auth": {"loginPrompt": "yes"}}}), *BEGIN[1:], *END],
        "`experimental.auth.loginPrompt` has the wrong type and counts as missing.",
    ),
    "a version that is no whole number": (
        [initialize({"experimental": {"auth": {"protocolVersion": 1.0}}}), *BEGIN[1:], *END],
        "`experimental.auth.protocolVersion` has the wrong type and counts as missing.",
    ),
    "capabilities in the wrong place": (
        [initialize({"auth": {"loginPrompt": True}}), *BEGIN[1:], *END],
        "`capabilities.auth` is not looked at; the object belongs to",
    ),
    "capabilities that are no object": (
        [initialize({"experimental": {"auth": True}}), *BEGIN[1:], *END],
        "`capabilities.experimental.auth` was no object; `{}` suffices.",
    ),
    "one id twice": (
        [*BEGIN, request(1, "auth/status"), *END],
        "Two requests had the same `id` (1).",
    ),
    "an id of another type": (
        [*BEGIN, request(1.5, "auth/status"), *END],
        "The `id` of `auth/status` was neither a number nor a string.",
    ),
    "no version of JSON-RPC": (
        [{"id": 1, "method": "initialize", "params": initialize()["params"]}, *BEGIN[1:], *END],
        'A message had no `"jsonrpc": "2.0"`.',
    ),
    "a batch": ([*BEGIN, [request(2, "auth/status")], *END], "LSP has no batches"),
    "a method that is no name": (
        [*BEGIN, request(2, 7), *END],
        "The `method` of a message was no string.",
    ),
    "a cancellation of no request": (
        [*BEGIN, notification("$/cancelRequest", {"id": 77}), *END],
        "`$/cancelRequest` named an `id` that no request of the client had",
    ),
    "a cancellation of nothing": (
        [*BEGIN, notification("$/cancelRequest"), *END],
        "`$/cancelRequest` named an `id` that no request of the client had",
    ),
    "a response to nothing": (
        [*BEGIN, response(0, result=None), *END],
        "notifications such as `auth/loginPrompt` are not answered.",
    ),
    "polling": (
        [*BEGIN, *(request(index, "auth/status") for index in range(2, 9)), *END],
        "`auth/status` was asked again and again; `auth/statusChanged` tells of every change.",
    ),
    "a request after shutdown": (
        [*BEGIN, END[0], request(99, "auth/status"), END[1]],
        "`auth/status` was sent after `shutdown`; only `exit` may follow.",
    ),
    "a credential without the capability": (
        [*BEGIN, request(2, "auth/credential", {}), *END],
        "`auth/credential` was sent, and `experimental.auth.credential` was not declared",
    ),
    "no shutdown": ([*BEGIN, END[1]], "The client sent `exit` without the request `shutdown`"),
}


@pytest.mark.parametrize(("messages", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_named(messages, sentence):
    """One mistake, one sentence."""
    found = judged(messages)

    (mistake,) = found.mistakes
    assert sentence in mistake


HASTY = {
    "initialized": [*BEGIN, *END],
    "auth/status": [initialize(), request(2, "auth/status"), *BEGIN[1:], *END],
}


@pytest.mark.parametrize(("method", "messages"), HASTY.items(), ids=HASTY.keys())
def test_a_client_waits_for_the_answer_to_initialize(method, messages):
    """It cannot know before what the server can do."""
    found = judged(messages, answered_after=method)

    (mistake,) = found.mistakes
    assert mistake.startswith(f"`{method}` was sent before the answer to `initialize` had come")


ANSWERED = {
    "rightly": ([response("s1", result={"success": False})], ""),
    "with an error": ([response("s1", error={"code": -32601, "message": "unknown"})], ""),
    "with nothing": (
        [response("s1")],
        "The response to `window/showDocument` needs either `result` or `error`",
    ),
    "with null": (
        [response("s1", result=None)],
        'The response to `window/showDocument` was not `{ "success": true }` or false.',
    ),
    "twice": (
        [response("s1", result={"success": True}), response("s1", result={"success": True})],
        "A response came to something that was no open request of the server",
    ),
    "never": ([], "The server's request `window/showDocument` was never answered"),
}


@pytest.mark.parametrize(("answers", "sentence"), ANSWERED.values(), ids=ANSWERED.keys())
def test_an_answer_to_the_server_is_judged(answers, sentence):
    """A request of the server's gets one answer that fits."""
    found = judged([*BEGIN, *answers, *END], sent=[SHOW])

    assert [mistake[: len(sentence)] for mistake in found.mistakes] == [sentence] * bool(sentence)


ADVICE = {
    "no word at the end": (
        BEGIN,
        "The client left without the request `shutdown`: its end of the input was closed, or the "
        "server was ended by a signal, which cannot be told apart here.",
    ),
    "no exit": ([*BEGIN, END[0]], "`exit` did not follow `shutdown`; this server also takes"),
    "no field of that name": (
        [*BEGIN, request(2, "auth/login", {"method": "browser", "attemptID": "one"}), *END],
        "`auth/login` has no field `attemptID`, it is ignored; `attemptId` may be meant.",
    ),
    "no capability of that name": (
        [
            initialize({"experimental": {"auth": {"loginPrompt": True, "key": 1}}}),
            *BEGIN[1:],
            *END,
        ],
        "`experimental.auth` has no field `key`; it is ignored.",
    ),
    "no process id": (
        [request(1, "initialize", {"capabilities": CAPABILITIES}), *BEGIN[1:], *END],
        "`initialize` named no `processId`; LSP wants it, or null.",
    ),
    "no capability at all": (
        [initialize({}), *BEGIN[1:], *END],
        "The client sends no `capabilities.experimental.auth`, so it hears of no change",
    ),
    "nothing to show a page with": (
        [initialize({"experimental": {"auth": {}}}), *BEGIN[1:], *END],
        "so the person gets the address of the sign-in page as text.",
    ),
}


@pytest.mark.parametrize(("messages", "sentence"), ADVICE.values(), ids=ADVICE.keys())
def test_what_could_be_better_is_advice(messages, sentence):
    """It is told and is no mistake."""
    found = judged(messages)

    (advice,) = found.advice
    assert sentence in advice
    assert found.mistakes == []


def test_a_finding_is_told_once():
    """However often it was made."""
    messages = [request(index, "auth/login", {"method": "no"}) for index in (2, 3, 4)]

    assert len(judged([*BEGIN, *messages, *END]).mistakes) == 1


def test_no_value_is_repeated_in_a_finding():
    """Params carry keys and addresses, and a report is pasted somewhere."""
    key = "sk-example-in-the-wrong-field"
    wrong = [
        request(2, "auth/login", {"method": key}),
        request(3, "auth/login", {"method": "browser", "apiKey": key}),
        request(4, "auth/submitCallback", {"url": [key], "attemptId": key * 99}),
    ]

    found = judged([*BEGIN, *wrong, *END])

    assert len(found.mistakes) > 2
    assert key not in "".join([*found.mistakes, *found.advice])
