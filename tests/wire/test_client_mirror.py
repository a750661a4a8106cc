"""The VS Code client's idea of the wire: written from the models, and never behind them."""

from __future__ import annotations

from codex_auth_lsp.wire import methods
from codex_auth_lsp.wire.types import ErrorKind
from wire.client_mirror import MIRROR, mirror
from wire.typescript import read_declarations


def test_the_mirror_is_what_the_models_say():
    """A change of a model reaches the client, whose compiler then finds what it touches."""
    assert MIRROR.read_text(encoding="utf-8") == mirror(), "run `make mirror`"


def test_the_mirror_has_every_method():
    """No request and no notification of this version is unknown to the client."""
    declared = read_declarations([mirror().replace("export ", "")])
    text = mirror()

    for name in (*methods.REQUESTS, *methods.NOTIFICATIONS):
        assert f'  "{name}": ' in text
    assert declared.interfaces["AuthStatus"].fields["pendingLogin"].optional
    assert declared.interfaces["AuthStatus"].fields["state"].type == "Open<AuthState>"
    assert declared.interfaces["LoginParams"].fields["method"].type == "LoginMethodId"
    assert all(f'"{kind}"' in text for kind in ErrorKind.__args__)


def test_secrets_are_named_where_the_models_hide_them():
    """The client's log leaves out what the server does not show, without a list of its own."""
    assert '"auth/login": ["apiKey"],' in mirror()
    assert '"auth/loginPrompt": ["url", "completeUrl", "userCode"],' in mirror()
    assert 'new Set(["auth/credential"])' in mirror()
