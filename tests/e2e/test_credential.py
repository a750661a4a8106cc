"""`auth/credential`: what to put on a request, valid for long enough, and what follows a 401."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import (
    access_token,
    aged,
    api_key_login,
    chatgpt_login,
    codex_bytes,
    example_key,
    id_token,
)
from e2e.waiting import eventually
from support.lsp_client import FULL_AUTH
from support.secrets_guard import ACCESS_TOKEN

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

NOBODY = "http://127.0.0.1:9"

CHATGPT_BASE_URL = "https://chatgpt.com/backend-api/codex"
API_BASE_URL = "https://api.openai.com/v1"


async def credential(client: LanguageClient, **params: Any) -> dict[str, Any]:
    """Ask for the credential of the active provider."""
    return dict(await client.request("auth/credential", params))


# Who gets it


@pytest.mark.parametrize(
    "auth",
    [{}, {"credential": False}, {"credential": "yes"}, {"credential": None}, {"loginPrompt": True}],
    ids=["nothing", "false", "a string", "null", "something else"],
)
async def test_a_client_that_did_not_say_that_it_asks_gets_nothing(
    start: Starter, home: CodexHome, auth
):
    """`capabilityNotDeclared`, whatever is stored."""
    home.write(api_key_login(example_key("kept")))
    client = await start(auth=auth)

    error = await client.request_error("auth/credential", {})

    assert error.summary == (-32803, "capabilityNotDeclared")


async def test_a_client_that_speaks_no_auth_gets_nothing(start: Starter, home: CodexHome):
    """Without `experimental.auth` there is nothing that was agreed on."""
    home.write(api_key_login(example_key("kept")))
    client = await start(auth=None)

    error = await client.request_error("auth/credential", {})

    assert error.summary == (-32803, "capabilityNotDeclared")


# What it holds


async def test_a_chatgpt_login_gives_its_token_and_account(start: Starter, home: CodexHome):
    """The headers, the base URL and the end are those of the Codex CLI's requests."""
    login = chatgpt_login(issuer=NOBODY)
    home.write(login)
    client = await start(NOBODY)

    given = await credential(client)
    status = await client.request("auth/status", {})

    assert given == {
        "providerId": "openai",
        "baseUrl": CHATGPT_BASE_URL,
        "headers": {
            "Authorization": f"Bearer {login['tokens']['access_token']}",
            "chatgpt-account-id": "account-ada",
        },
        "expiresAt": status["expiresAt"],
        "revision": 1,
    }


async def test_a_key_gives_its_own_header_alone(start: Starter, home: CodexHome):
    """A key goes to the platform's API and names no account."""
    home.write(api_key_login(example_key("given")))
    client = await start()

    assert await credential(client) == {
        "providerId": "openai",
        "baseUrl": API_BASE_URL,
        "headers": {"Authorization": f"Bearer {example_key('given')}"},
        "revision": 1,
    }


async def test_a_chatgpt_login_with_a_key_in_it_gives_the_token(start: Starter, home: CodexHome):
    """The key that was made at sign-in is not what the person pays with."""
    login = chatgpt_login(issuer=NOBODY, key=example_key("beside"))
    home.write(login)
    client = await start(NOBODY)

    given = await credential(client)

    assert given["headers"]["Authorization"] == f"Bearer {login['tokens']['access_token']}"
    assert given["baseUrl"] == CHATGPT_BASE_URL


async def test_an_account_under_government_rules_says_so(start: Starter, home: CodexHome):
    """The claim `chatgpt_account_is_fedramp` becomes a header of its own."""
    auth = {"chatgpt_account_id": "account-ada", "chatgpt_account_is_fedramp": True}
    home.write(
        chatgpt_login(issuer=NOBODY, id_token=id_token(**{"https://api.openai.com/auth": auth}))
    )
    client = await start(NOBODY)

    assert (await credential(client))["headers"]["x-openai-fedramp"] == "true"


async def test_a_token_of_the_environment_wins(
    start: Starter, home: CodexHome, guard: SecretsGuard
):
    """What the status says is in force is what is given out."""
    guard.add("at-environment-token-of-the-test", ACCESS_TOKEN)
    home.write(api_key_login(example_key("shadowed")))
    client = await start(environment={"CODEX_ACCESS_TOKEN": "at-environment-token-of-the-test"})

    given = await credential(client)

    assert given["headers"] == {"Authorization": "Bearer at-environment-token-of-the-test"}


async def test_the_base_urls_of_the_user_s_configuration_count(start: Starter, home: CodexHome):
    """`chatgpt_base_url` and `openai_base_url` say where requests go."""
    home.configure('chatgpt_base_url = "https://proxy.example/backend-api/"\n')
    home.write(chatgpt_login(issuer=NOBODY))
    client = await start(NOBODY)
    chatgpt = await credential(client)
    home.configure('openai_base_url = "http://127.0.0.1:9/v1/"\n')
    home.write(api_key_login(example_key("elsewhere")))
    key = await credential(client)

    assert chatgpt["baseUrl"] == "https://proxy.example/backend-api/codex"
    assert key["baseUrl"] == "http://127.0.0.1:9/v1"
    assert key["revision"] > chatgpt["revision"]


@pytest.mark.parametrize("change", ["origin", "policy"])
async def test_configuration_that_changes_under_a_renewal_decides(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, change
):
    """(P18) Where OpenAI's models are and who may sign in is asked again before it is given."""
    client = await start(sandbox)
    await browser.sign_in(client)
    home.write(aged(home.read(), left=100))
    sandbox.fault("refresh", "hang")

    pending = await client.start_request("auth/credential", {})
    await sandbox.saw("refresh")
    new = home.path / "config.toml.new"
    new.write_text(
        'openai_base_url = "https://proxy.example/v1"'
        if change == "origin"
        else 'forced_login_method = "api"'
    )
    new.replace(home.path / "config.toml")
    sandbox.release()

    if change == "policy":
        assert (await pending.error()).kind == "loginMethodNotAllowed"
        return
    assert (await pending.result())["baseUrl"] == "https://proxy.example/v1"


@pytest.mark.parametrize("method", ["chatgpt", "apiKey"])
async def test_a_model_endpoint_accepts_it(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, method
):
    """What is given out works where the sandbox's models are."""
    home.configure(f'openai_base_url = "{sandbox.model_base_url}"\n')
    client = await start(sandbox)
    if method == "chatgpt":
        await browser.sign_in(client)
    else:
        sandbox.accept_key(example_key("accepted"))
        await sign_in_with_key(client, example_key("accepted"))

    given = await credential(client)
    answer = sandbox.models(given["headers"])

    assert given["baseUrl"] == sandbox.model_base_url
    assert (answer.status_code, answer.json()["object"]) == (200, "list")


# When there is none


async def test_without_a_login_there_is_an_error_and_no_empty_answer(start: Starter):
    """`notSignedIn` for the one provider that needs a login."""
    client = await start()

    errors = [
        await client.request_error("auth/credential", params)
        for params in ({}, {"providerId": "openai"}, {"rejectedRevision": 1})
    ]

    assert {error.summary for error in errors} == {(-32803, "notSignedIn")}


async def test_a_corrupt_file_gives_nothing(start: Starter, home: CodexHome):
    """`storeCorrupt` rather than a guess."""
    home.write(b"no login")
    client = await start()

    assert (await client.request_error("auth/credential", {})).kind == "storeCorrupt"


async def test_an_unknown_provider_is_named(start: Starter, home: CodexHome):
    """`providerUnknown` carries the id that was asked for."""
    home.write(api_key_login(example_key("kept")))
    client = await start()

    error = await client.request_error("auth/credential", {"providerId": "nobody-s"})

    assert error.summary == (-32803, "providerUnknown")
    assert error.data["providerId"] == "nobody-s"


async def test_a_login_that_is_only_for_other_programs_gives_nothing(
    start: Starter, home: CodexHome
):
    """Bedrock's credentials are no credential for OpenAI's models."""
    home.write(
        {"auth_mode": "bedrockApiKey", "OPENAI_API_KEY": None}
        | {"bedrock_api_key": {"api_key": "bedrock-key-of-the-test", "region": "eu-west-1"}}
    )
    client = await start()

    assert (await client.request_error("auth/credential", {})).code == -32803


# Valid for long enough


async def test_a_valid_token_costs_no_network_and_no_revision(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Asking again changes nothing."""
    client = await start(sandbox)
    await browser.sign_in(client)

    first, second = await credential(client), await credential(client, providerId="openai")

    assert first == second
    assert sandbox.requests("refresh") == []


async def test_a_token_that_ends_too_soon_is_renewed_first(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`minValiditySeconds` decides; the answer is the new token, under a new revision."""
    client = await start(sandbox)
    await browser.sign_in(client)
    home.write(aged(home.read(), left=1200))
    old = await credential(client)

    new = await credential(client, minValiditySeconds=1500)

    assert len(sandbox.requests("refresh")) == 1
    assert new["headers"]["Authorization"] != old["headers"]["Authorization"]
    assert new["headers"]["Authorization"] == f"Bearer {home.read()['tokens']['access_token']}"
    assert new["revision"] > old["revision"]
    assert sandbox.models(new["headers"]).status_code == 200


async def test_ten_clients_of_one_window_cost_one_refresh(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Everybody gets the same new token."""
    client = await start(sandbox)
    await browser.sign_in(client)
    login = home.read()
    home.write(login | {"tokens": login["tokens"] | {"access_token": access_token(valid_for=-1)}})
    sandbox.fault("refresh", "delay", seconds=0.3)

    requests = [await client.start_request("auth/credential", {}) for _ in range(10)]
    given = [await request.result() for request in requests]

    assert len(sandbox.requests("refresh")) == 1
    assert all(one == given[0] for one in given)


async def test_a_token_that_is_still_valid_is_given_although_it_could_not_be_renewed(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """A failure for the moment does not take away what still works."""
    client = await start(sandbox)
    await browser.sign_in(client)
    home.write(aged(home.read(), left=1200))
    old = await credential(client)
    sandbox.fault("refresh", "status", status=503)

    assert await credential(client, minValiditySeconds=1500) == old
    assert len(sandbox.requests("refresh")) == 1


async def test_an_ended_token_that_could_not_be_renewed_is_an_error(
    start: Starter, home: CodexHome
):
    """Offline and expired: `networkUnreachable`, never a dead token."""
    before = home.write(chatgpt_login(issuer=NOBODY, access_token=access_token(valid_for=-60)))
    client = await start(NOBODY)

    error = await client.request_error("auth/credential", {})

    assert error.summary == (-32803, "networkUnreachable")
    assert home.bytes() == before


async def test_a_dead_login_is_an_error_also_while_its_token_is_valid(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Once refused for good, the person has to sign in again."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.revoke_all()
    await client.request_error("auth/refresh", {"force": True})

    error = await client.request_error("auth/credential", {})

    assert error.summary == (-32803, "refreshTokenRevoked")
    assert len(sandbox.requests("refresh")) == 1


# After a 401


async def test_a_rejected_token_is_renewed_once(start: Starter, sandbox: Sandbox, browser: Browser):
    """The 401 flow: the provider refuses, the client asks once more, the new token works."""
    client = await start(sandbox)
    await browser.sign_in(client)
    old = await credential(client)
    sandbox.expire("access")
    refused = sandbox.models(old["headers"]).status_code

    new = await credential(client, rejectedRevision=old["revision"])

    assert refused == 401
    assert new["revision"] > old["revision"]
    assert sandbox.models(new["headers"]).status_code == 200
    assert len(sandbox.requests("refresh")) == 1


async def test_a_newer_credential_that_is_there_already_costs_no_network(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Two parts of one editor met the 401: the second gets what the first has caused."""
    client = await start(sandbox)
    await browser.sign_in(client)
    old = await credential(client)
    new = await credential(client, rejectedRevision=old["revision"])

    again = await credential(client, rejectedRevision=old["revision"])

    assert again == new
    assert len(sandbox.requests("refresh")) == 1


async def test_what_another_window_has_renewed_counts_as_newer(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """The cache is shared: a rejected token that is no longer stored needs no refresh."""
    first, second = await start(sandbox), await start(sandbox)
    await browser.sign_in(first)
    old = await credential(second)
    await first.request("auth/refresh", {"force": True})

    new = await credential(second, rejectedRevision=old["revision"])

    assert new["headers"] != old["headers"]
    assert new["revision"] > old["revision"]
    assert len(sandbox.requests("refresh")) == 1


async def test_a_newer_credential_that_has_ended_meanwhile_is_renewed_all_the_same(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """A second 401 is final: what is given out after the first must not be sure to bring it."""
    client = await start(sandbox)
    await browser.sign_in(client)
    old = await credential(client)
    sandbox.policy(accessSeconds=2)
    await client.request("auth/refresh", {"force": True})
    sandbox.policy(accessSeconds=3600)
    await client.wait_until(
        lambda message: (message.params or {}).get("cause") == "expired", "the end"
    )

    new = await credential(client, rejectedRevision=old["revision"])

    assert sandbox.models(new["headers"]).status_code == 200
    assert len(sandbox.requests("refresh")) == 2


async def test_a_revision_of_a_process_that_is_no_more_is_no_older_one(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Counts begin anew with each server: what one above the present names is the present token."""
    first = await start(sandbox)
    await browser.sign_in(first)
    await credential(first)
    await first.request("auth/refresh", {"force": True})
    rejected = await credential(first)
    sandbox.expire("access")
    second = await start(sandbox)

    new = await credential(second, rejectedRevision=rejected["revision"])

    assert sandbox.models(rejected["headers"]).status_code == 401
    assert sandbox.models(new["headers"]).status_code == 200


async def test_a_rejected_key_is_said_to_be(start: Starter, home: CodexHome):
    """Of a key there is no newer one; the person is led to where keys are made."""
    before = home.write(api_key_login(example_key("rejected")))
    client = await start()
    given = await credential(client)

    error = await client.request_error("auth/credential", {"rejectedRevision": given["revision"]})

    assert error.summary == (-32803, "apiKeyRejected")
    assert "https://platform.openai.com/api-keys" in [
        advice.get("url") for advice in error.data["remediation"]
    ]
    assert home.bytes() == before


async def test_a_key_that_was_replaced_after_the_rejection_is_given(
    start: Starter, home: CodexHome
):
    """Another program stored a new key: that one has not been refused."""
    home.write(api_key_login(example_key("old")))
    client = await start()
    given = await credential(client)
    home.write(api_key_login(example_key("new")))

    newer = await credential(client, rejectedRevision=given["revision"])

    assert newer["headers"] == {"Authorization": f"Bearer {example_key('new')}"}


async def test_a_rejected_token_of_a_dead_login_is_told_for_what_it_is(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The refresh that follows the 401 is refused for good; the login stays stored."""
    client = await start(sandbox)
    await browser.sign_in(client)
    given = await credential(client)
    before = home.bytes()
    sandbox.revoke_all()

    error = await client.request_error("auth/credential", {"rejectedRevision": given["revision"]})

    assert error.summary == (-32803, "refreshTokenRevoked")
    assert (await client.request("auth/status", {}))["state"] == "needsReauth"
    assert home.bytes() == before == codex_bytes(home.read())


async def test_the_revision_follows_the_credential_and_nothing_else(
    start: Starter, home: CodexHome
):
    """It grows when what is given out is another, and stays when the file is only rewritten."""
    home.write(api_key_login(example_key("one")))
    client = await start(auth=FULL_AUTH)

    revisions = []
    for login in (
        api_key_login(example_key("one")),
        api_key_login(example_key("one")) | {"x_future": 1},
        api_key_login(example_key("two")),
        api_key_login(example_key("one")),
    ):
        home.write(login)
        revisions.append((await credential(client))["revision"])

    assert revisions == [1, 1, 2, 3]


@pytest.mark.parametrize("configured", ["OpenAI's", "another"])
async def test_a_login_of_a_third_issuer_is_given_to_nobody(
    start: Starter, home: CodexHome, configured
):
    """Neither OpenAI's models nor a proxy may see the token of somebody else's issuer."""
    before = home.write(chatgpt_login(issuer="https://login.example.com"))
    home.configure(
        '[model_providers.proxy]\nbase_url = "https://proxy.example.com/v1"\n'
        "requires_openai_auth = true\n"
    )
    client = await start(None if configured == "OpenAI's" else NOBODY)

    errors = [
        await client.request_error("auth/credential", {"providerId": provider})
        for provider in ("openai", "proxy")
    ]
    listed = (await client.request("auth/providers", {}))["providers"]

    assert [error.summary for error in errors] == [(-32803, "needsReauth")] * 2
    assert {p["id"]: p["ready"] for p in listed if p["requiresOpenaiAuth"]} == {
        "openai": False,
        "proxy": False,
    }
    assert home.bytes() == before


async def test_openai_s_own_token_still_goes_to_openai_s_models(start: Starter, home: CodexHome):
    """Where people sign in with another issuer by now, a login of before is still OpenAI's."""
    home.write(chatgpt_login())
    client = await start(NOBODY)

    assert (await credential(client))["baseUrl"] == CHATGPT_BASE_URL


async def test_a_rejected_personal_access_token_names_its_variable(
    start: Starter, home: CodexHome, guard: SecretsGuard
):
    """The person alone can replace it; the stored login does not take its place."""
    guard.add("at-environment-token-of-the-test", ACCESS_TOKEN)
    before = home.write(chatgpt_login())
    client = await start(environment={"CODEX_ACCESS_TOKEN": "at-environment-token-of-the-test"})
    given = await credential(client)

    error = await client.request_error("auth/credential", {"rejectedRevision": given["revision"]})

    assert error.summary == (-32803, "apiKeyRejected")
    assert "CODEX_ACCESS_TOKEN" in error.message
    assert error.data["remediation"] == []
    assert (given["headers"]["Authorization"], home.bytes()) == (
        "Bearer at-environment-token-of-the-test",
        before,
    )


async def test_configuration_that_changes_while_a_credential_is_fetched_counts(
    start: Starter, home: CodexHome, tmp_path
):
    """A command that fails was the old provider's; the person has already chosen another one."""
    running, go_on = tmp_path / "running", tmp_path / "go-on"
    script = f"touch {running}; until [ -e {go_on} ]; do sleep 0.02; done; exit 1"
    provider = '[model_providers.lab]\nname = "Lab"\nbase_url = "https://lab.example/v1"\n'
    command = f'[model_providers.lab.auth]\ncommand = "/bin/sh"\nargs = ["-c", "{script}"]\n'
    home.configure(f'model_provider = "lab"\n{provider}{command}')
    client = await start()
    asked = await client.start_request("auth/credential", {})
    await eventually(running.exists, "the command")
    home.configure(f'model_provider = "lab"\n{provider}experimental_bearer_token = "new-token"\n')
    go_on.touch()

    assert (await asked.result())["headers"] == {"Authorization": "Bearer new-token"}
