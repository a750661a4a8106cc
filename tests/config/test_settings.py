"""`config.toml`: what it may say, and what is said of one that cannot be used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.config.settings import ProviderSettings, Settings, parse_settings, read_config
from codex_auth_lsp.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
model = "gpt-5"  # unknown keys are for others
cli_auth_credentials_store = "auto"
forced_login_method = "chatgpt"
forced_chatgpt_workspace_id = ["ws-1", " ws-2 ", ""]
chatgpt_base_url = "https://chatgpt.example/backend-api/"
openai_base_url = "http://127.0.0.1:8080/v1"
model_provider = "lab"

[model_providers.lab]
name = "The Lab"
base_url = "https://lab.example/v1"
env_key = "LAB_KEY"
env_key_instructions = "Ask at the desk."
wire_api = "responses"

[model_providers.proxy]
requires_openai_auth = true

[features]
secret_auth_storage = true
some_other_feature = "on"
"""


def read_settings(path: Path) -> Settings:
    """Return the settings in a file."""
    return parse_settings(read_config(path), path)


@pytest.fixture
def config(tmp_path):
    return tmp_path / "config.toml"


def test_every_key_of_sign_in_is_read(config):
    """Other keys are left alone; URLs lose their trailing slash and ids their blanks."""
    config.write_text(WHOLE)
    settings = read_settings(config)
    expected = Settings(
        store_mode="auto",
        secret_auth_storage=True,
        forced_login_method="chatgpt",
        forced_workspace_ids=("ws-1", "ws-2"),
        chatgpt_base_url="https://chatgpt.example/backend-api",
        openai_base_url="http://127.0.0.1:8080/v1",
        model_provider="lab",
        model_providers=settings.model_providers,
    )

    assert expected == settings
    assert dict(settings.model_providers) == {
        "lab": ProviderSettings("The Lab", "https://lab.example/v1", "LAB_KEY", "Ask at the desk."),
        "proxy": ProviderSettings("proxy", requires_openai_auth=True),
    }


@pytest.mark.parametrize("text", ["", "# nothing", "[profiles.x]\nmodel = 'y'", "tui = 7"])
def test_file_that_says_nothing_of_sign_in_gives_the_defaults(config, text):
    """So does an empty one."""
    config.write_text(text)

    assert read_settings(config) == Settings()


def test_missing_file_gives_the_defaults(config, tmp_path):
    """Nothing is made in its place."""
    (tmp_path / "file").write_text("")

    assert read_settings(config) == Settings()
    assert read_settings(tmp_path / "file" / "config.toml") == Settings()
    assert not config.exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('forced_chatgpt_workspace_id = "ws-1"', ("ws-1",)),
        ('forced_chatgpt_workspace_id = ["a", "b"]', ("a", "b")),
        ('forced_chatgpt_workspace_id = ""', ()),
        ("forced_chatgpt_workspace_id = []", ()),
        ('forced_chatgpt_workspace_id = ["  "]', ()),
    ],
)
def test_workspace_is_one_or_several_or_none(config, text, expected):
    """A blank id would shut everybody out, so it is none."""
    config.write_text(text)

    assert expected == read_settings(config).forced_workspace_ids


@pytest.mark.parametrize(
    ("text", "key", "must_be"),
    [
        (
            'cli_auth_credentials_store = "secret-value"',
            "cli_auth_credentials_store",
            "one of file",
        ),
        ("cli_auth_credentials_store = 17", "cli_auth_credentials_store", "one of file"),
        ("cli_auth_credentials_store = ['file']", "cli_auth_credentials_store", "one of file"),
        ("cli_auth_credentials_store = {a = 1}", "cli_auth_credentials_store", "one of file"),
        ('forced_login_method = "browser"', "forced_login_method", "one of chatgpt, api"),
        ("features = 17", "features", "a table"),
        ("forced_chatgpt_workspace_id = 17", "forced_chatgpt_workspace_id", "a workspace"),
        (
            "forced_chatgpt_workspace_id = ['a', 17]",
            "forced_chatgpt_workspace_id",
            "a workspace id or",
        ),
        ("forced_chatgpt_workspace_id = false", "forced_chatgpt_workspace_id", "a workspace"),
        ("chatgpt_base_url = true", "chatgpt_base_url", "a URL"),
        ("openai_base_url = ['https://a.example']", "openai_base_url", "a URL"),
        ("model_provider = 17", "model_provider", "the id of a provider"),
        ("model_providers = 'secret'", "model_providers", "a table"),
        ("[model_providers]\nlab = 'secret'", "model_providers.lab", "a table"),
        ("[[model_providers.lab]]\nname = 'x'", "model_providers.lab", "a table"),
        ("[model_providers.lab]\nname = 17", "model_providers.lab.name", "a name"),
        ("[model_providers.lab]\nbase_url = 17", "model_providers.lab.base_url", "a URL"),
        (
            "[model_providers.lab]\nenv_key = 17",
            "model_providers.lab.env_key",
            "the name of a variable",
        ),
        (
            "[model_providers.lab]\nenv_key_instructions = 17",
            "model_providers.lab.env_key_instructions",
            "a sentence",
        ),
        (
            "[model_providers.lab]\nrequires_openai_auth = 'secret'",
            "model_providers.lab.requires_openai_auth",
            "true or false",
        ),
        (
            "[model_providers.lab]\nrequires_openai_auth = 1",
            "model_providers.lab.requires_openai_auth",
            "true or false",
        ),
    ],
)
def test_value_of_the_wrong_kind_is_told_by_file_and_key(config, text, key, must_be):
    """The dotted key says where to look; the value is not repeated, since it may be a secret."""
    config.write_text(text)
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)
    message = str(caught.value)

    assert message.startswith(f"{config}: `{key}` must be {must_be}")
    assert message.endswith(".")
    assert "secret" not in message
    assert "17" not in message.replace(str(config), "")


@pytest.mark.parametrize("key", ["chatgpt_base_url", "openai_base_url"])
@pytest.mark.parametrize("url", ["http://chatgpt.example", "https://a:secret-value@b.example", "x"])
def test_url_that_no_credential_may_go_to_is_refused(config, key, url):
    """Plain http is for loopback, and a password in a URL is not repeated."""
    config.write_text(f'{key} = "{url}"')
    with pytest.raises(ConfigurationInvalid, match=f"`{key}` must") as caught:
        read_settings(config)

    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("model = ", 1, 9),
        ('a = 1\nb = "secret-value', 2, 18),
        ("a = 1\n\n  = 3\n", 3, 3),
        ("[model_providers\nx = 1", 1, 17),
        ("a = 1\na = 2", 2, 6),
        ("a = 01", 1, 6),
        ("a = 1 b = 2", 1, 7),
    ],
)
def test_broken_toml_is_told_by_line_and_column(config, text, line, column):
    """The person finds the place; what stands there is not repeated."""
    config.write_text(text)
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)

    expected = f"{config}, line {line}, column {column}: this is not valid TOML."
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a = 1\nb = '\xff'", ", line 2: this is not UTF-8 text."),
        (b"\xfe\xff", ", line 1: this is not UTF-8 text."),
        (b"a = " + b"[" * 100_000, ": this is not valid TOML."),
        (b"a = " + b"9" * 10_000, ": this is not valid TOML."),
        (b"# " + b"x" * 1024 * 1024, " is larger than 1 MiB."),
    ],
    ids=["not UTF-8", "UTF-16", "deep", "long number", "large"],
)
def test_what_cannot_be_read_is_told_and_never_crashes(config, raw, expected):
    """A hostile file costs one sentence."""
    config.write_bytes(raw)
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)

    assert str(caught.value) == f"{config}{expected}"


@pytest.mark.parametrize("kind", ["folder", "fifo"])
def test_what_is_no_file_is_refused_without_waiting_for_it(config, kind):
    """A named pipe has nobody at its other end."""
    if kind == "folder":
        config.mkdir()
    else:
        os.mkfifo(config)

    with pytest.raises(ConfigurationInvalid, match=r"config\.toml is not a file"):
        read_settings(config)


def test_file_that_loops_is_told(config):
    """The system's own words say why."""
    config.symlink_to(config)

    with pytest.raises(ConfigurationInvalid, match=r"cannot be read: Too many levels"):
        read_settings(config)


@given(st.binary(max_size=200))
def test_any_bytes_give_settings_or_one_kind_of_error(tmp_path_factory, raw):
    """No file that a person could have brings anything else."""
    path = tmp_path_factory.mktemp("config") / "config.toml"
    path.write_bytes(raw)
    try:
        outcome = read_settings(path)
    except ConfigurationInvalid as exc:
        outcome = exc

    assert isinstance(outcome, Settings) or str(outcome).startswith(str(path))
