"""Whatever stands in `config.toml`: the service answers, and no value gets out."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import AuthError
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.wire.results import ProvidersResult
from codex_auth_lsp.wire.types import AuthError as WireError
from codex_auth_lsp.wire.types import AuthStatus

if TYPE_CHECKING:
    import pytest

VALUE = "Sec-ret-VALUE"
"""What no answer but `auth/credential` may hold, in whatever key it stands."""

ENVIRONMENT = {
    "PATH": "",
    "SET": f"{VALUE}-of-a-variable",
    "BROKEN": f"{VALUE}\n\u00e9",
    "AWS_BEARER_TOKEN_BEDROCK": f"{VALUE}-of-bedrock",
    "AWS_REGION": "us-east-1",
}

texts = st.text(max_size=8)
odd = st.one_of(st.integers(), st.booleans(), st.floats(), st.lists(texts, max_size=2))
secrets = st.builds("{}{}{}".format, texts, st.just(VALUE), texts)
variables = st.sampled_from(["SET", "BROKEN", "UNSET", "", VALUE, f"{VALUE}\n"])
urls = st.one_of(
    st.sampled_from(
        [
            "https://lab.example/v1", "http://lab.example", "http://127.0.0.1:1/", "", "ftp://x",
            f"https://user:{VALUE}@lab.example", f"https://lab.example/?key={VALUE}",
            f"https://lab.example/#{VALUE}", "http://[::1", "https://lab.example:99999", "//x",
        ]
    ),
    texts,
)  # fmt: skip


def mostly(values: Any) -> Any:
    """Return these values, and one of another kind once in a while."""
    return st.integers(0, 40).flatmap(lambda number: odd if number == 29 else values)


def table(fields: dict[str, Any]) -> Any:
    """Return a table in which any key may be missing, or of another kind."""
    return st.fixed_dictionaries({}, optional={key: mostly(v) for key, v in fields.items()})


providers = table(
    {
        "name": st.one_of(texts, st.just("The lab")),
        "base_url": urls,
        "env_key": variables,
        "env_key_instructions": texts,
        "requires_openai_auth": st.booleans(),
        "experimental_bearer_token": secrets,
        "http_headers": st.dictionaries(st.one_of(texts, st.just("x-a")), secrets, max_size=2),
        "env_http_headers": st.dictionaries(texts, variables, max_size=2),
        "query_params": st.dictionaries(texts, secrets, max_size=2),
        "auth": table(
            {
                "command": st.sampled_from(["no-such-program", "./x", "", " ", "a\0b"]),
                "args": st.lists(secrets, max_size=2),
                "timeout_ms": mostly(st.integers(1, 5000)),
                "refresh_interval_ms": st.integers(0),
                "cwd": st.one_of(texts, st.just("/no/such/folder")),
            }
        ),
        "gateway_oauth": st.just({}),
        "aws": table({"region": st.one_of(texts, st.just("eu-west-1"))}),
        "project_id": texts,
        "location": texts,
    }
)
ids = st.one_of(st.sampled_from(["lab", "openai", "amazon-bedrock", "gcp", "ollama"]), texts)
configurations = st.fixed_dictionaries(
    {"model_providers": mostly(st.dictionaries(ids, providers, min_size=1, max_size=4))},
    optional={"model_provider": mostly(ids)},
)


logins = st.one_of(
    st.just({"OPENAI_API_KEY": VALUE}),
    st.builds(
        lambda api_key, region: {"bedrock_api_key": {"api_key": api_key, "region": region}},
        st.one_of(secrets, odd),
        st.one_of(texts, st.just("eu-west-1"), odd),
    ),
    st.just({"auth_mode": "bedrockAccessKeys", "bedrock_access_keys": VALUE}),
)


def toml(value: Any) -> str:
    """Return a value as TOML has it inline; odd ones need not be valid."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower()


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


async def everything_said(home: Path, names: list[str]) -> list[Any]:
    """Return all that a client can ask for, but for the credentials that are given."""
    service = AuthService(
        ServiceOptions(
            CodexHome(home, "option"), IssuerSettings(), {**ENVIRONMENT, "HOME": str(home)}
        )
    )
    status, listed = service.status(), service.providers()
    AuthStatus.model_validate(status)
    ProvidersResult.model_validate(listed)
    said: list[Any] = [status, listed]
    try:
        for name in [None, *names, *(provider["id"] for provider in listed["providers"])]:
            try:
                given_out = await service.credentials.issue(
                    name, min_validity_seconds=0, rejected_revision=None
                )
            except AuthError as error:
                WireError.model_validate(error.to_wire())
                said.append(error.to_wire())
            else:
                assert given_out.to_wire()["baseUrl"]
                said.append(repr(given_out))
    finally:
        await service.close(hurried=True)
    return said


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(configuration=configurations, login=logins)
def test_no_configuration_crashes_the_service_or_gives_a_value_away(
    configuration, login, caplog: pytest.LogCaptureFixture
):
    """(S21) Each answer fits its model; ids and names are told, since they are no values."""
    tables = configuration.get("model_providers")
    names = list(tables) if isinstance(tables, dict) else []
    lines = [f"{quoted(name)} = {toml(value)}" for name, value in configuration.items()]
    caplog.clear()
    with TemporaryDirectory() as folder, caplog.at_level(logging.DEBUG):
        home = Path(folder)
        (home / "config.toml").write_text("\n".join(lines), encoding="utf-8", errors="replace")
        (home / "auth.json").write_text(json.dumps(login))
        said = asyncio.run(everything_said(home, names))

    assert VALUE not in json.dumps(said)
    assert VALUE not in caplog.text
