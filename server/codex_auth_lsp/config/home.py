"""CODEX_HOME: the folder that this server shares with the Codex CLI.

The CLI's rules: the variable counts when it is not empty, is taken as it is (`~` is not
expanded), and must then exist as a folder; else it is `~/.codex`, which a first login makes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import ConfigurationInvalid, StoreUnavailable
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER_MODE = 0o700


@frozen
class CodexHome:
    """The folder and why it is this one: `option`, `environment` or `default`."""

    path: Path
    chosen_by: str

    def problem(self) -> StoreUnavailable | None:
        """Return why the folder cannot be used, or None; a default one may still be missing."""
        named = {"option": "which --codex-home names, ", "environment": "which CODEX_HOME names, "}
        chosen_by = named.get(self.chosen_by, "")
        try:
            if self.path.is_dir():
                return None
        except OSError as exc:  # no permission on the way to it, or too long a name
            return StoreUnavailable(f"The folder {self.path} cannot be read: {exc.strerror}.")
        if os.path.lexists(self.path):
            return StoreUnavailable(
                f"{self.path}, {chosen_by or 'where the login is kept, '}is not a folder; "
                "name one with --codex-home or CODEX_HOME."
            )
        if self.chosen_by == "default":
            return None
        return StoreUnavailable(
            f"The folder {self.path}, {chosen_by}does not exist; create it, or name another one."
        )

    def ensure(self) -> None:
        """Make the default folder where it is missing, for this user alone.

        Raises:
            StoreUnavailable: It cannot be made, or a named folder is missing.
        """
        problem = self.problem()
        if problem is not None:
            raise problem
        try:
            self.path.mkdir(mode=_FOLDER_MODE)
            self.path.chmod(_FOLDER_MODE)  # a umask can have taken bits away from its owner, too
        except FileExistsError:
            pass  # and it is a folder, or it would be a problem
        except OSError as exc:
            raise StoreUnavailable(
                f"The Codex folder {self.path} cannot be made: {exc.strerror}."
            ) from exc


def resolve_codex_home(option: str | None, environment: Mapping[str, str]) -> CodexHome:
    """Return the folder that the command line, else the environment, else the default names.

    Raises:
        ConfigurationInvalid: The option is empty, as from a script's variable that is not set: the
            default would be the login of somebody who meant another one.
    """
    if option is not None:
        if not option:
            raise ConfigurationInvalid(
                "--codex-home is empty; name a folder, or leave the option out."
            )
        return CodexHome(Path(option).absolute(), "option")
    if environment.get("CODEX_HOME"):
        return CodexHome(Path(environment["CODEX_HOME"]).absolute(), "environment")
    return CodexHome(Path.home() / ".codex", "default")
