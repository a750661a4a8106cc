"""The options of a language server, read without the parser that the commands need.

An editor starts one in every window with a few plain words. Whatever is not plain (a command, help,
another spelling, a mistake) is left to `command_line`, which reads the same words to the same end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.option_names import TAKE_A_VALUE
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "codex-auth-lsp"

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

_VALUES = {option: option.removeprefix("--").replace("-", "_") for option in TAKE_A_VALUE}
_SWITCHES = {"--stdio": "stdio", "--check-api-key": "check_api_key"}


@frozen
class ServerOptions:
    """What the command line says; the names are those that the parser gives."""

    codex_home: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    log_file: str | None = None
    log_level: str = "WARNING"
    stdio: bool = False
    check_api_key: bool = False
    command: None = None


def read_server_options(words: Sequence[str]) -> ServerOptions | None:
    """Return the options, None where the parser has to say what the words mean."""
    found: dict[str, str | bool] = {}
    rest = iter(words)
    for word in rest:
        if word in _SWITCHES:
            found[_SWITCHES[word]] = True
            continue
        value = next(rest, "-")
        if word not in _VALUES or value.startswith("-"):
            return None
        found[_VALUES[word]] = value
    level = str(found.get("log_level", "WARNING")).upper()
    if level not in LEVELS:
        return None
    return ServerOptions(**{**found, "log_level": level})  # type: ignore[arg-type]
