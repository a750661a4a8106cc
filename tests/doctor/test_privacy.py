"""The filter before a report: what never comes through, and what must."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest

from codex_auth_lsp.config.settings import ProviderSettings, Settings
from codex_auth_lsp.doctor.check import Check, Health
from codex_auth_lsp.doctor.privacy import Privacy
from codex_auth_lsp.errors import Remediation

SETTINGS = Settings(
    model_providers=MappingProxyType({"lab": ProviderSettings("Lab", env_key="LAB_KEY")})
)
ENVIRONMENT = {"CODEX_ACCESS_TOKEN": "at-value", "LAB_KEY": "lab-value", "OPENAI_API_KEY": "abc"}
PRIVACY = Privacy.of(ENVIRONMENT, Path("/home/ada"), SETTINGS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ada/.codex", "~/.codex"),
        ("/home/ada", "~"),
        ("/home/ada2/.codex", "/home/ada2/.codex"),
        ("at http://ada:pw@proxy.example:1", "at http://proxy.example:1"),
        ("a file named at-value.pem", "a file named (hidden).pem"),
        ("lab-value and at-value", "(hidden) and (hidden)"),
        ("abc is a word of three letters", "abc is a word of three letters"),
    ],
)
def test_what_is_private_does_not_come_through(text, expected):
    """Home, users of URLs, and values of credential variables, an `env_key`'s included."""
    assert expected == PRIVACY.text(text)


def test_every_text_of_a_check_is_filtered():
    """Summary, detail and the titles of remedies."""
    check = Check("x", Health.OK, "/home/ada/a", "/home/ada/b", (Remediation("/home/ada/c"),))
    cleared = PRIVACY.cleared(check)

    assert (cleared.summary, cleared.detail) == ("~/a", "~/b")
    assert cleared.remediation[0].title == "~/c"


def test_a_home_that_is_the_root_hides_nothing():
    """Some containers have it; every path would become unreadable."""
    assert Privacy.of({}, Path("/"), Settings()).text("/etc/x") == "/etc/x"
