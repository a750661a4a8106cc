"""Model providers of `config.toml`: the list, their credentials, and what never gets out."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from e2e.conftest import COMMAND_DEADLINE
from e2e.logins import sign_in_with_key
from e2e.shapes import api_key_login, chatgpt_login, example_key
from support.lsp_client import LanguageClient, clean_environment, server_command
from support.secrets_guard import API_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

SOON = 1.0
"""Seconds within which a window has told of a change."""

KEY = example_key("of-the-lab")
OTHER = example_key("of-another-lab")
KEY_LIKE_A_NAME = "gsk_examp1eK3yOfTheLabThatIsNone00" + "abcdefghijkl"

ENV = """model_provider = "lab"
[model_providers.lab]
name = "The lab"
base_url = "https://lab.example/v1"
env_key = "LAB_KEY"
env_key_instructions = "Ask at the desk."
"""


def lab(keys: str, base_url: str = "https://lab.example/v1", provider_id: str = "lab") -> str:
    """Return an active provider with these keys."""
    return (
        f'model_provider = "{provider_id}"\n[model_providers.{provider_id}]\nname = "The lab"\n'
        f'base_url = "{base_url}"\n{keys}\n'
    )


def replace_configuration(home: CodexHome, content: str | bytes) -> None:
    """Write `config.toml` in one step, so that nobody reads half of it."""
    new = home.path / "config.toml.new"
    new.write_bytes(content if isinstance(content, bytes) else content.encode())
    new.replace(home.path / "config.toml")


@pytest.fixture
def keys(guard: SecretsGuard) -> None:
    """Watch for the keys of this module."""
    guard.add(KEY, API_KEY)
    guard.add(OTHER, API_KEY)


async def listed(client: LanguageClient) -> dict[str, dict[str, Any]]:
    """Return the providers by their ids."""
    result = await client.request("auth/providers", {})
    return {provider["id"]: provider for provider in result["providers"]}


async def credential(client: LanguageClient, **params: Any) -> dict[str, Any]:
    """Ask for a credential."""
    return dict(await client.request("auth/credential", params))


# The list


async def test_list_names_every_provider_and_what_is_missing(start: Starter, home: CodexHome):
    """Built-in and configured ones; the variable's name and how to get a key."""
    home.configure(ENV)
    client = await start()

    result = await client.request("auth/providers", {})
    providers = {provider["id"]: provider for provider in result["providers"]}

    assert result["activeProviderId"] == "lab"
    assert list(providers) == [
        "openai", "ollama", "lmstudio", "amazon-bedrock", "amazon-bedrock-runtime", "gcp", "lab",
    ]  # fmt: skip
    assert providers["lab"] == {
        "id": "lab",
        "name": "The lab",
        "active": True,
        "baseUrl": "https://lab.example/v1",
        "authKind": "environmentKey",
        "requiresOpenaiAuth": False,
        "environmentKey": {
            "name": "LAB_KEY",
            "present": False,
            "instructions": "Ask at the desk.",
        },
        "ready": False,
        "problems": ["The environment variable LAB_KEY is not set. Ask at the desk."],
    }
    assert (providers["openai"]["active"], providers["openai"]["ready"]) == (False, False)


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ("env_key = 'LAB_KEY'", "https://api.openai.com/v1"),
        ("auth = { command = 'cat' }", "https://api.openai.com/v1"),
        ("experimental_bearer_token = 'x'", "https://api.openai.com/v1"),
        ("", "https://api.openai.com/v1"),
        ("requires_openai_auth = true", None),
    ],
)
async def test_address_that_no_login_decides_is_listed(
    start: Starter, home: CodexHome, configuration, expected
):
    """Where a credential goes is known before it is asked for, also where no table says it."""
    home.configure(f"[model_providers.lab]\nname = 'The lab'\n{configuration}\n")
    client = await start()

    assert (await listed(client))["lab"].get("baseUrl") == expected


async def test_provider_that_is_nowhere_is_an_error_of_the_status(start: Starter, home: CodexHome):
    """Not a provider without a sign-in: the state is the login's, and nothing is ready."""
    home.configure('model_provider = "lap"\n')
    client = await start()

    signed_out = await client.request("auth/status", {})
    home.write(api_key_login(example_key("kept")))
    signed_in = await client.request("auth/status", {})
    error = await client.request_error("auth/credential", {})

    assert (signed_out["state"], signed_in["state"]) == ("signedOut", "signedIn")
    for status in (signed_out, signed_in):
        assert status["lastError"]["kind"] == error.kind == "providerUnknown"
        assert status["provider"] == {
            "id": "lap",
            "authKind": "openai",
            "requiresOpenaiAuth": True,
            "ready": False,
            "problems": [status["lastError"]["message"]],
        }


async def test_address_of_openai_is_listed_where_the_configuration_names_it(
    start: Starter, home: CodexHome
):
    """And its change is announced; without it the login decides."""
    client = await start()
    before = (await listed(client))["openai"]
    since = client.mark()

    replace_configuration(home, "openai_base_url = 'https://proxy.example/v1/'\n")
    changed = await client.wait_for("auth/providersChanged", since=since)

    assert "baseUrl" not in before
    assert changed.params["providers"][0] == before | {"baseUrl": "https://proxy.example/v1"}


async def test_status_says_that_the_active_provider_needs_no_sign_in(
    start: Starter, home: CodexHome, keys
):
    """`notRequired`, and the stored login that is not in use is listed."""
    home.configure(ENV)
    home.write(api_key_login(OTHER))
    client = await start(environment={"LAB_KEY": KEY})

    status = await client.request("auth/status", {})

    assert (status["state"], status["method"], status["billing"]) == (
        "notRequired",
        "environmentKey",
        "provider",
    )
    assert status["source"] == {"kind": "environment", "name": "LAB_KEY"}
    assert status["provider"]["ready"] is True
    assert [entry["method"] for entry in status["shadowed"]] == ["apiKey"]


async def test_variable_that_the_login_outranks_is_listed_as_not_in_use(
    start: Starter, home: CodexHome, keys
):
    """`requires_openai_auth` makes `env_key` count for nothing, and the person is told."""
    home.configure(lab('requires_openai_auth = true\nenv_key = "LAB_KEY"'))
    home.write(api_key_login(OTHER))
    client = await start(environment={"LAB_KEY": KEY})

    status = await client.request("auth/status", {})
    given = await credential(client)

    assert status["state"] == "signedIn"
    assert [(entry["method"], entry["source"]) for entry in status["shadowed"]] == [
        ("environmentKey", {"kind": "environment", "name": "LAB_KEY"})
    ]
    assert status["provider"]["problems"] == [
        "`env_key` is ignored because `requires_openai_auth` is true."
    ]
    assert given["headers"] == {"Authorization": f"Bearer {OTHER}"}


async def test_change_of_the_configuration_is_told_once(start: Starter, home: CodexHome):
    """`auth/providersChanged` for a difference, and never for an equal list."""
    home.configure(ENV)
    client = await start()
    before = await client.request("auth/providers", {})
    since = client.mark()

    replace_configuration(home, ENV + "# nothing new\n")
    replace_configuration(home, ENV.replace("LAB_KEY", "OTHER_KEY"))
    message = await client.wait_for("auth/providersChanged", since=since, timeout=SOON)
    after = await client.request("auth/providers", {})

    assert message.params == after
    assert after["revision"] == before["revision"] + 1
    assert after["providers"][-1]["environmentKey"]["name"] == "OTHER_KEY"
    told = [m for m in client.messages[since:] if m.method == "auth/providersChanged"]
    assert len(told) == 1


async def test_signing_in_makes_the_providers_that_ask_for_it_ready(start: Starter, keys):
    """Each window tells its client."""
    client = await start()
    since = client.mark()

    await sign_in_with_key(client, KEY)
    message = await client.wait_for("auth/providersChanged", since=since, timeout=SOON)

    assert {p["id"]: p["ready"] for p in message.params["providers"]}["openai"] is True


BROKEN = {
    "syntax": ("a = \n", "line 1, column 5"),
    "value": ("[model_providers.x]\nenv_key = 17\n", "`model_providers.x.env_key`"),
    "header": (
        "[model_providers.x]\nhttp_headers = { a = 17 }\n",
        "`model_providers.x.http_headers.a`",
    ),
    "argument": (
        "[model_providers.x.auth]\ncommand = 'a'\nargs = [17]\n",
        "`model_providers.x.auth.args`",
    ),
    "time": (
        "[model_providers.x.auth]\ncommand = 'a'\ntimeout_ms = 0\n",
        "`model_providers.x.auth.timeout_ms`",
    ),
    "provider": ("model_providers = 'x'\n", "`model_providers`"),
    "bytes": (b"a = '\xff'\n", "line 1"),
    "twice": ("a = 1\nb = 1\na = 1\n", "line 3, column 6: this key or table is there already"),
    "table twice": ("[a]\n[a]\n", "line 2, column 3: this key or table is there already"),
    "behind a mark": (b"\xef\xbb\xbfa = \n", "line 1, column 5"),
    "lines of Windows": (b"a = 1\r\nb = \r\n", "line 2, column 5"),
    "UTF-16": ("a = 1".encode("utf-16"), "line 1: this is not UTF-8 text"),
    "dotted": ("a." * 17 + "b = 1", "line 1: a key has more than 16 parts"),
    "large": ("#" * (1024 * 1024 + 1), "is larger than 1 MiB"),
    "profile": ("profile = 'x'\n", "`profile`"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_broken_file_is_told_of_and_left_alone(start: Starter, home: CodexHome, name):
    """(S21) The place is named; the last good providers stay in force until the file is mended."""
    content, place = BROKEN[name]
    path = home.path / "config.toml"
    home.configure(ENV)
    client = await start()
    good = await listed(client)
    since = client.mark()

    broken = content.encode() if isinstance(content, str) else content
    replace_configuration(home, broken)
    told = await client.wait_for(
        "auth/statusChanged", lambda params: "lastError" in params["status"], since=since
    )
    while_broken = await listed(client)

    error = told.params["status"]["lastError"]
    assert (error["kind"], told.params["cause"]) == ("configurationInvalid", "configChange")
    assert str(path) in error["message"]
    assert place in error["message"]
    assert while_broken == good
    assert path.read_bytes() == broken


def a_folder(path: Path) -> None:
    """Put a folder there."""
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    """Put something there that cannot be read, also not by root."""
    path.symlink_to("config.toml")


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
@pytest.mark.parametrize(
    ("put", "trouble"),
    [(a_folder, "is not a file."), (a_link_to_itself, "cannot be read: ")],
)
async def test_what_is_no_file_is_told_of_and_left_alone(
    start: Starter, home: CodexHome, put, trouble
):
    """(S21) As with a file that is broken."""
    path = home.path / "config.toml"
    home.configure(ENV)
    client = await start()
    good = await listed(client)
    since = client.mark()

    put(new := home.path / "config.toml.new")
    path.unlink()
    new.rename(path)
    told = await client.wait_for(
        "auth/statusChanged", lambda params: "lastError" in params["status"], since=since
    )

    assert told.params["status"]["lastError"]["message"].startswith(f"{path} {trouble}")
    assert await listed(client) == good
    assert path.is_dir() or path.is_symlink()


async def test_no_credential_is_given_while_nobody_can_know_for_whom(
    start: Starter, home: CodexHome, keys
):
    """A file that was broken from the start may name a provider, so the default is no answer."""
    home.configure("model_provider = ")
    home.write(api_key_login(KEY))
    client = await start()

    error = await client.request_error("auth/credential", {})
    replace_configuration(home, "model_provider = 'openai'")
    given = await credential(client)

    assert error.summary == (-32803, "configurationInvalid")
    assert given["headers"] == {"Authorization": f"Bearer {KEY}"}


# Credentials


async def test_each_kind_is_accepted_by_the_model_endpoint(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, keys
):
    """A round trip with the sandbox: variable, token, command, header, ChatGPT."""
    sandbox.accept_key(KEY)
    kinds = {
        "variable": 'env_key = "LAB_KEY"',
        "token": f'experimental_bearer_token = "{KEY}"',
        "command": "auth = { command = 'printenv', args = ['LAB_KEY'] }",
        "header": f'http_headers = {{ Authorization = "Bearer {KEY}" }}',
        "variable-header": 'env_http_headers = { Authorization = "LAB_HEADER" }',
        "chatgpt": "requires_openai_auth = true",
    }
    home.configure(
        "".join(
            lab(keys, sandbox.model_base_url, name).partition("\n")[2]
            for name, keys in kinds.items()
        )
    )
    client = await start(sandbox, environment={"LAB_KEY": KEY, "LAB_HEADER": f"Bearer {KEY}"})
    await browser.sign_in(client)

    answers = {}
    for name in kinds:
        given = await credential(client, providerId=name)
        assert (given["providerId"], given["baseUrl"]) == (name, sandbox.model_base_url)
        answers[name] = sandbox.models(given["headers"]).status_code

    assert answers == dict.fromkeys(kinds, 200)
    assert sandbox.models({}).status_code == 401


async def test_headers_and_query_are_given_beside_the_key(start: Starter, home: CodexHome, keys):
    """The environment's header goes over the configured one, the key over both."""
    home.configure(
        ENV + 'http_headers = { "X-Team" = "a", authorization = "no" }\n'
        'env_http_headers = { "x-team" = "TEAM", "X-None" = "NOT_SET" }\n'
        'query_params = { "api-version" = "2026-01-01" }\n'
    )
    client = await start(environment={"LAB_KEY": f" {KEY}\n", "TEAM": "b"})

    given = await credential(client)

    assert given == {
        "providerId": "lab",
        "baseUrl": "https://lab.example/v1",
        "headers": {"x-team": "b", "Authorization": f"Bearer {KEY}"},
        "queryParams": {"api-version": "2026-01-01"},
        "revision": 1,
    }


@pytest.mark.parametrize("kind", ["variable", "token", "none"])
async def test_static_key_that_was_refused_is_not_given_again(
    start: Starter, home: CodexHome, keys, kind
):
    """`apiKeyRejected` for that revision alone; a changed configuration has a newer one."""
    keys_of = {"variable": 'env_key = "LAB_KEY"', "none": ""}
    home.configure(lab(keys_of.get(kind, f'experimental_bearer_token = "{KEY}"')))
    client = await start(environment={"LAB_KEY": KEY})
    first = await credential(client)

    error = await client.request_error("auth/credential", {"rejectedRevision": first["revision"]})
    replace_configuration(home, lab(f'experimental_bearer_token = "{OTHER}"'))
    newer = await credential(client, rejectedRevision=first["revision"])

    assert error.summary == (-32803, "apiKeyRejected")
    assert error.data["providerId"] == "lab"
    assert newer["headers"] == {"Authorization": f"Bearer {OTHER}"}
    assert newer["revision"] == first["revision"] + 1


@pytest.mark.skipif(os.name != "posix", reason="the command is a shell script")
async def test_refused_command_is_run_once_more(start: Starter, home: CodexHome):
    """What was printed is used until then; a newer token that is there already costs no run."""
    script = "echo x >> runs; echo token-number-$(wc -l < runs)"
    home.configure(lab(f"auth = {{ command = 'sh', args = ['-c', '{script}'] }}"))
    client = await start()

    first, again = [await credential(client) for _ in range(2)]
    second = await credential(client, rejectedRevision=first["revision"])
    late = await credential(client, rejectedRevision=first["revision"])

    assert [given["headers"]["Authorization"] for given in (first, again, second, late)] == [
        "Bearer token-number-1",
        "Bearer token-number-1",
        "Bearer token-number-2",
        "Bearer token-number-2",
    ]
    assert (home.path / "runs").read_text() == "x\nx\n"


REFUSALS: dict[str, tuple[str, str]] = {
    "variable": ('env_key = "LAB_KEY"', "environmentKeyMissing"),
    "key in the place of a name": (f'env_key = "{KEY}"', "configurationInvalid"),
    "key that could be a name": (f'env_key = "{KEY_LIKE_A_NAME}"', "configurationInvalid"),
    "command": ("auth = { command = 'false' }", "credentialCommandFailed"),
    "missing command": ("auth = { command = './nothing' }", "credentialCommandFailed"),
    "conflict": (
        "env_key = 'PATH'\nauth = { command = 'echo', args = ['x'] }",
        "configurationInvalid",
    ),
    "gateway": ("gateway_oauth = {}", "configurationInvalid"),
    "login": ("requires_openai_auth = true", "notSignedIn"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_missing_credential_is_an_error_and_never_empty_headers(
    start: Starter, home: CodexHome, guard: SecretsGuard, name
):
    """The kind says what is missing; the provider is listed as not ready where that is known."""
    guard.add(KEY)
    guard.add(KEY_LIKE_A_NAME)
    configuration, kind = REFUSALS[name]
    home.configure(lab(configuration))
    client = await start()

    error = await client.request_error("auth/credential", {})

    assert error.summary == (-32803, kind)
    if kind != "credentialCommandFailed":
        assert (await listed(client))["lab"]["ready"] is False


async def test_unknown_provider_is_told(start: Starter):
    """By the id that was asked for."""
    client = await start()

    error = await client.request_error("auth/credential", {"providerId": "nope"})

    assert error.summary == (-32803, "providerUnknown")
    assert error.data["providerId"] == "nope"


@pytest.mark.parametrize(
    "base_url",
    ["http://lab.example/v1", "https://user:password@lab.example/v1", "https://lab.example/?a=b"],
)
@pytest.mark.parametrize("keys_of", ["requires_openai_auth = true", 'env_key = "LAB_KEY"'])
async def test_credential_goes_to_no_address_that_others_can_read_along(
    start: Starter, home: CodexHome, keys, base_url, keys_of
):
    """(P18) Plain http beyond loopback, a password, a query: not ready, and nothing is given."""
    home.configure(lab(keys_of, base_url))
    home.write(chatgpt_login())
    client = await start(environment={"LAB_KEY": KEY})

    error = await client.request_error("auth/credential", {})
    found = (await listed(client))["lab"]

    assert error.summary == (-32803, "configurationInvalid")
    assert error.message.startswith("The provider `lab` cannot be used: `base_url` of the provider")
    assert found["ready"] is False
    assert "password" not in found.get("baseUrl", "")


async def test_login_is_given_to_no_provider_that_does_not_ask_for_it(
    start: Starter, home: CodexHome
):
    """A provider without `requires_openai_auth` gets its own headers alone."""
    home.configure(lab('http_headers = { "x-a" = "1" }', "http://lab.example/v1"))
    home.write(chatgpt_login())
    client = await start()

    given = await credential(client)

    assert (given["baseUrl"], given["headers"]) == ("http://lab.example/v1", {"x-a": "1"})


async def test_table_for_a_built_in_provider_moves_no_login(start: Starter, home: CodexHome):
    """Nobody redirects `openai` by redefining it."""
    home.configure(
        "[model_providers.openai]\nname = 'x'\nbase_url = 'https://elsewhere.example/v1'\n"
    )
    home.write(chatgpt_login())
    client = await start()

    given = await credential(client)
    found = (await listed(client))["openai"]

    assert given["baseUrl"] == "https://chatgpt.com/backend-api/codex"
    assert "is ignored, since `openai` is built in" in found["problems"][0]


async def test_key_in_dotenv_is_taken_as_soon_as_it_is_there(start: Starter, home: CodexHome, keys):
    """An editor from the desktop has no shell; the change is told like one of the configuration."""
    home.configure(ENV)
    client = await start()
    since = client.mark()

    (home.path / ".env").write_text(f"LAB_KEY={KEY}\n")
    told = await client.wait_for(
        "auth/statusChanged", lambda params: params["status"]["provider"]["ready"], since=since
    )
    given = await credential(client)

    assert told.params["cause"] == "configChange"
    assert given["headers"] == {"Authorization": f"Bearer {KEY}"}


BEDROCK_LOGIN = {"auth_mode": "bedrockApiKey", "OPENAI_API_KEY": None} | {
    "bedrock_api_key": {"api_key": KEY, "region": "eu-central-1"}
}


async def test_stored_bedrock_key_is_given_for_bedrock_alone(start: Starter, home: CodexHome, keys):
    """It goes over the variable, which is told of; after a refusal it is not given again."""
    home.configure('model_provider = "amazon-bedrock"\n')
    home.write(BEDROCK_LOGIN)
    client = await start(environment={"AWS_BEARER_TOKEN_BEDROCK": OTHER})

    status = await client.request("auth/status", {})
    given = await credential(client)
    refused = await client.request_error("auth/credential", {"rejectedRevision": 1})
    elsewhere = await client.request_error("auth/credential", {"providerId": "openai"})

    assert (status["state"], status["method"]) == ("notRequired", "bedrockApiKey")
    assert (status["source"]["kind"], status["provider"]["ready"]) == ("file", True)
    assert [(entry["method"], entry["source"]["name"]) for entry in status["shadowed"]] == [
        ("environmentKey", "AWS_BEARER_TOKEN_BEDROCK")
    ]
    assert given["baseUrl"] == "https://bedrock-mantle.eu-central-1.api.aws/openai/v1"
    assert given["headers"] == {"Authorization": f"Bearer {KEY}"}
    assert (refused.kind, elsewhere.kind) == ("apiKeyRejected", "notSignedIn")


async def test_bedrock_follows_the_login_cache(start: Starter, home: CodexHome, keys):
    """A key that the Codex CLI stores is there within a second, and gone with a logout."""
    home.configure('model_provider = "amazon-bedrock"\n')
    client = await start(environment={"AWS_BEARER_TOKEN_BEDROCK": OTHER, "AWS_REGION": "us-east-1"})
    before = await credential(client)
    since = client.mark()

    home.write(BEDROCK_LOGIN)
    told = await client.wait_for("auth/providersChanged", since=since, timeout=SOON)
    stored = await credential(client)
    await client.request("auth/logout", {})
    after = await credential(client)

    kinds = {p["id"]: p["authKind"] for p in told.params["providers"]}
    assert kinds["amazon-bedrock"] == "bearerToken"
    assert [given["headers"]["Authorization"] for given in (before, stored, after)] == [
        f"Bearer {OTHER}",
        f"Bearer {KEY}",
        f"Bearer {OTHER}",
    ]
    assert after["baseUrl"] == before["baseUrl"] != stored["baseUrl"]


async def test_file_that_was_never_usable_leaves_no_provider_ready(
    start: Starter, home: CodexHome, keys
):
    """As `auth/credential`, which gives nothing then; both end with the mend, which is told."""
    home.configure("model_provider = ")
    home.write(api_key_login(KEY))
    client = await start()
    status = await client.request("auth/status", {})
    broken = await listed(client)
    since = client.mark()

    replace_configuration(home, "model_provider = 'openai'")
    told = await client.wait_for("auth/providersChanged", since=since, timeout=SOON)

    assert not any(provider["ready"] for provider in broken.values())
    assert all("config.toml cannot be used" in p["problems"][0] for p in broken.values())
    assert status["provider"]["ready"] is False
    assert {p["id"]: p["ready"] for p in told.params["providers"]}["openai"] is True


@pytest.mark.skipif(os.name != "posix", reason="the command is a shell script")
async def test_command_that_failed_is_told_of_until_it_works(start: Starter, home: CodexHome):
    """By the list and the status, once each way; the next question runs it again."""
    script = "test -e works && echo token-of-the-command"
    home.configure(lab(f"auth = {{ command = 'sh', args = ['-c', '{script}'] }}"))
    client = await start()
    before = await listed(client)
    since = client.mark()

    error = await client.request_error("auth/credential", {})
    failed = await client.wait_for("auth/providersChanged", since=since, timeout=SOON)
    told = await client.wait_for("auth/statusChanged", since=since, timeout=SOON)
    await client.request_error("auth/credential", {})
    since_failure = client.mark()
    (home.path / "works").touch()
    given = await credential(client)
    works = await client.wait_for("auth/providersChanged", since=since_failure, timeout=SOON)

    entry = failed.params["providers"][-1]
    assert (before["lab"]["ready"], entry["ready"]) == (True, False)
    assert entry["problems"] == [error.message] == told.params["status"]["provider"]["problems"]
    assert (told.params["status"]["provider"]["ready"], told.params["cause"]) == (
        False,
        "freshness",
    )
    assert given["headers"] == {"Authorization": "Bearer token-of-the-command"}
    assert works.params["providers"][-1] == before["lab"]
    lists = [m for m in client.messages[since:] if m.method == "auth/providersChanged"]
    assert len(lists) == 2


@pytest.mark.skipif(os.name != "posix", reason="needs a named pipe")
@pytest.mark.parametrize("change", ["origin", "provider", "away"])
async def test_configuration_that_changes_under_a_command_decides(
    start: Starter, home: CodexHome, keys, change
):
    """(P18) What is given is for the provider as it is then: its origin, its credential."""
    command = "auth = { command = 'cat', args = ['pipe'] }"
    new = {
        "origin": lab(f'experimental_bearer_token = "{KEY}"', "https://elsewhere.example/v1"),
        "provider": lab(f'experimental_bearer_token = "{KEY}"', provider_id="other"),
        "away": "model_provider = 'lab'\n",
    }
    os.mkfifo(home.path / "pipe")
    home.configure(lab(command))
    client = await start()

    pending = await client.start_request("auth/credential", {})
    pipe = await asyncio.to_thread((home.path / "pipe").open, "w")
    since = client.mark()
    replace_configuration(home, new[change])
    await client.wait_for("auth/providersChanged", since=since)
    with pipe:
        pipe.write(OTHER)

    if change == "away":
        assert (await pending.error()).kind == "providerUnknown"
        return
    given = await pending.result()
    assert given["headers"] == {"Authorization": f"Bearer {KEY}"}
    assert (given["providerId"], given["baseUrl"]) == {
        "origin": ("lab", "https://elsewhere.example/v1"),
        "provider": ("other", "https://lab.example/v1"),
    }[change]


async def test_failed_command_is_forgotten_with_another_configuration(
    start: Starter, home: CodexHome
):
    """What failed was another command."""
    home.configure(lab("auth = { command = 'false' }"))
    client = await start()
    await client.request_error("auth/credential", {})
    broken = await listed(client)

    replace_configuration(home, lab("auth = { command = 'true' }"))
    mended = await listed(client)

    assert (broken["lab"]["ready"], mended["lab"]["ready"]) == (False, True)


# Strangers

STRANGER = """from pathlib import Path
Path(__file__).with_name("was-here").write_text(__name__)
raise SystemExit(17)
"""


async def test_hostile_workspace_has_no_effect(
    start: Starter, home: CodexHome, tmp_path: Path, keys
):
    """(S18) Its `config.toml` names no provider, its modules and programs are not run."""
    workspace = tmp_path / "workspace"
    (workspace / ".codex").mkdir(parents=True)
    (workspace / ".codex" / "config.toml").write_text(
        lab("auth = { command = 'touch', args = ['was-here'] }", provider_id="stranger")
    )
    for name in ("dbus", "pygls", "secretstorage", "tomllib", "shutil", "codex_auth_lsp"):
        (workspace / f"{name}.py").write_text(STRANGER)
    program = workspace / "printkey"
    program.write_text("#!/bin/sh\ntouch was-here\necho stranger\n")
    program.chmod(0o755)
    home.configure(ENV + "[model_providers.cmd]\nname = 'c'\nauth = { command = 'printkey' }\n")

    client = await LanguageClient.start(
        workspace,
        home=home.path,
        environment={
            "LAB_KEY": KEY,
            "PATH": os.pathsep.join((".", os.environ["PATH"], "")),
        },
    )
    start.clients.append(client)
    await client.initialize(workspace=workspace)
    await client.wait_for("auth/statusChanged")
    given = await credential(client)
    error = await client.request_error("auth/credential", {"providerId": "cmd"})
    providers = await listed(client)
    shutil.rmtree(workspace / "person")

    assert given["headers"] == {"Authorization": f"Bearer {KEY}"}
    assert error.summary == (-32803, "credentialCommandFailed")
    assert "stranger" not in providers
    assert sorted(path.name for path in workspace.rglob("was-here")) == []


# In a terminal


async def test_providers_in_a_terminal(command_line: CommandLine, home: CodexHome, keys):
    """A table for people; the active one is marked, what is missing stands below."""
    home.configure(ENV)

    outcome = await command_line("providers")
    as_json = await command_line("providers", "--json", environment={"LAB_KEY": KEY})

    assert outcome.returncode == 0
    line, problem = outcome.stdout.splitlines()[-2:]
    assert line.split() == [
        "*", "lab", "not", "ready", "environment", "variable", "LAB_KEY", "https://lab.example/v1",
    ]  # fmt: skip
    assert problem.strip() == "The environment variable LAB_KEY is not set. Ask at the desk."
    assert '"present": true' in as_json.stdout


async def test_provider_that_is_nowhere_is_told_in_a_terminal(
    command_line: CommandLine, home: CodexHome
):
    """Below a list without a mark; status 1, as with a file that cannot be used."""
    home.configure('model_provider = "lap"\n')

    outcome = await command_line("providers")

    assert (outcome.returncode, "*" in outcome.stdout) == (1, False)
    assert outcome.stderr == (
        "codex-auth-lsp: `model_provider` in config.toml names `lap`, which is not defined.\n"
    )


async def test_broken_file_in_a_terminal_is_told_once_with_its_place(
    command_line: CommandLine, home: CodexHome
):
    """And every provider is shown as not ready."""
    home.configure("model_provider = ")

    outcome = await command_line("providers", "--json")

    assert outcome.returncode == 1
    assert outcome.stderr == (
        f"codex-auth-lsp: {home.path / 'config.toml'}, line 1, column 18: this is not valid TOML.\n"
    )
    assert not any(provider["ready"] for provider in json.loads(outcome.stdout)["providers"])


async def test_credential_in_a_terminal_is_for_programs(
    command_line: CommandLine, home: CodexHome, guard: SecretsGuard
):
    """Header lines on a pipe; a missing key is one line on stderr and status 1."""
    home.configure(ENV)
    value = "key-on-a-pipe"

    given = await command_line("credential", "lab", "--header", environment={"LAB_KEY": value})
    missing = await command_line("credential", "lab", "--header")
    unknown = await command_line("credential", "nope", "--header")

    assert (given.returncode, given.stdout, given.stderr) == (
        0,
        f"Authorization: Bearer {value}\n",
        "",
    )
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == (
        "codex-auth-lsp: The environment variable LAB_KEY is not set. Ask at the desk.\n"
    )
    assert unknown.stderr == (
        "codex-auth-lsp: This is no provider of config.toml, and no built-in one. "
        f"`codex-auth-lsp --codex-home {home.path} providers` lists those that there are.\n"
    )
    assert (unknown.returncode, unknown.stdout) == (1, "")


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal of POSIX")
@pytest.mark.parametrize(("options", "shown"), [((), False), (("--show",), True)])
async def test_credential_is_shown_on_a_screen_only_when_asked_for(
    home: CodexHome, tmp_path: Path, options, shown
):
    """Somebody may look over the person's shoulder."""
    home.configure(ENV)
    ours, screen = os.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            *server_command(
                home=home.path,
                log_level=None,
                arguments=("credential", "lab", "--header", *options),
            ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=screen,
            stderr=asyncio.subprocess.PIPE,
            env=clean_environment(tmp_path, {"LAB_KEY": "key-on-a-screen"}),
        )
        _, stderr = await asyncio.wait_for(process.communicate(), COMMAND_DEADLINE)
        os.write(screen, b"end\n")
        seen = os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(screen)

    assert (b"key-on-a-screen" in seen) == shown
    assert process.returncode == (0 if shown else 2)
    assert (b"--show" in stderr) != shown
