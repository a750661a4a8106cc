"""The names on the wire: complete, and free to import at the start of a window."""

from __future__ import annotations

import subprocess
import sys

from codex_auth_lsp.wire import methods
from codex_auth_lsp.wire.catalogue import COMMAND_RESULTS, NOTIFICATION_MODELS, REQUEST_MODELS

LIST_MODULES = "import sys, codex_auth_lsp.wire.methods; print(*sys.modules, sep='\\n')"


def test_importing_the_names_does_not_import_pydantic():
    """The names are needed before the first status, and pydantic costs more than all of them."""
    imported = subprocess.run(
        [sys.executable, "-I", "-c", LIST_MODULES], capture_output=True, text=True, check=True
    ).stdout.split()

    assert "codex_auth_lsp.wire.methods" in imported
    assert [name for name in imported if name.startswith("pydantic")] == []


def test_every_name_has_its_models():
    """What is announced can be checked, and nothing is modelled that is not announced."""
    assert tuple(REQUEST_MODELS) == methods.REQUESTS
    assert tuple(NOTIFICATION_MODELS) == methods.NOTIFICATIONS
    assert tuple(COMMAND_RESULTS) == methods.COMMANDS


def test_the_lists_hold_every_name_of_the_module():
    """A name that was added stands in its list too."""
    names = {
        value for name, value in vars(methods).items() if isinstance(value, str) and name.isupper()
    }

    assert names == {*methods.REQUESTS, *methods.NOTIFICATIONS, *methods.COMMANDS}
