"""Sign-in with an API key: local, checked for shape, billed by use, and never shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.logins import begin, completion, sign_in_with_key
from e2e.promises import status_changes
from e2e.shapes import api_key_login, chatgpt_login, codex_bytes, example_key

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

KEYS_PAGE = "https://platform.openai.com/api-keys"
PRICES_PAGE = "https://openai.com/api/pricing/"


async def test_a_key_is_stored_byte_for_byte_as_the_codex_cli_would(
    start: Starter, home: CodexHome
):
    """The file is the Codex CLI's own, private, and there is nothing else in it."""
    client = await start()
    key = example_key("stored")

    await sign_in_with_key(client, key)

    assert home.bytes() == codex_bytes(api_key_login(key))
    assert home.mode() == 0o600


async def test_the_status_says_who_pays(start: Starter):
    """A key is billed by use, and Codex cloud does not take it."""
    client = await start()

    status = (await sign_in_with_key(client, example_key("status")))["status"]

    assert {name: status[name] for name in ("state", "method", "billing", "freshness")} == {
        "state": "signedIn",
        "method": "apiKey",
        "billing": "usage",
        "freshness": "unknown",
    }
    assert (status["cloud"]["available"], status["cloud"]["reason"]) == (False, "chatgptRequired")
    assert status == await client.request("auth/status", {})


async def test_the_answer_says_who_pays_and_links_to_keys_and_prices(start: Starter):
    """The person reads that use costs money, and where to see how much."""
    client = await start()

    result = await sign_in_with_key(client, example_key("answer"))

    assert "API rates" in result["message"]
    assert {link["url"] for link in result["links"]} == {KEYS_PAGE, PRICES_PAGE}


async def test_the_method_is_offered_with_its_price(start: Starter):
    """`auth/methods` says that use is billed at API rates."""
    client = await start()

    methods = (await client.request("auth/methods", {}))["methods"]

    (method,) = [method for method in methods if method["id"] == "apiKey"]
    assert (method["available"], method["recommended"]) == (True, False)
    assert "API rates" in method["description"]


@pytest.mark.parametrize("around", [" {} ", "\n{}\n", "\t{}\r\n", "\ufeff{}", "\u00a0{}\u2003"])
async def test_white_space_around_a_key_is_no_part_of_it(start: Starter, home: CodexHome, around):
    """What a copy brings along is taken off, or the whole is refused; never stored with it."""
    client = await start()
    key = example_key("spaces")

    message = await (
        await client.start_request("auth/login", {"method": "apiKey", "apiKey": around.format(key)})
    ).message()

    if around == "\ufeff{}":  # no white space: a byte order mark
        assert message.body["error"]["data"]["kind"] == "apiKeyInvalid"
        assert home.bytes() is None
    else:
        assert message.result()["status"]["method"] == "apiKey"
        assert home.bytes() == codex_bytes(api_key_login(key))


INVALID_KEYS = {
    "empty": "",
    "spaces": "   ",
    "line breaks": "\r\n",
    "a space inside": "sk-example with-space",
    "two lines": "sk-example-one\nsk-example-two",
    "a tab inside": "sk-example\twith-tab",
    "a control character": "sk-example-\x07bell",
    "a zero byte": "sk-example-\x00zero",
    "a delete character": "sk-example-\x7fdelete",
    "beyond ASCII": "sk-example-kéy",
    "full width": "\uff53\uff4b-example-wide",
    "4097 characters": "sk-example-" + "x" * 4086,
}


@pytest.mark.parametrize("name", INVALID_KEYS)
async def test_what_cannot_be_a_key_is_refused_and_the_old_login_stays(
    start: Starter, home: CodexHome, name
):
    """`apiKeyInvalid` says what is wrong, leads to the page of keys, and repeats nothing."""
    before = home.write(chatgpt_login(issuer="http://127.0.0.1:9"))
    client = await start()

    error = await client.request_error(
        "auth/login", {"method": "apiKey", "apiKey": INVALID_KEYS[name]}
    )

    assert error.summary == (-32803, "apiKeyInvalid")
    assert KEYS_PAGE in [advice.get("url") for advice in error.data["remediation"]]
    assert "example" not in f"{error.message}{error.data}"
    assert (await completion(client, error.data["attemptId"]))["outcome"] == "failed"
    assert home.bytes() == before
    assert (await client.request("auth/status", {}))["method"] == "chatgpt"


async def test_half_of_a_surrogate_pair_is_refused(start: Starter, home: CodexHome):
    """JSON can say what is no text: it is refused, and the conversation goes on."""
    client = await start()
    content = (
        b'{"jsonrpc": "2.0", "id": 900, "method": "auth/login",'
        b' "params": {"method": "apiKey", "apiKey": "sk-example-\\ud800"}}'
    )

    await client.send_raw(b"Content-Length: %d\r\n\r\n" % len(content) + content)
    message = await client.wait_until(lambda message: message.body.get("id") == 900, "the answer")

    assert message.body["error"]["code"] in (-32602, -32803)
    assert "example" not in str(message.body["error"])
    assert home.bytes() is None
    assert (await client.request("auth/status", {}))["state"] == "signedOut"


async def test_a_key_of_4096_characters_is_taken(start: Starter, home: CodexHome):
    """The limit itself is allowed."""
    client = await start()
    key = "sk-example-" + "x" * 4085

    await sign_in_with_key(client, key)

    assert home.read()["OPENAI_API_KEY"] == key


async def test_no_network_is_needed(start: Starter, sandbox: Sandbox):
    """A key is stored although neither issuer nor provider can be reached, and nobody is asked."""
    client = await start(sandbox)

    await sign_in_with_key(client, example_key("offline"))

    assert [sandbox.requests(endpoint) for endpoint in ("authorize", "token", "models")] == [
        [],
        [],
        [],
    ]


async def test_a_key_replaces_a_chatgpt_login_which_is_then_revoked(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The tokens do not stay valid behind the person's back."""
    client = await start(sandbox)
    await browser.sign_in(client)
    refresh_token = home.read()["tokens"]["refresh_token"]

    result = await sign_in_with_key(client, example_key("instead"))
    await sandbox.saw("revoke")

    assert result["status"]["method"] == "apiKey"
    assert "tokens" not in home.read()
    assert sandbox.refresh(refresh_token).status_code == 401


async def test_a_login_with_a_key_is_announced_in_order(start: Starter):
    """Progress, status, completion, response; the phases that need a person are left out."""
    client = await start()

    result = await sign_in_with_key(client, example_key("order"), workDoneToken="t")

    ends = [
        message
        for message in client.messages
        if message.answers == "auth/login"
        or message.method in ("auth/loginCompleted", "auth/loginPrompt")
        or (message.method == "$/progress" and message.params["value"]["kind"] == "end")
        or (message.method == "auth/statusChanged" and message.params["cause"] == "login")
    ]
    phases = [message.params["phase"] for message in client.all("auth/loginProgress")]
    assert [message.method for message in ends] == [
        "$/progress",
        "auth/statusChanged",
        "auth/loginCompleted",
        None,
    ]
    assert status_changes(client)[-1]["status"] == result["status"]
    assert status_changes(client)[-1]["accountChanged"] is True
    assert "waitingForUser" not in phases
    assert phases[-1] == "storing"


async def test_an_expected_account_cannot_be_a_key(start: Starter, home: CodexHome):
    """A key names no account, so it is not the one that was asked for."""
    client = await start()

    error = await client.request_error(
        "auth/login",
        {"method": "apiKey", "apiKey": example_key("whose"), "expectedAccountId": "account-ada"},
    )

    assert error.summary == (-32803, "wrongAccount")
    assert home.bytes() is None


async def test_a_key_for_an_expected_account_ends_no_other_sign_in(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """It is refused before the attempt that runs, which the person then finishes."""
    client = await start(sandbox)
    attempt = await begin(client)

    error = await client.request_error(
        "auth/login",
        {"method": "apiKey", "apiKey": example_key("whose"), "expectedAccountId": "account-ada"},
    )
    await browser.visit(attempt.url)
    result = await attempt.request.result()

    assert error.summary == (-32803, "wrongAccount")
    assert "API key" in error.message
    assert (await completion(client, error.data["attemptId"]))["outcome"] == "failed"
    assert result["status"]["method"] == "chatgpt"


# The live check, which is off unless asked for


async def test_a_key_that_the_provider_refuses_is_not_stored_where_a_check_is_asked_for(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """With `--check-api-key`, `apiKeyRejected`, and the old login stays."""
    home.configure(f'openai_base_url = "{sandbox.model_base_url}"\n')
    before = home.write(api_key_login(example_key("stays")))
    client = await start(sandbox, arguments=("--check-api-key",))

    error = await client.request_error(
        "auth/login", {"method": "apiKey", "apiKey": example_key("unknown")}
    )

    assert error.summary == (-32803, "apiKeyRejected")
    assert home.bytes() == before
    assert len(sandbox.requests("models")) == 1


async def test_a_key_that_the_provider_accepts_is_stored_after_the_check(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """The check asks for the list of models, which costs nothing."""
    home.configure(f'openai_base_url = "{sandbox.model_base_url}"\n')
    sandbox.accept_key(example_key("known"))
    client = await start(sandbox, arguments=("--check-api-key",))

    await sign_in_with_key(client, example_key("known"))

    assert [request["status"] for request in sandbox.requests("models")] == [200]
    assert home.read()["OPENAI_API_KEY"] == example_key("known")


@pytest.mark.parametrize(
    "fault", [{"kind": "close"}, {"kind": "status", "status": 500}, {"kind": "html"}]
)
async def test_a_check_that_cannot_be_made_blocks_no_login(
    start: Starter, sandbox: Sandbox, home: CodexHome, fault
):
    """Only a clear refusal counts; that nobody could tell is told."""
    home.configure(f'openai_base_url = "{sandbox.model_base_url}"\n')
    client = await start(sandbox, arguments=("--check-api-key",))
    sandbox.fault("models", **fault)

    await sign_in_with_key(client, example_key("unchecked"))
    remarks = [message.params["message"] for message in client.all("auth/loginProgress")]

    assert len(sandbox.requests("models")) == 1
    assert any(remark.startswith("The key could not be checked: ") for remark in remarks)
    assert home.read()["OPENAI_API_KEY"] == example_key("unchecked")
