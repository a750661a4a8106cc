"""The system's `config.toml` below the user's: what the real Codex CLI sends, and what we give."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from parts.test_codex_providers import LAB, SET, Row, Sent, by_codex, by_us
from support.model_endpoint import ModelEndpoint
from support.system_layer import system_layer

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome

pytestmark = [
    pytest.mark.part("codex"),
    pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's"),
]

ENV = LAB + 'env_key = "LAB_KEY"\n'
ECHO = '[model_providers.lab.auth]\ncommand = "echo"\n'

LAYERS: dict[str, tuple[str, str, str | None]] = {
    "the system's alone": (ENV, "", None),
    "the user's alone": ("", ENV, None),
    "a key of the user's": (ENV, '[model_providers.lab]\nenv_key = "OTHER_KEY"\n', None),
    "another provider of the user's": ('model_provider = "nope"\n', ENV, None),
    "headers of both": (
        LAB + 'http_headers = { "x-a" = "1", "x-b" = "2" }\n',
        '[model_providers.lab]\nhttp_headers = { "x-b" = "3" }\n',
        None,
    ),
    "parameters of both": (
        LAB + 'query_params = { a = "1" }\n',
        '[model_providers.lab]\nquery_params = { b = "2" }\n',
        None,
    ),
    "arguments of the user's": (
        LAB + ECHO + 'args = ["a"]\n',
        '[model_providers.lab.auth]\nargs = ["b"]\n',
        None,
    ),
    "a system's that is broken": ("a =\n", ENV, "configurationInvalid"),
    "a profile of the system's": ('profile = "x"\n', ENV, "configurationInvalid"),
    "a wrong value of the user's": (
        ENV,
        "[model_providers.lab]\nenv_key = 1\n",
        "configurationInvalid",
    ),
}
"""Both files, and the kind of our error where neither side sends anything."""


@pytest.fixture
def system(tmp_path: Path) -> Path:
    folder = tmp_path / "etc-codex"
    folder.mkdir()
    return folder


async def both(
    start: Starter, home: CodexHome, system: Path, layers: tuple[str, str]
) -> tuple[Sent | None, Sent | str]:
    """Return what the CLI sends and what we give."""
    row = Row("", None, SET | {"OTHER_KEY": "another-key-of-the-test"})
    prefix = system_layer(system)
    async with ModelEndpoint.start() as endpoint:
        below, above = (text.replace("PORT", str(endpoint.port)) for text in layers)
        (system / "config.toml").write_text(below)
        home.configure(above)
        theirs = await by_codex(home, row, endpoint, prefix)
        return theirs, await by_us(start, home, row, endpoint, prefix)


@pytest.mark.parametrize("name", LAYERS)
async def test_layers_are_merged_as_codex_merges_them(start, home, system, name):
    """Table by table, the user's value before the system's."""
    below, above, kind = LAYERS[name]
    theirs, ours = await both(start, home, system, (below, above))

    assert ours == (theirs if kind is None else kind)
    assert (theirs is None) == (kind is not None)


async def test_wrong_value_below_a_right_one_is_told(start, home, system):
    """The CLI looks at the merged value alone; here each file is somebody's to mend."""
    wrong = LAB + "env_key = 1\n"
    right = '[model_providers.lab]\nenv_key = "LAB_KEY"\n'
    theirs, ours = await both(start, home, system, (wrong, right))

    assert theirs is not None
    assert ours == "configurationInvalid"


async def test_running_window_follows_the_file_of_the_system(start, home, system):
    """The real path, the real process: a file that an administrator puts there."""
    home.configure("")
    client = await start(prefix=system_layer(system))
    since = client.mark()

    (system / "config.toml").write_text(LAB.replace("PORT", "9"))
    told: Any = await client.wait_for("auth/providersChanged", since=since)
    given = await client.request("auth/credential", {})

    assert told.params["activeProviderId"] == "lab"
    assert urlsplit(given["baseUrl"]).port == 9
