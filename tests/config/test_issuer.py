"""Which issuer and client the command line and the environment ask for."""

from __future__ import annotations

import pytest

from codex_auth_lsp.config.issuer import resolve_issuer
from codex_auth_lsp.domain.issuer import OPENAI_CLIENT_ID, OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.errors import ConfigurationInvalid

ISSUER = "CODEX_AUTH_LSP_ISSUER"
CLIENT_ID = "CODEX_AUTH_LSP_CLIENT_ID"


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ((None, None), {}, (OPENAI_ISSUER, OPENAI_CLIENT_ID)),
        (("https://a.example", "app"), {}, ("https://a.example", "app")),
        ((None, None), {ISSUER: "https://b.example"}, ("https://b.example", OPENAI_CLIENT_ID)),
        ((None, None), {CLIENT_ID: "app_2"}, (OPENAI_ISSUER, "app_2")),
        ((None, None), {ISSUER: "", CLIENT_ID: ""}, (OPENAI_ISSUER, OPENAI_CLIENT_ID)),
        (
            ("https://a.example/", "app"),
            {ISSUER: "https://b.example", CLIENT_ID: "app_2"},
            ("https://a.example", "app"),
        ),
        (("http://127.0.0.1:80//", None), {}, ("http://127.0.0.1:80", OPENAI_CLIENT_ID)),
    ],
)
def test_option_goes_before_variable_and_openai(options, environment, expected):
    """A trailing slash is dropped, since routes are put behind it."""
    assert resolve_issuer(*options, environment) == IssuerSettings(*expected)


@pytest.mark.parametrize(
    ("options", "environment", "named"),
    [
        (("http://a.example", None), {}, "--issuer must be https"),
        (("", None), {}, "--issuer must be an https URL"),
        ((None, None), {ISSUER: "nonsense"}, f"{ISSUER} must be an https URL"),
        (("https://a:secret@b.example", None), {}, "--issuer must not hold a user name"),
        ((None, ""), {}, "--client-id must be 1 to 255"),
        ((None, "with space"), {}, "--client-id must be 1 to 255"),
        ((None, "ümlaut"), {}, "--client-id must be 1 to 255"),
        ((None, "line\nfeed"), {}, "--client-id must be 1 to 255"),
        ((None, None), {CLIENT_ID: "x" * 256}, f"{CLIENT_ID} must be 1 to 255"),
    ],
)
def test_bad_value_is_refused_and_told_by_where_it_was_set(options, environment, named):
    """(P11) The value itself is not repeated: it may hold a password."""
    with pytest.raises(ConfigurationInvalid) as caught:
        resolve_issuer(*options, environment)

    assert str(caught.value).startswith(named)
    for value in (*options, *environment.values()):
        assert not value or value not in str(caught.value)
