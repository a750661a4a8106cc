"""A login that is dead before its time: found out, and renewed, from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from e2e.shapes import api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from e2e.conftest import CommandLine, Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

DONE, FAILED = 0, 1
KEY = example_key("refused")
HEADERS = ("credential", "openai", "--header")


async def signed_in(start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome) -> None:
    """Store a login whose models are the sandbox's."""
    home.configure(f'openai_base_url = "{sandbox.model_base_url}"\n')
    await browser.sign_in(await start(sandbox))


async def acceptance(command_line: CommandLine, issuer: Sandbox, *words: str) -> dict[str, Any]:
    """Return what the doctor finds."""
    outcome = await command_line("doctor", "--json", *words, issuer=issuer)
    (check,) = [c for c in json.loads(outcome.stdout)["checks"] if c["id"] == "acceptance"]
    return dict(check)


async def given(command_line: CommandLine, issuer: Sandbox, *words: str) -> str:
    """Return the headers that are given out, which no guard may look for."""
    process = await command_line.spawn(*HEADERS, *words, issuer=issuer)
    stdout, stderr = await process.communicate()
    assert (process.returncode, stderr) == (DONE, b"")
    return stdout.decode()


def status_of(sandbox: Sandbox, headers: str) -> int:
    """Return how the sandbox's models answer."""
    return sandbox.models(dict(line.split(": ", 1) for line in headers.splitlines())).status_code


async def test_a_refused_token_is_renewed_on_request(
    command_line: CommandLine, start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """One token request; without the option the refused one would be printed for ever."""
    await signed_in(start, sandbox, browser, home)
    sandbox.expire("access")
    old = await given(command_line, sandbox)
    new = await given(command_line, sandbox, "--renew")

    assert [status_of(sandbox, headers) for headers in (old, new)] == [401, 200]
    assert len(sandbox.requests("refresh")) == 1


async def test_a_login_that_was_revoked_says_so_when_it_is_renewed(
    command_line: CommandLine, start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """With what to do, and from then on the status knows it too."""
    await signed_in(start, sandbox, browser, home)
    sandbox.revoke_all()

    outcome = await command_line(*HEADERS, "--renew", issuer=sandbox)
    status = json.loads((await command_line("status", "--json", issuer=sandbox)).stdout)

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert " login" in outcome.stderr
    assert status["state"] == "needsReauth"


async def test_a_key_that_was_refused_is_not_printed_again(
    command_line: CommandLine, home: CodexHome
):
    """There is no other one."""
    home.write(api_key_login(KEY))

    outcome = await command_line(*HEADERS, "--renew")

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert "refused" in outcome.stderr


async def test_the_doctor_finds_a_refused_token_and_spends_nothing(
    command_line: CommandLine, start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """It asks with the network alone, and says what renews it."""
    await signed_in(start, sandbox, browser, home)
    before = home.bytes()
    good = await acceptance(command_line, sandbox, "--network")
    sandbox.expire("access")
    unasked = await acceptance(command_line, sandbox)
    refused = await acceptance(command_line, sandbox, "--network")

    assert [check["status"] for check in (good, unasked, refused)] == ["ok", "skipped", "error"]
    assert "--header --renew" in refused["remediation"][0]["title"]
    assert len(sandbox.requests("models")) == 2
    assert sandbox.requests("refresh") == []
    assert home.bytes() == before


async def test_the_doctor_leads_from_a_refused_key_to_a_new_one(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """Nothing renews a key."""
    home.configure(f'openai_base_url = "{sandbox.model_base_url}"\n')
    home.write(api_key_login(KEY))

    check = await acceptance(command_line, sandbox, "--network")

    assert check["status"] == "error"
    assert check["remediation"][0]["command"] == "codexAuth.signInWithApiKey"


async def test_a_login_of_another_issuer_goes_nowhere_for_a_check(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """OpenAI's models learn of no token that OpenAI did not make."""
    home.write(chatgpt_login(issuer=sandbox.issuer))

    check = await acceptance(command_line, sandbox, "--network")

    assert check["status"] == "skipped"
    assert "of another issuer" in check["summary"]
