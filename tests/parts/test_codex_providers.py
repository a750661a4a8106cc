"""What the real Codex CLI sends to a provider, and what `auth/credential` gives for it.

`codex exec` and a language server read the same folder; a local endpoint records what arrives.
Every row is the same on both sides, or stands among the deliberate differences with its reason.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from e2e.shapes import AUTH_CLAIM, api_key_login, chatgpt_login, id_token
from support.codex_cli import QUIET_FEATURES, CodexCli
from support.lsp_client import RpcError
from support.model_endpoint import ModelEndpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome

pytestmark = [
    pytest.mark.part("codex"),
    pytest.mark.skipif(os.name != "posix", reason="the commands of the table are POSIX"),
]

OF_THE_CLIENT = {
    "accept", "content-encoding", "content-length", "content-type", "host", "originator",
    "session-id", "thread-id", "user-agent", "version", "x-amzn-mantle-client-agent",
    "x-client-request-id", "x-codex-beta-features", "x-codex-routing-hint",
    "x-codex-turn-metadata", "x-codex-window-id", "x-openai-internal-codex-responses-lite",
}  # fmt: skip
"""Fields with which the CLI describes itself and its request; they authenticate nothing."""

KEY = api_key_login("sk-example-stored")
LAB = """model_provider = "lab"
[model_providers.lab]
name = "Lab"
base_url = "http://127.0.0.1:PORT/v1"
"""
LOGIN = LAB + "requires_openai_auth = true\n"
ENV = LAB + 'env_key = "LAB_KEY"\n'
FAR = LAB.replace("127.0.0.1:PORT", "lab.example")
BY_PROXY = {"HTTP_PROXY": "http://127.0.0.1:PORT"}
BUILT_IN = 'openai_base_url = "http://127.0.0.1:PORT/v1"\n'
SET = {"LAB_KEY": "lab-key-of-the-test"}
BEDROCK_SET = {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-key-of-the-test", "AWS_REGION": "us-east-1"}


def bedrock_login(api_key: str) -> dict[str, Any]:
    """Return a login cache with a key for Amazon Bedrock."""
    return {
        "auth_mode": "bedrockApiKey",
        "OPENAI_API_KEY": None,
        "bedrock_api_key": {"api_key": api_key, "region": "eu-central-1"},
    }


BEDROCK_LOGIN = bedrock_login("bedrock-key-of-the-cache")
AWS_PROFILE = """[lab]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = access-key-of-the-test
"""


def auth(command: str, *args: str, more: str = "", above: str = LAB) -> str:
    """Return a provider with a credential command."""
    return (
        f"{above}[model_providers.lab.auth]\ncommand = '{command}'\nargs = {list(args)!r}\n{more}"
    )


def shell(script: str, more: str = "") -> str:
    """Return a provider whose command is a script; it holds no quotes."""
    return auth("sh", "-c", script, more=more)


def bedrock(provider_id: str = "amazon-bedrock", more: str = "") -> str:
    """Return Amazon Bedrock at the local endpoint."""
    return (
        f'model_provider = "{provider_id}"\n[model_providers.{provider_id}]\n'
        f'base_url = "http://127.0.0.1:PORT/v1"\n{more}'
    )


@dataclass(frozen=True)
class Row:
    """One configuration; `kind` and `reason` are those of a deliberate difference."""

    config: str
    login: Any = None
    environment: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None
    reason: str = ""
    dotenv: str = ""
    gives: Mapping[str, str] = field(default_factory=dict)
    """Our headers, where a deliberate difference has a credential."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files in the folder of the login cache; `FOLDER` in a variable is that folder."""

    def variables(self, folder: Path, port: int) -> dict[str, str]:
        """Return the variables of both sides."""
        words = {"FOLDER": str(folder), "PORT": str(port)}
        found = dict(self.environment)
        for name, value in found.items():
            for word, meaning in words.items():
                value = value.replace(word, meaning)
            found[name] = value
        return found


SAME: dict[str, Row] = {
    "none": Row(LAB),
    "none beside a stored key": Row(LAB, KEY),
    "none beside a ChatGPT login": Row(LAB, chatgpt_login()),
    "login with ChatGPT": Row(LOGIN, chatgpt_login()),
    "login of a FedRAMP account": Row(
        LOGIN,
        chatgpt_login(
            id_token=id_token(
                **{
                    AUTH_CLAIM: {
                        "chatgpt_account_id": "account-ada",
                        "chatgpt_account_is_fedramp": True,
                    }
                }
            )
        ),
    ),
    "login with a key": Row(LOGIN, KEY),
    "login with headers": Row(LOGIN + 'http_headers = { "x-team" = "a" }\n', KEY),
    "login over a configured Authorization": Row(
        LOGIN + 'http_headers = { Authorization = "Basic eA==" }\n', KEY
    ),
    "built-in with a key": Row(BUILT_IN, KEY),
    "built-in with ChatGPT": Row(BUILT_IN, chatgpt_login()),
    "built-in with organization and project": Row(
        BUILT_IN, KEY, {"OPENAI_ORGANIZATION": "org-1", "OPENAI_PROJECT": "proj-1"}
    ),
    "built-in beside OPENAI_API_KEY": Row(BUILT_IN, KEY, {"OPENAI_API_KEY": "sk-example-other"}),
    "variable": Row(ENV, None, SET),
    "variable beside a stored key": Row(ENV, KEY, SET),
    "variable over a bearer token": Row(
        ENV + 'experimental_bearer_token = "bearer-of-the-test"\n', None, SET
    ),
    "variable over a configured Authorization": Row(
        ENV + 'http_headers = { Authorization = "Basic eA==" }\n', None, SET
    ),
    "variable over an Authorization of the environment": Row(
        ENV + 'env_http_headers = { authorization = "OTHER" }\n',
        None,
        SET | {"OTHER": "Basic eA=="},
    ),
    "variable OPENAI_API_KEY": Row(
        LAB + 'env_key = "OPENAI_API_KEY"\n', KEY, {"OPENAI_API_KEY": "sk-example-other"}
    ),
    "variable that is not set": Row(ENV, None, {}, "environmentKeyMissing"),
    "variable that is blank": Row(ENV, None, {"LAB_KEY": "  "}, "environmentKeyMissing"),
    "variable that is not set beside a bearer token": Row(
        ENV + 'experimental_bearer_token = "bearer-of-the-test"\n', KEY, {}, "environmentKeyMissing"
    ),
    "variable that is empty": Row(ENV, None, {"LAB_KEY": ""}, "environmentKeyMissing"),
    "variable that is a line end": Row(ENV, None, {"LAB_KEY": "\n"}, "environmentKeyMissing"),
    "variable with blanks behind its value": Row(ENV, None, {"LAB_KEY": "lab-key-of-the-test  "}),
    "variable with a blank in its value": Row(ENV, None, {"LAB_KEY": "lab-key of-the-test"}),
    "variable without a name": Row(LAB + 'env_key = ""\n', None, {}, "configurationInvalid"),
    "variable of .env": Row(ENV, dotenv="LAB_KEY=key-of-the-file\n"),
    "variable of .env with quotes and a remark": Row(
        ENV, dotenv='export LAB_KEY="key of the file" # mine\n'
    ),
    "variable of .env over the environment": Row(
        ENV, None, SET, dotenv="LAB_KEY=key-of-the-file\n"
    ),
    "variable of .env for a header": Row(
        LAB + 'env_http_headers = { "x-a" = "A" }\n', dotenv="A='1'\n"
    ),
    "variable of .env that is Codex's own": Row(
        LAB + 'env_key = "CODEX_LAB"\n',
        kind="environmentKeyMissing",
        dotenv="CODEX_LAB=key-of-the-file\n",
    ),
    "bearer token": Row(LAB + 'experimental_bearer_token = "bearer-of-the-test"\n'),
    "bearer token beside a stored key": Row(
        LAB + 'experimental_bearer_token = "bearer-of-the-test"\n', KEY
    ),
    "configured headers": Row(LAB + 'http_headers = { "x-a" = "1", "X-B" = "two words" }\n'),
    "configured Authorization alone": Row(
        LAB + 'http_headers = { Authorization = "Basic eA==" }\n'
    ),
    "configured header with blanks around": Row(LAB + 'http_headers = { "x-a" = " 1 " }\n'),
    "configured header without a value": Row(LAB + 'http_headers = { "x-a" = "" }\n'),
    "configured header with a line break": Row(LAB + 'http_headers = { "x-a" = "1\\n2" }\n'),
    "configured header with a name of two words": Row(LAB + 'http_headers = { "x a" = "1" }\n'),
    "configured header with a tab and punctuation": Row(
        LAB + """http_headers = { "x-a" = "1\\t2", "x-b" = '"q"', "x-c" = "a,b;c=d" }\n"""
    ),
    "configured header with a control character": Row(
        LAB + 'http_headers = { "x-a" = "1\\u007f2", "x-b" = "1" }\n'
    ),
    "configured header without a name": Row(LAB + 'http_headers = { "" = "1", "x-b" = "1" }\n'),
    "configured header with a name that is not ASCII": Row(
        LAB + 'http_headers = { "x-\u00e9" = "1", "x-b" = "1" }\n'
    ),
    "configured cookie": Row(LAB + 'http_headers = { Cookie = "a=b" }\n'),
    "configured credential over plain http": Row(
        FAR + 'http_headers = { Authorization = "Basic eA==" }\n', None, BY_PROXY
    ),
    "variable of a header with blanks around": Row(
        LAB + 'env_http_headers = { "x-a" = "A", "x-b" = "B" }\n',
        None,
        {"A": " 1 ", "B": "\t2"},
    ),
    "variable of a header that is empty": Row(
        LAB + 'env_http_headers = { "x-a" = "A", "x-b" = "B" }\n', None, {"A": "", "B": "\n"}
    ),
    "variable of a header without a name": Row(LAB + 'env_http_headers = { "x-a" = "" }\n'),
    "variable of a header that no environment can hold": Row(
        LAB + 'env_http_headers = { "x-a" = "Bearer a=b" }\n'
    ),
    "headers of the environment": Row(
        LAB + 'env_http_headers = { "x-a" = "A", "x-b" = "B", "x-c" = "C" }\n',
        None,
        {"A": "1", "B": "  "},
    ),
    "header of the environment with a line break": Row(
        LAB + 'env_http_headers = { "x-a" = "A" }\n', None, {"A": "1\n2"}
    ),
    "header of the environment over a configured one": Row(
        LAB + 'http_headers = { "x-a" = "1" }\nenv_http_headers = { "X-A" = "A" }\n',
        None,
        {"A": "2"},
    ),
    "query parameters": Row(LAB + 'query_params = { "api-version" = "2026-01-01", b = "x y" }\n'),
    "query parameter with letters that are not ASCII": Row(
        LAB + 'query_params = { a = "\u00e9\u65e5" }\n'
    ),
    "query parameter with punctuation": Row(LAB + 'query_params = { a = "/?:@=-._~,;()" }\n'),
    "query parameter with quotes and brackets": Row(LAB + "query_params = { a = '\"<>`{}|^\\' }\n"),
    "query parameter without a value": Row(LAB + 'query_params = { a = "" }\n'),
    "query parameter without a name": Row(LAB + 'query_params = { "" = "1" }\n'),
    "query parameter with a blank in its name": Row(LAB + 'query_params = { "a b" = "1" }\n'),
    "query parameters with a variable": Row(ENV + 'query_params = { a = "1" }\n', None, SET),
    "no query parameters": Row(LAB + "query_params = {}\n"),
    "address with a slash at the end": Row(LAB.replace("/v1", "/v1/")),
    "file with a byte order mark": Row("\ufeff" + ENV, None, SET),
    "file with line ends of Windows": Row(ENV.replace("\n", "\r\n"), None, SET),
    "key that is there twice": Row(ENV + 'name = "x"\n', None, SET, "configurationInvalid"),
    "profile": Row(
        'profile = "p"\n' + ENV + '[profiles.p]\nmodel_provider = "other"\n',
        None,
        SET,
        "configurationInvalid",
    ),
    "profile without a name": Row('profile = ""\n' + ENV, None, SET, "configurationInvalid"),
    "profile that is no string": Row("profile = 1\n" + ENV, None, SET, "configurationInvalid"),
    "table of a profile that nobody chose": Row(
        ENV + '[profiles.p]\nmodel_provider = "other"\n', None, SET
    ),
    "file of a profile that nobody chose": Row(
        ENV, None, SET, files={"p.config.toml": 'model_provider = "other"\n'}
    ),
    "unknown keys": Row(ENV + "banana = 1\nrequest_max_retries = 0\n", None, SET),
    "id with a blank": Row(
        ENV.replace('"lab"', '"my lab"').replace(".lab]", '."my lab"]'), None, SET
    ),
    "id with a dot": Row(ENV.replace('"lab"', '"a.b"').replace(".lab]", '."a.b"]'), None, SET),
    "id like a built-in one but for its case": Row(
        ENV.replace('"lab"', '"OpenAI"').replace(".lab]", ".OpenAI]"), None, SET
    ),
    "command": Row(auth("echo", "token-of-the-command")),
    "command with arguments": Row(auth("echo", "a b", "$HOME", "*")),
    "command beside a stored key": Row(auth("echo", "token-of-the-command"), KEY),
    "command over a configured Authorization": Row(
        auth(
            "echo",
            "token-of-the-command",
            above=LAB + 'http_headers = { Authorization = "Basic eA==" }\n',
        )
    ),
    "command with an absolute path": Row(auth("/bin/echo", "token-of-the-command")),
    "command with blanks around its output": Row(shell('echo; echo "  tok  "; echo')),
    "command finds no stdin": Row(shell("read x && echo something || echo nothing")),
    "command has the environment": Row(shell("echo $LAB_KEY"), None, SET),
    "command in another folder": Row(shell("pwd", 'cwd = "/usr"\n')),
    "command in a relative folder": Row(shell("pwd", 'cwd = "."\n')),
    "command that is never run again": Row(
        auth("echo", "token-of-the-command", more="refresh_interval_ms = 0\n")
    ),
    "command beside env_key": Row(
        auth("echo", "token", above=ENV), None, SET, "configurationInvalid"
    ),
    "command beside a bearer token": Row(
        auth("echo", "token", above=LAB + 'experimental_bearer_token = "b"\n'),
        None,
        {},
        "configurationInvalid",
    ),
    "command beside the login": Row(
        auth("echo", "token", above=LOGIN), KEY, {}, "configurationInvalid"
    ),
    "command without a name": Row(auth(" "), None, {}, "configurationInvalid"),
    "command without time": Row(
        auth("echo", "token", more="timeout_ms = 0\n"), None, {}, "configurationInvalid"
    ),
    "command with a negative interval": Row(
        auth("echo", "token", more="refresh_interval_ms = -1\n"), None, {}, "configurationInvalid"
    ),
    "auth that is no table": Row(LAB + 'auth = "echo"\n', None, {}, "configurationInvalid"),
    "header that is no string": Row(
        LAB + 'http_headers = { "x-a" = 1 }\n', None, {}, "configurationInvalid"
    ),
    "headers that are no table": Row(
        LAB + 'http_headers = "x"\n', None, {}, "configurationInvalid"
    ),
    "requires_openai_auth that is no boolean": Row(
        LAB + 'requires_openai_auth = "yes"\n', None, {}, "configurationInvalid"
    ),
    "provider that is not there": Row('model_provider = "nope"\n', KEY, {}, "providerUnknown"),
    "TOML that is none": Row(LAB + "a =\n", KEY, {}, "configurationInvalid"),
    "Bedrock": Row(bedrock(), None, BEDROCK_SET),
    "Bedrock Runtime": Row(bedrock("amazon-bedrock-runtime"), None, BEDROCK_SET),
    "Bedrock with headers": Row(
        bedrock(more='http_headers = { "x-a" = "1" }\n'), None, BEDROCK_SET
    ),
    "Bedrock with a region of the configuration": Row(
        bedrock(more='[model_providers.amazon-bedrock.aws]\nregion = "eu-west-1"\n'),
        None,
        {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-key-of-the-test"},
    ),
    "Bedrock without a region": Row(
        bedrock(),
        None,
        {"AWS_BEARER_TOKEN_BEDROCK": "bedrock-key-of-the-test"},
        "configurationInvalid",
    ),
    "Bedrock with a command": Row(
        bedrock(more='[model_providers.amazon-bedrock.auth]\ncommand = "echo"\nargs = ["token"]\n'),
        None,
        BEDROCK_SET,
    ),
    "Bedrock with a stored key": Row(bedrock(), BEDROCK_LOGIN),
    "Bedrock Runtime with a stored key": Row(bedrock("amazon-bedrock-runtime"), BEDROCK_LOGIN),
    "Bedrock with a stored key and a variable": Row(bedrock(), BEDROCK_LOGIN, BEDROCK_SET),
    "Bedrock with a stored key in a file without a mode": Row(
        bedrock(), {name: BEDROCK_LOGIN[name] for name in ("OPENAI_API_KEY", "bedrock_api_key")}
    ),
    "Bedrock with a stored key and a command": Row(
        bedrock(more='[model_providers.amazon-bedrock.auth]\ncommand = "echo"\nargs = ["token"]\n'),
        BEDROCK_LOGIN,
        {"AWS_REGION": "us-east-1"},
    ),
    "Bedrock with a stored key over a configured Authorization": Row(
        bedrock(more='http_headers = { Authorization = "Basic eA==" }\n'), BEDROCK_LOGIN
    ),
    "Bedrock with a stored key that the configuration allows": Row(
        'forced_login_method = "api"\n' + bedrock(), BEDROCK_LOGIN
    ),
    "Bedrock with a stored key and AWS access keys": Row(
        bedrock(),
        BEDROCK_LOGIN,
        {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"},
    ),
    "Bedrock with a store that has no key": Row(
        'cli_auth_credentials_store = "ephemeral"\n' + bedrock(), BEDROCK_LOGIN, BEDROCK_SET
    ),
    "provider without a credential beside a stored key for Bedrock": Row(LAB, BEDROCK_LOGIN),
    "login that is a key for Bedrock": Row(LOGIN, BEDROCK_LOGIN, {}, "notSignedIn"),
    "built-in with a key for Bedrock": Row(BUILT_IN, BEDROCK_LOGIN, {}, "notSignedIn"),
    "Vertex AI with a command": Row(
        'model_provider = "gcp"\n[model_providers.gcp]\nbase_url = "http://127.0.0.1:PORT/v1"\n'
        'project_id = "p"\n[model_providers.gcp.auth]\ncommand = "echo"\nargs = ["token"]\n'
    ),
}
"""The same request on both sides; with a `kind`, none on either side."""

DIFFERENT: dict[str, Row] = {
    "login that is not there": Row(
        LOGIN, None, {}, "notSignedIn", "a request without its credential is never prepared"
    ),
    "built-in without a login": Row(
        BUILT_IN, None, {}, "notSignedIn", "a request without its credential is never prepared"
    ),
    "login and a variable": Row(
        LOGIN + 'env_key = "LAB_KEY"\n',
        KEY,
        SET,
        None,
        "OpenAI's documentation: with requires_openai_auth, env_key is ignored",
        gives={"authorization": "Bearer sk-example-stored"},
    ),
    "login and a variable that is not set": Row(
        LOGIN + 'env_key = "LAB_KEY"\n',
        KEY,
        {},
        None,
        "OpenAI's documentation: with requires_openai_auth, env_key is ignored",
        gives={"authorization": "Bearer sk-example-stored"},
    ),
    "login and a bearer token": Row(
        LOGIN + 'experimental_bearer_token = "bearer-of-the-test"\n',
        KEY,
        {},
        None,
        "requires_openai_auth decides alone, as it does over env_key",
        gives={"authorization": "Bearer sk-example-stored"},
    ),
    "login by CODEX_API_KEY": Row(
        LOGIN,
        None,
        {"CODEX_API_KEY": "sk-example-other"},
        "notSignedIn",
        "`codex exec` alone takes this variable; editors and the app-server do not",
    ),
    "bearer token without a value": Row(
        LAB + 'experimental_bearer_token = ""\n',
        None,
        {},
        "configurationInvalid",
        "a request without its credential is never prepared",
    ),
    "bearer token with a line break": Row(
        LAB + 'experimental_bearer_token = "a\\nb"\n',
        None,
        {},
        "configurationInvalid",
        "a request without its credential is never prepared",
    ),
    "variable with a letter that is not ASCII": Row(
        ENV, None, {"LAB_KEY": "k\u00e9y"}, "environmentKeyMissing", "RFC 6750: tokens are ASCII"
    ),
    "variable with blanks before its value": Row(
        ENV,
        None,
        {"LAB_KEY": "  lab-key-of-the-test"},
        None,
        "RFC 6750: tokens hold no blanks",
        gives={"authorization": "Bearer lab-key-of-the-test"},
    ),
    "variable with a tab before its value": Row(
        ENV,
        None,
        {"LAB_KEY": "\tlab-key-of-the-test"},
        None,
        "RFC 6750: tokens hold no blanks",
        gives={"authorization": "Bearer lab-key-of-the-test"},
    ),
    "variable with a line end behind its value": Row(
        ENV,
        None,
        {"LAB_KEY": "lab-key-of-the-test\n"},
        None,
        "the CLI sends nothing then; a key from a file often ends so",
        gives={"authorization": "Bearer lab-key-of-the-test"},
    ),
    "variable with a line end in its value": Row(
        ENV,
        None,
        {"LAB_KEY": "lab-key\nof-the-test"},
        "environmentKeyMissing",
        "a request without its credential is never prepared",
    ),
    "variable with a name that no shell takes": Row(
        LAB + 'env_key = "LAB-KEY"\n',
        None,
        {"LAB-KEY": "lab-key-of-the-test"},
        "configurationInvalid",
        "it may be a key in the place of a name, which is repeated nowhere",
    ),
    "variable over plain http": Row(
        FAR + 'env_key = "LAB_KEY"\n',
        None,
        BY_PROXY | SET,
        "configurationInvalid",
        "others on the network could read the key",
    ),
    "bearer token over plain http": Row(
        FAR + 'experimental_bearer_token = "bearer-of-the-test"\n',
        None,
        BY_PROXY,
        "configurationInvalid",
        "others on the network could read the token",
    ),
    "login over plain http": Row(
        FAR + "requires_openai_auth = true\n",
        KEY,
        BY_PROXY,
        "configurationInvalid",
        "others on the network could read the login",
    ),
    "header of the environment over plain http": Row(
        FAR + 'env_http_headers = { "x-a" = "LAB_KEY" }\n',
        None,
        BY_PROXY | SET,
        "configurationInvalid",
        "others on the network could read the variable",
    ),
    "bearer token with blanks before it": Row(
        LAB + 'experimental_bearer_token = " bearer-of-the-test"\n',
        None,
        {},
        None,
        "RFC 6750: tokens hold no blanks",
        gives={"authorization": "Bearer bearer-of-the-test"},
    ),
    "variable of a header with a line end": Row(
        LAB + 'env_http_headers = { "x-a" = "A" }\n',
        None,
        {"A": "1\n"},
        None,
        "the CLI leaves the header out; a value from a file often ends so",
        gives={"x-a": "1"},
    ),
    "variable of a header that is not ASCII": Row(
        LAB + 'env_http_headers = { "x-a" = "A" }\n',
        None,
        {"A": "\u00e9"},
        None,
        "clients differ in how they encode it, so it is left out and told in `problems`",
    ),
    "configured header that frames the message": Row(
        LAB + 'http_headers = { Keep-Alive = "timeout=1" }\n',
        None,
        {},
        None,
        "only the sender of a message can know how it is framed",
    ),
    "configured header that is not ASCII": Row(
        LAB + 'http_headers = { "x-a" = "\u00e9" }\n',
        None,
        {},
        None,
        "clients differ in how they encode it, so it is left out and told in `problems`",
    ),
    **{
        f"query parameter with {sign!r}": Row(
            LAB + f'query_params = {{ a = "1{written}2" }}\n',
            None,
            {},
            None,
            "the CLI does not encode it, so that the endpoint gets another value",
        )
        for sign, written in {"&": "&", "+": "+", "#": "#", "%41": "%41", "\n": "\\n"}.items()
    },
    "query parameter with a sign in its name": Row(
        LAB + 'query_params = { "a&b" = "1" }\n',
        None,
        {},
        None,
        "the CLI does not encode it, so that the endpoint gets another name",
    ),
    "address with a query": Row(
        ENV.replace("/v1", "/v1?a=1"),
        None,
        SET,
        "configurationInvalid",
        "the CLI appends the path to the query, which no endpoint expects",
    ),
    "address with a password": Row(
        ENV.replace("http://", "http://user:secret@"),
        None,
        SET,
        "configurationInvalid",
        "a base URL is shown to people, so no password belongs there",
    ),
    "command that fails": Row(
        shell("echo token; exit 3"),
        None,
        {},
        "credentialCommandFailed",
        "a request without its credential is never prepared",
    ),
    "command that prints nothing": Row(
        shell("true"),
        None,
        {},
        "credentialCommandFailed",
        "a request without its credential is never prepared",
    ),
    "command that prints two lines": Row(
        shell("echo a; echo b"),
        None,
        {},
        "credentialCommandFailed",
        "a request without its credential is never prepared",
    ),
    "command that takes too long": Row(
        shell("sleep 30", "timeout_ms = 200\n"),
        None,
        {},
        "credentialCommandFailed",
        "a request without its credential is never prepared",
    ),
    "command that is not there": Row(
        auth("no-such-program-of-the-test"),
        None,
        {},
        "credentialCommandFailed",
        "a request without its credential is never prepared",
    ),
    "command without a folder": Row(
        shell("pwd"),
        None,
        {},
        None,
        "the working directory of a language server is a workspace",
        gives={"authorization": "Bearer FOLDER"},
    ),
    "provider without a name": Row(
        ENV.replace('name = "Lab"\n', ""),
        None,
        SET,
        None,
        "a name is to be shown and authenticates nothing; the id takes its place",
        gives={"authorization": "Bearer lab-key-of-the-test"},
    ),
    "provider with an old wire_api": Row(
        ENV + 'wire_api = "chat"\n',
        None,
        SET,
        None,
        "it does not concern authentication",
        gives={"authorization": "Bearer lab-key-of-the-test"},
    ),
    "table for a built-in provider": Row(
        ENV + '[model_providers.ollama]\nname = "Mine"\n',
        None,
        SET,
        None,
        "one table that is ignored, and told of, does not take every provider away",
        gives={"authorization": "Bearer lab-key-of-the-test"},
    ),
    "another provider whose keys conflict": Row(
        ENV + '[model_providers.x]\nname = "x"\nenv_key = "X"\n'
        '[model_providers.x.auth]\ncommand = "echo"\n',
        None,
        SET,
        None,
        "only the provider itself is not ready",
        gives={"authorization": "Bearer lab-key-of-the-test"},
    ),
    "sign-in of a gateway by a command": Row(
        LAB + '[model_providers.lab.gateway_oauth]\ncredential_export = { command = "hostname" }\n',
        None,
        {},
        "configurationInvalid",
        "tokens of a gateway's own sign-in are not produced",
    ),
    "Bedrock with AWS access keys": Row(
        bedrock(),
        None,
        {
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_REGION": "us-east-1",
        },
        "environmentKeyMissing",
        "signing needs the whole request, which only its sender has",
    ),
    "Bedrock with a profile": Row(
        bedrock(
            more='[model_providers.amazon-bedrock.aws]\nprofile = "lab"\nregion = "eu-west-1"\n'
        ),
        BEDROCK_LOGIN,
        BEDROCK_SET
        | {
            "AWS_SHARED_CREDENTIALS_FILE": "FOLDER/aws",
        },
        "configurationInvalid",
        "signing needs the whole request, which only its sender has",
        files={"aws": AWS_PROFILE},
    ),
    "Bedrock with access keys of the login cache beside a variable": Row(
        bedrock(),
        {
            "auth_mode": "bedrockAccessKeys",
            "OPENAI_API_KEY": None,
            "bedrock_access_keys": {
                "access_key_id": "AKIAEXAMPLE",
                "secret_access_key": "access-key-of-the-test",
            },
        },
        BEDROCK_SET,
        "configurationInvalid",
        "signing needs the whole request, which only its sender has",
    ),
    "Bedrock with blanks around a stored key": Row(
        bedrock(),
        bedrock_login(" bedrock-key-of-the-cache "),
        gives={"authorization": "Bearer bedrock-key-of-the-cache"},
        reason="RFC 6750: tokens hold no blanks",
    ),
    "Bedrock with a stored key that is empty": Row(
        bedrock(),
        bedrock_login(""),
        BEDROCK_SET,
        "configurationInvalid",
        "a request without its credential is never prepared",
    ),
}
"""The other side of the list: what is not the same, and why it is meant so."""


@dataclass(frozen=True)
class Sent:
    """What authenticates a request, and where it goes."""

    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]


async def by_codex(
    home: CodexHome, row: Row, endpoint: ModelEndpoint, prefix: tuple[str, ...] = ()
) -> Sent | None:
    """Return what the CLI sends, None where it sends nothing."""
    quiet = (word for name in QUIET_FEATURES for word in ("--disable", name))
    codex = CodexCli(home.path, row.variables(home.path, endpoint.port), prefix=prefix)
    finished = await codex.run("exec", "--skip-git-repo-check", *quiet, "hello")
    request = endpoint.turn()
    if request is None:
        assert finished.returncode == 1
        return None
    parts = urlsplit(request.target)
    headers = {n: v for n, v in request.headers.items() if n not in OF_THE_CLIENT}
    return Sent(parts.path, sorted(parse_qsl(parts.query, keep_blank_values=True)), headers)


async def by_us(
    start: Starter,
    home: CodexHome,
    row: Row,
    endpoint: ModelEndpoint,
    prefix: tuple[str, ...] = (),
) -> Sent | str:
    """Return what `auth/credential` gives, or the kind of its error."""
    client = await start(environment=row.variables(home.path, endpoint.port), prefix=prefix)
    try:
        given = await client.request("auth/credential", {})
    except RpcError as error:
        return str(error.kind)
    return Sent(
        urlsplit(given["baseUrl"]).path + "/responses",
        sorted(given.get("queryParams", {}).items()),
        {name.lower(): value for name, value in given["headers"].items()},
    )


async def both(start: Starter, home: CodexHome, row: Row) -> tuple[Sent | None, Sent | str]:
    """Return what the CLI sends and what we give for one row."""
    async with ModelEndpoint.start() as endpoint:
        home.configure(row.config.replace("PORT", str(endpoint.port)))
        if row.dotenv:
            (home.path / ".env").write_text(row.dotenv)
        for name, content in row.files.items():
            (home.path / name).write_text(content)
        if row.login is not None:
            home.write(row.login)
        return await by_codex(home, row, endpoint), await by_us(start, home, row, endpoint)


@pytest.mark.parametrize("name", SAME)
async def test_credential_is_what_codex_sends(start: Starter, home: CodexHome, name):
    """Path, query and headers are equal; where the CLI sends nothing we give nothing."""
    theirs, ours = await both(start, home, SAME[name])

    assert ours == (theirs if SAME[name].kind is None else SAME[name].kind)
    assert (theirs is None) == (SAME[name].kind is not None)


@pytest.mark.parametrize("name", DIFFERENT)
async def test_difference_from_codex_is_a_deliberate_one(start: Starter, home: CodexHome, name):
    """Each is still one, and ours is the one of the list."""
    row = DIFFERENT[name]
    theirs, ours = await both(start, home, row)

    assert row.reason
    assert ours != theirs
    if row.kind is not None:
        assert ours == row.kind
        assert theirs is not None
    else:
        assert isinstance(ours, Sent)
        folder = str(home.path)
        assert ours.headers == {n: v.replace("FOLDER", folder) for n, v in row.gives.items()}
        assert ours.path == "/v1/responses"
