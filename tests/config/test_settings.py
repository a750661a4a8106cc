"""`config.toml`: what it may say, and what is said of one that cannot be used."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.config.model_providers import CommandSettings, ProviderSettings
from codex_auth_lsp.config.settings import Settings, parse_layers, parse_settings, read_config
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.secret import Secret

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
        ("a = 01", 1, 6),
        ("a = 1 b = 2", 1, 7),
    ],
)
def test_broken_toml_is_told_by_line_and_column(config, text, line, column):
    """(S21) The person finds the place; what stands there is not repeated."""
    config.write_text(text)
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)

    expected = f"{config}, line {line}, column {column}: this is not valid TOML."
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a = 1\na = 2", 2, 6),
        ("[a]\n[a]", 2, 3),
        ("a = 1\n[a.b]", 2, 5),
        ("a = {b = 1, b = 2}", 1, 18),
    ],
)
def test_what_is_there_twice_is_told_as_that(config, text, line, column):
    """The other place is nearer the top of the file."""
    config.write_text(text)
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)

    place = f"{config}, line {line}, column {column}"
    assert str(caught.value) == f"{place}: this key or table is there already."


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"a = 1\nb = '\xff'", ", line 2: this is not UTF-8 text."),
        (b"\xfe\xff", ", line 1: this is not UTF-8 text."),
        (b"a = " + b"[" * 100_000, ": this is not valid TOML."),
        (b"a = " + b"9" * 10_000, ": this is not valid TOML."),
        (b"x = 1\n" + b"a." * 500_000 + b"a = 1", ", line 2: a key has more than 16 parts."),
        (b"x = {" + b"'a'. " * 129 + b"a = 1}", ", line 1: a key has more than 16 parts."),
        (b"[a.b]\n" * 12_000, " has more than 10000 dots outside its strings."),
        (b"# " + b"x" * 1024 * 1024, " is larger than 1 MiB."),
        (
            b'a = "' + b"." * 20 + b'\\"' * 500_000,
            ", line 1, column 1000026: this is not valid TOML.",
        ),
        (
            b'a = """' + b"." * 20 + b'\\"' * 500_000,
            ", line 1, column 1000028: this is not valid TOML.",
        ),
    ],
    ids=[
        "not UTF-8",
        "UTF-16",
        "deep",
        "long number",
        "long key",
        "quoted key",
        "many keys",
        "large",
        "string without an end",
        "long string without an end",
    ],
)
def test_what_cannot_be_read_is_told_and_never_crashes(config, raw, expected):
    """(S21) A hostile file costs one sentence."""
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


# Model providers

PROVIDER = """
[model_providers.lab]
name = " "
base_url = "https://lab.example/v1"
experimental_bearer_token = "secret-token"
banana = 1
http_headers = { "x-a" = "secret-a" }
env_http_headers = { "x-b" = "B" }
query_params = { "v" = "secret-v" }
gateway_oauth = {}
auth = { command = " printkey ", args = ["secret-argument"], timeout_ms = 10, cwd = "." }

[model_providers.lab.aws]
region = "eu-west-1"
"""


def test_every_key_of_authentication_is_read_and_no_secret_shows_itself(config):
    """What may be a secret is one from here on."""
    config.write_text(PROVIDER)
    found = read_settings(config).model_providers["lab"]

    assert (found.name, found.base_url, found.aws_region, found.gateway_oauth) == (
        "lab",
        "https://lab.example/v1",
        "eu-west-1",
        True,
    )
    assert found.command == CommandSettings("printkey", ("secret-argument",), 10, 300_000, ".")
    assert found.bearer_token == Secret("secret-token")
    assert dict(found.headers) == {"x-a": Secret("secret-a")}
    assert dict(found.environment_headers) == {"x-b": "B"}
    assert dict(found.query_params) == {"v": Secret("secret-v")}
    assert "secret-" not in repr(found)


@pytest.mark.parametrize(
    ("text", "key", "must_be"),
    [
        ("auth = 'secret'", "auth", "a table"),
        ("auth = { command = ['secret'] }", "auth.command", "a program"),
        ("auth = { args = 'secret' }", "auth.args", "a list of strings"),
        ("auth = { args = [17] }", "auth.args", "a list of strings"),
        ("auth = { timeout_ms = 0 }", "auth.timeout_ms", "a number of milliseconds, at least 1"),
        ("auth = { timeout_ms = true }", "auth.timeout_ms", "a number of milliseconds"),
        ("auth = { timeout_ms = 1.5 }", "auth.timeout_ms", "a number of milliseconds"),
        ("auth = { refresh_interval_ms = -1 }", "auth.refresh_interval_ms", "a number of"),
        ("auth = { cwd = 17 }", "auth.cwd", "a folder"),
        ("http_headers = 'secret'", "http_headers", "a table of strings"),
        ("http_headers = { a = 17 }", "http_headers.a", "a string"),
        ("http_headers = { 'a b' = 17 }", 'http_headers."a b"', "a string"),
        ("env_http_headers = { a = true }", "env_http_headers.a", "a string"),
        ("query_params = { a = [] }", "query_params.a", "a string"),
        ("experimental_bearer_token = 17", "experimental_bearer_token", "a token"),
        ("gateway_oauth = true", "gateway_oauth", "a table"),
        ("aws = { region = 17 }", "aws.region", "a region"),
        ("project_id = 17", "project_id", "the id of a project"),
    ],
)
def test_value_of_the_wrong_kind_in_a_provider_is_told(config, text, key, must_be):
    """By file and dotted key, and without the value."""
    config.write_text(f"[model_providers.lab]\n{text}\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)

    message = str(caught.value)
    assert message.startswith(f"{config}: `model_providers.lab.{key}` must be {must_be}")
    assert "secret" not in message


@pytest.mark.parametrize("key", ["http_headers", "env_http_headers", "query_params"])
def test_key_in_the_place_of_a_name_is_not_repeated(config, key):
    """(S21) Who swaps the two sides of an entry is told where, and not what."""
    pasted = "sk-proj-" + "aB3" * 14
    config.write_text(f"[model_providers.lab]\n{key} = {{ {pasted} = 17 }}\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)

    message = f"{config}: `model_providers.lab.{key}` must be a table of strings."
    assert str(caught.value) == message


def test_key_with_a_line_break_is_told_in_one_line(config):
    """A dotted key stands in a log."""
    config.write_text('[model_providers."a\\nb"]\nname = 17\n')
    with pytest.raises(ConfigurationInvalid, match=r'`model_providers\."a\\nb"\.name`') as caught:
        read_settings(config)

    assert "\n" not in str(caught.value)


# The system's file below the user's

SYSTEM = b"""
model_provider = "lab"
forced_login_method = "api"
[model_providers.lab]
name = "Lab"
http_headers = { "x-a" = "system", "x-s" = "system" }
auth = { command = "printkey", args = ["a", "b"] }
"""


def layered(tmp_path: Path, system: bytes, user: bytes) -> Settings:
    """Return the settings of both files."""
    return parse_layers([(system, tmp_path / "system.toml"), (user, tmp_path / "user.toml")])


def test_user_s_file_lies_over_the_system_s_table_by_table(tmp_path):
    """Tables are merged, everything else is replaced, as the Codex CLI 0.169.0 does it."""
    user = b"""
model_provider = "mine"
[model_providers.mine]
[model_providers.lab]
http_headers = { "x-a" = "user" }
auth = { args = ["c"] }
"""
    settings = layered(tmp_path, SYSTEM, user)
    lab = settings.model_providers["lab"]

    assert (settings.model_provider, settings.forced_login_method) == ("mine", "api")
    assert dict(lab.headers) == {"x-a": Secret("user"), "x-s": Secret("system")}
    assert lab.command == CommandSettings("printkey", ("c",))
    assert list(settings.model_providers) == ["lab", "mine"]


@pytest.mark.parametrize(("system", "user"), [(SYSTEM, b""), (b"", SYSTEM)])
def test_one_file_alone_counts_as_it_is(tmp_path, system, user):
    """A missing layer says nothing."""
    assert layered(tmp_path, system, user).model_provider == "lab"


@pytest.mark.parametrize(("broken", "named"), [(0, "system.toml"), (1, "user.toml")])
@pytest.mark.parametrize("content", [b"a =", b"model_provider = 17"])
def test_broken_layer_is_named(tmp_path, broken, named, content):
    """The person looks into the right file."""
    layers = [SYSTEM, SYSTEM]
    layers[broken] = content
    with pytest.raises(ConfigurationInvalid, match=named):
        layered(tmp_path, *layers)


DOTTED = {
    "keys": b".".join([b"a"] * 119) + b".k%d = 1\n",
    "distinct keys": b"a%d." + b".".join([b"b"] * 119) + b" = 1\n",
    "tables": b"[" + b".".join([b"a"] * 119) + b".k%d]\n",
    "inline tables": b"k%d = {" + b".".join([b"a"] * 120) + b" = 1}\n",
    "short tables": b"[a.b.c.d.k%d]\n",
}


@pytest.mark.parametrize("line", DOTTED.values(), ids=DOTTED)
def test_file_full_of_dotted_keys_costs_no_time(config, line):
    """(S21) A mebibyte of them took tomllib four seconds, and a window waited for it."""
    lines = [line % number for number in range(1_000_000 // len(line))]
    config.write_bytes(b"".join(lines))
    started = time.process_time()
    with pytest.raises(ConfigurationInvalid):
        read_settings(config)

    assert time.process_time() - started < 1.0


def test_dots_in_strings_and_remarks_separate_nothing(config):
    """A long list of addresses and paths is no long key."""
    dots = "." * 20_000
    places = (
        "# DOTS", 'a = "DOTS"', "b = 'DOTS'", 'c = """\nDOTS\n\\""""""', "d = '''DOTS'''",
        '["DOTS"]',
    )  # fmt: skip
    config.write_text("\n".join(places).replace("DOTS", dots))

    assert read_settings(config) == Settings()


def test_line_of_a_long_key_is_named_behind_texts_of_many_lines(config):
    """A person has to find it."""
    config.write_text('a = """\n\n\n"""\nb = 1\n' + "a." * 20 + "b = 1\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)

    assert str(caught.value) == f"{config}, line 6: a key has more than 16 parts."


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_files_of_other_editors_are_read(config, mark, end):
    """With the mark that Notepad writes, and with its line ends."""
    config.write_bytes(f'{mark}forced_login_method = "api"{end}model = "x"{end}'.encode())

    assert read_settings(config).forced_login_method == "api"


def test_old_profile_is_refused_as_codex_refuses_it(config):
    """It would name another provider than the one in force; tables of profiles do no harm."""
    config.write_text('profile = "work"\n[profiles.work]\nmodel_provider = "lab"\n')
    with pytest.raises(ConfigurationInvalid) as caught:
        read_settings(config)
    config.write_text('[profiles.work]\nmodel_provider = "lab"\n')

    assert str(caught.value) == (
        f"{config}: `profile` must be left out: Codex refuses it; `codex --profile` replaces it."
    )
    assert read_settings(config) == Settings()
